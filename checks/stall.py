"""Did the services stand still for a while, and did the closed model hide it?

In a closed model whoever waits sends nothing: a stall is seen by as many requests as there are
users, however many would have come in that time. Percentiles hardly show it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from scenarios.exchange import Exchange

_SHORTEST_S = 0.5
# A step that always takes long is slow; one that takes so many times its median stood still.
_TIMES_ITS_MEDIAN = 5.0
# What stood still goes on at once: answers that come one after the other were only slow.
_AT_ONCE_RATIO = 0.2
_OF_USERS_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class Stall:
    """No answer came from `begin_s` on for `lasted_s`, while `waiting` requests were in flight.

    `missed` is how many requests would have been sent meanwhile, at the rate of the other time.
    """

    begin_s: float
    lasted_s: float
    waiting: int
    missed: int


def longest_stall(exchanges: Iterable[Exchange], users: int) -> Stall | None:
    """Return the longest stall of one generator's exchanges, or None."""
    by_end = sorted(exchanges, key=lambda each: each.done_s)
    medians_s = _medians_s(by_end)
    stalls = (
        _stall(by_end, number, users, medians_s)
        for number, (before, after) in enumerate(pairwise(by_end), start=1)
        if after.done_s - before.done_s >= _SHORTEST_S
    )
    return max(filter(None, stalls), key=lambda each: each.lasted_s, default=None)


def _medians_s(exchanges: Sequence[Exchange]) -> dict[str, float]:
    by_step: dict[str, list[float]] = {}
    for each in exchanges:
        by_step.setdefault(each.step, []).append(each.response_s)
    return {step: median(values) for step, values in by_step.items()}


def _stall(
    by_end: Sequence[Exchange], number: int, users: int, medians_s: dict[str, float]
) -> Stall | None:
    """Judge the gap before the answer of this number."""
    begin_s, end_s = by_end[number - 1].done_s, by_end[number].done_s
    lasted_s = end_s - begin_s
    waiting = [each for each in by_end[number:] if each.sent_s <= begin_s + lasted_s / 2]
    usual_s = max((medians_s[each.step] for each in waiting), default=lasted_s)
    last_end_s = max((each.done_s for each in waiting), default=end_s)
    if (
        len(waiting) < _OF_USERS_RATIO * users
        or lasted_s < _TIMES_ITS_MEDIAN * usual_s
        or last_end_s - end_s > _AT_ONCE_RATIO * lasted_s
    ):
        return None
    others_s = by_end[-1].done_s - min(each.sent_s for each in by_end) - lasted_s
    rate_per_s = len(by_end) / others_s if others_s > 0 else 0.0
    return Stall(begin_s, lasted_s, len(waiting), round(rate_per_s * lasted_s))
