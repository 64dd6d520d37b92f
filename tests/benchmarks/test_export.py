from benchmarks.export import is_same

WRITTEN = {"runs-use": {"p50": [2, 0.3], "p95": [2, 0.5]}}


def test_figures_are_the_same_if_number_and_sum_of_each_metric_are() -> None:
    assert is_same({"runs-use": {"p50": [2, 0.1 + 0.2], "p95": [2, 0.5]}}, WRITTEN)
    assert not is_same({"runs-use": {"p50": [2, 0.3], "p95": [2, 0.6]}}, WRITTEN)
    assert not is_same({"runs-use": {"p50": [1, 0.3], "p95": [2, 0.5]}}, WRITTEN)


def test_a_table_or_a_metric_that_was_not_read_is_a_difference() -> None:
    assert not is_same({}, WRITTEN)
    assert not is_same({"runs-use": {"p50": [2, 0.3]}}, WRITTEN)
