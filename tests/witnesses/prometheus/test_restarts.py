"""Restarts of a process, as the scrapes of its target show them."""

import math

import pytest

from witnesses.figure import Reason
from witnesses.prometheus.restarts import restart_of
from witnesses.prometheus.samples import ScrapeLog

UP = [(at, 1.0) for at in (80.0, 90.0, 110.0, 120.0)]
BASELINE = ((80.0, 5.0), (90.0, 5.0))


@pytest.mark.parametrize(
    ("started", "reason"),
    [
        ([50.5, 50.5, 50.5, 50.5], None),
        ([50.5, 50.5, 105.5, 105.5], Reason.PROCESS_RESTARTED),
        ([], None),
    ],
)
def test_a_start_time_that_changes_is_a_restart(
    started: list[float], reason: Reason | None
) -> None:
    start_times = [(at, each) for (at, _), each in zip(UP, started, strict=False)]
    assert restart_of(BASELINE, ScrapeLog(UP, start_times), 100.0) is reason


def test_a_process_that_was_young_may_have_been_replaced_within_the_same_second() -> None:
    start_times = [(at, math.floor(at) * 1.0) for at in (110.0,)] + [(110.4, 110.0)]
    assert restart_of((), ScrapeLog(UP, start_times), 100.0) is Reason.PERHAPS_RESTARTED


def test_without_scrapes_nothing_is_known_of_the_process() -> None:
    assert restart_of(BASELINE, ScrapeLog(), 100.0) is Reason.SCRAPES_UNKNOWN
