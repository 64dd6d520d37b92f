import pytest

from benchmarks import open_model
from benchmarks.engine_recordings import nearest_rank
from benchmarks.open_model import (
    expected_response_times_s,
    k6_percentiles_s,
    scenario_text,
    share_within,
)


@pytest.mark.parametrize("begin_at", [0.0, 3.7, 4.5, 1_700_000_002.25])
def test_a_fifth_of_the_arrivals_waits_uniformly_up_to_a_second(begin_at: float) -> None:
    truth_s = expected_response_times_s(begin_at, 200, 60)
    assert len(truth_s) == 12_000
    assert sum(each > 0 for each in truth_s) == pytest.approx(2_400, abs=12)
    assert nearest_rank(truth_s, 95) == pytest.approx(0.75, abs=0.01)
    assert nearest_rank(truth_s, 99) == pytest.approx(0.95, abs=0.01)
    assert max(truth_s) <= 1.0


def test_a_percentile_may_differ_by_five_percent() -> None:
    assert open_model.is_within(0.78, 0.75)
    assert not open_model.is_within(0.70, 0.75)


def test_a_share_of_no_values_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        share_within([], 0.005)


def test_the_percentiles_of_k6_are_converted_to_seconds() -> None:
    summary = {"metrics": {"http_req_duration": {"p(95)": 750.0, "p(99)": 950.0}}}
    assert k6_percentiles_s(summary) == {95.0: 0.75, 99.0: 0.95}


def test_a_value_at_the_bound_is_within_it() -> None:
    assert share_within([0.001, 0.005, 0.0051, -0.001], 0.005) == 0.75


def test_both_profiles_last_equally_long() -> None:
    text = scenario_text(200, 60)
    assert "open: {rate: 200/s, duration: 60s, max_users: 500}" in text
    assert "closed: {users: 10, duration: 60s}" in text
