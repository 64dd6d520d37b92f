"""The share within a limit that one histogram shows."""

import math

import numpy as np
import pytest

from checks.server_latency.requests import StepRequests
from checks.server_latency.shares import share_of
from checks.service_levels import Gap, ServerShare
from checks.timings import Timings
from witnesses.figure import Figure, Reason
from witnesses.histograms import Histogram

SENT_100 = StepRequests(Timings(np.full(100, 0.1), np.empty(0), np.empty(0)))


def share(*counts: Figure, requests: StepRequests | None = SENT_100) -> ServerShare:
    histogram = Histogram(dict(zip((2.5, math.inf), counts, strict=True)))
    return share_of(histogram, 2.5, requests, counts[-1])


def test_exact_counts_are_an_exact_share() -> None:
    known = share(Figure.exact(96), Figure.exact(100))
    assert (known.over_low, known.over_high, known.count) == (4, 4, 100)
    assert known.ratios == (0.96, 0.96)


def test_after_a_restart_as_much_may_be_missing_as_was_sent() -> None:
    lost = Figure.at_least(93, Reason.PROCESS_RESTARTED), Figure.at_least(
        95, Reason.PROCESS_RESTARTED
    )  # fmt: skip
    assert share(*lost).ratios == (0.93, 1.0)
    assert share(*lost, requests=None).gap is Gap.UNBOUNDED


def test_a_total_that_others_may_have_raised_bounds_nothing() -> None:
    raised = Figure.at_most(96, Reason.MOVED_BEFORE), Figure.at_most(100, Reason.MOVED_BEFORE)
    assert share(*raised).ratios == (0.0, 1.0)


def test_an_interval_of_counts_is_an_interval_of_shares() -> None:
    apart = Figure(90, 92, Reason.FEW_DIGITS), Figure(99, 101, Reason.FEW_DIGITS)
    known = share(*apart, requests=None)
    assert (known.over_low, known.over_high, known.count) == (7, 11, 101)


@pytest.mark.parametrize(
    ("counts", "gap"),
    [
        ((101, 100), Gap.NOT_CUMULATIVE),
        ((0, 0), Gap.NOTHING_TIMED),
        ((90, 99), Gap.NOT_ALL_TIMED),
    ],
)
def test_what_no_share_follows_from_is_a_gap(counts: tuple[float, float], gap: Gap) -> None:
    known = share(*map(Figure.exact, counts))
    assert (known.gap, known.ratios) == (gap, (0.0, 1.0))
