from collections.abc import Sequence

import pandas as pd
import pytest

from reports.charts.slow_periods import slow_period, slowest_period

START = pd.Timestamp("2026-11-27T02:00:00", tz="UTC")


def series_of(
    p95_s: Sequence[float], step: str = "use", **columns: Sequence[float]
) -> pd.DataFrame:
    count = len(p95_s)
    frame = {"step": [step] * count, "interval_s": [10] * count, "due": [100] * count,
             "at": [START + pd.Timedelta(seconds=10 * number) for number in range(count)],
             "p95_s": p95_s, "p99_s": p95_s, "max_s": p95_s}  # fmt: skip
    return pd.DataFrame({**frame, **columns})


def test_a_slow_period_is_dated_by_its_first_and_last_slow_interval() -> None:
    period = slow_period("use", series_of([0.2] * 10 + [1.5, 2.0, 1.4] + [0.2] * 10))
    assert period is not None
    assert (period.begin - START).total_seconds() == 100
    assert (period.end - START).total_seconds() == 130
    assert (period.usual_s, period.peak_s, period.figure) == (0.2, 2.0, "p95")


def test_a_stall_that_only_the_tail_shows_is_found_by_the_longest_response() -> None:
    usual = [0.2] * 20
    period = slow_period("use", series_of(usual, max_s=[0.3] * 10 + [2.1] + [0.3] * 9))
    assert period is not None
    assert period.figure == "longest response"
    assert (period.begin - START).total_seconds() == 100


@pytest.mark.parametrize(
    "values", [[0.2] * 20, [0.1, 0.4, 0.2, 0.5, 0.1] * 4, [0.002] * 19 + [0.01], [0.1, 5.0]]
)
def test_noise_a_few_milliseconds_or_few_intervals_are_no_period(values: list[float]) -> None:
    assert slow_period("use", series_of(values)) is None


def test_a_percentile_of_few_requests_is_no_period() -> None:
    assert slow_period("use", series_of([0.2] * 19 + [0.9], due=[3] * 20)) is None


def test_the_step_that_exceeds_its_usual_by_most_is_the_slowest() -> None:
    both = {"open": series_of([0.01] * 19 + [0.2]), "use": series_of([0.2] * 19 + [2.0])}
    period = slowest_period(both)
    assert period is not None
    assert period.step == "use"
    assert slowest_period({}) is None


def test_a_step_that_stays_slow_for_most_of_a_load_is_dated_by_what_it_was_before() -> None:
    period = slow_period("use", series_of([0.2, 0.21, 0.19] * 3 + [1.5, 2.0, 1.4, 1.6] * 4))
    assert period is not None
    assert (period.begin - START).total_seconds() == 90
    assert (period.end - START).total_seconds() == 250
    assert (period.usual_s, period.peak_s) == (0.2, 2.0)


@pytest.mark.parametrize(
    "values",
    [
        [0.2] * 4 + [1.5] * 10,
        [0.2] * 8 + [1.5] * 10 + [0.2],
        [0.2 + 0.02 * number for number in range(30)],
        [0.2, 0.9] * 4 + [1.5] * 10,
    ],
    ids=["too few before", "not to the end", "a ramp", "slow at times before"],
)
def test_a_lasting_change_needs_enough_before_it_and_none_of_it_since(values: list[float]) -> None:
    assert slow_period("use", series_of(values)) is None
