"""Date the difference between a counter and what the client did: the first scrape that shows it.

At a scrape a counter must have all that was confirmed before, and can have no more than was sent
by then. A counter that lags shows only where requests in flight leave no room for it:

    request   sent ├─────────┤ done            s: a scrape, begun … answered
    scrapes   ──s──────s──────────s──▶
                │      │          └ confirmed: it must be counted here
                │      └ in flight: it may be counted
                └ not sent: it cannot be counted
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from witnesses.figure import Amount
from witnesses.prometheus.growth import Growth


@dataclass(frozen=True, slots=True)
class DatedCount:
    """What one exchange moved, between being sent and done (epoch seconds, Prometheus' clock).

    One that is not confirmed is in doubt.
    """

    sent_at: float
    done_at: float
    amount: Amount
    is_confirmed: bool = True


class _Bounds(NamedTuple):
    """At one scrape: the growth of all series together, and its lower and upper bound."""

    at: float
    grown: Amount
    low: Amount
    high: Amount


def differs_since(
    growths: Sequence[Sequence[Growth]], moves: Iterable[DatedCount], slack_s: float = 0.05
) -> float | None:
    """Return when the first scrape began that shows the difference (epoch seconds), or None.

    `growths` are those of all series of one label set, with those of targets that show none;
    `moves` are all that moved it. None means that the last scrape shows no difference, or that
    requests in flight explain it. A difference that disappeared again does not count: the first
    scrape after the last good one does. `slack_s` is by how much the clocks may differ.
    """
    bounds = list(_bounds(growths, list(moves), slack_s))
    if bounds and bounds[-1].grown < bounds[-1].low:
        return _first_lasting(
            (each.at, each.grown < each.low, each.grown >= each.high) for each in bounds
        )
    if bounds and bounds[-1].grown > bounds[-1].high:
        return _first_lasting(
            (each.at, each.grown > each.high, each.grown <= each.low) for each in bounds
        )
    return None


def _first_lasting(shown: Iterable[tuple[float, bool, bool]]) -> float | None:
    """Return the first instant of a difference, after the last without one."""
    first: float | None = None
    for at, is_off, is_well in shown:
        if is_well:
            first = None
        elif is_off and first is None:
            first = at
    return first


def _bounds(
    growths: Sequence[Sequence[Growth]], moves: Sequence[DatedCount], slack_s: float
) -> Iterator[_Bounds]:
    """Yield growth and bounds at each scrape, each series as of its last scrape.

    The lower bound is of the stalest series: another one may have counted since.
    """
    confirmed = _Sums((each.done_at, each.amount) for each in moves if each.is_confirmed)
    sent = _Sums((each.sent_at, each.amount) for each in moves)
    latest = [Growth(-math.inf, -math.inf, 0.0)] * len(growths)
    answered_at = -math.inf
    numbered = ((scrape, number) for number, growth in enumerate(growths) for scrape in growth)
    for scrape, number in sorted(numbered):
        latest[number] = scrape
        answered_at = max(answered_at, scrape.answered_at)
        stalest_at = min(each.at for each in latest)
        yield _Bounds(
            scrape.at,
            sum(each.grown for each in latest),
            confirmed.until(stalest_at - slack_s),
            sent.until(answered_at + slack_s),
        )


class _Sums:
    """Amounts added up over time."""

    def __init__(self, amounts: Iterable[tuple[float, Amount]]) -> None:
        """Take (epoch seconds, amount) in any order."""
        in_order = sorted(amounts)
        self._instants = [at for at, _ in in_order]
        self._sums: list[Amount] = [0, *accumulate(amount for _, amount in in_order)]

    def until(self, at: float) -> Amount:
        """Return the sum of all amounts up to an instant."""
        return self._sums[bisect_right(self._instants, at)]
