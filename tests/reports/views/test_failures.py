from dataclasses import replace

from reports.views.failures import failure_rows
from tests.reports.results import failing_result, failure, failure_sample


def test_a_row_has_count_share_and_times() -> None:
    (row,) = failure_rows(failing_result())
    assert (row.step, row.outcome, row.count, row.share) == (
        "execute workflow", "rejected", "2", "1.98 %",
    )  # fmt: skip
    assert (row.first, row.last) == ("2026-11-22 17:50:11 UTC", "2026-11-22 17:50:48 UTC")


def test_a_sample_says_when_it_was_sent_and_what_came() -> None:
    (row,) = failure_rows(failing_result())
    assert [each.when for each in row.samples] == [
        "2026-11-22 17:50:11.000 UTC", "2026-11-22 17:50:48.000 UTC",
    ]  # fmt: skip
    assert row.samples[0].outcome == "status 503 after 0.012 s"


def test_a_request_without_a_response_says_so() -> None:
    lost = failure(samples=(failure_sample(status=None, duration_s=3.0),))
    (row,) = failure_rows(replace(failing_result(), failures=(lost,)))
    assert row.samples[0].outcome == "no response after 3.000 s"


def test_only_the_most_frequent_groups_show_every_sample() -> None:
    many = tuple(failure(reason=f"{number}") for number in range(12))
    rows = failure_rows(replace(failing_result(), failures=many))
    assert [len(each.samples) for each in rows] == [2] * 10 + [1] * 2
