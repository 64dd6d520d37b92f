"""Since when does a counter differ from what the client did? The first scrape that shows it.

At a scrape a counter must have all that was confirmed before, and can have no more than was sent
by then. One that lags behind shows only where that leaves no room: what was in flight hides it.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import NamedTuple

from witnesses.prometheus.increase import Growth


@dataclass(frozen=True, slots=True)
class Move:
    """What one exchange moved, between being sent and done (epoch seconds, Prometheus' clock).

    `sure` tells that it was confirmed; otherwise it is in doubt.
    """

    sent_at: float
    done_at: float
    amount: int
    sure: bool = True


class _Balance(NamedTuple):
    """At one scrape: what all series together had grown by, and the least and most they could."""

    at: float
    grown: float
    low: float
    high: float


def differs_since(
    growths: Sequence[Sequence[Growth]], moves: Iterable[Move], slack_s: float = 0.05
) -> float | None:
    """Return when the first scrape began that shows the difference (epoch seconds), or None.

    `growths` are those of all series of one label set, of the silent targets too; `moves` all that
    moved it. None: at the last scrape there is no difference, or in-flight requests explain it.
    A difference that was made up for does not count: the first after the last scrape that shows
    all to be well does. `slack_s` is by how much the clocks may be apart.
    """
    balances = list(_balances(growths, list(moves), slack_s))
    if balances and balances[-1].grown < balances[-1].low:
        return _first_lasting(
            (each.at, each.grown < each.low, each.grown >= each.high) for each in balances
        )
    if balances and balances[-1].grown > balances[-1].high:
        return _first_lasting(
            (each.at, each.grown > each.high, each.grown <= each.low) for each in balances
        )
    return None


def _first_lasting(shown: Iterable[tuple[float, bool, bool]]) -> float | None:
    """Return the first instant at which it is off, after the last at which it is shown well."""
    first: float | None = None
    for at, is_off, is_well in shown:
        if is_well:
            first = None
        elif is_off and first is None:
            first = at
    return first


def _balances(
    growths: Sequence[Sequence[Growth]], moves: Sequence[Move], slack_s: float
) -> Iterator[_Balance]:
    """Yield the balance at each scrape, each series standing as it was last scraped.

    The least is what was confirmed when the stalest of them was: another may have counted since.
    """
    confirmed = _Sums((each.done_at, each.amount) for each in moves if each.sure)
    sent = _Sums((each.sent_at, each.amount) for each in moves)
    latest = [Growth(-math.inf, -math.inf, 0.0)] * len(growths)
    answered_at = -math.inf
    for scrape, number in sorted(_numbered(growths)):
        latest[number] = scrape
        answered_at = max(answered_at, scrape.answered_at)
        stalest_at = min(each.at for each in latest)
        yield _Balance(
            scrape.at,
            sum(each.grown for each in latest),
            confirmed.until(stalest_at - slack_s),
            sent.until(answered_at + slack_s),
        )


def _numbered(growths: Sequence[Sequence[Growth]]) -> Iterator[tuple[Growth, int]]:
    return chain.from_iterable(
        ((scrape, number) for scrape in growth) for number, growth in enumerate(growths)
    )


class _Sums:
    """Amounts added up over time."""

    def __init__(self, amounts: Iterable[tuple[float, int]]) -> None:
        """Take (epoch seconds, amount) in any order."""
        in_order = sorted(amounts)
        self._instants = [at for at, _ in in_order]
        self._sums = [0, *accumulate(amount for _, amount in in_order)]

    def until(self, at: float) -> int:
        """Return the sum of all amounts up to an instant."""
        return self._sums[bisect_right(self._instants, at)]
