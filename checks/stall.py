"""Did the services stand still for a while, and did the closed model hide it?

In a closed model whoever waits sends nothing: a stall is seen by as many requests as there are
users, however many would have come in that time. Percentiles hardly show it.
"""

from dataclasses import dataclass

import numpy as np

from scenarios.exchanges import Exchanges

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


def longest_stall(exchanges: Exchanges, users: int) -> Stall | None:
    """Return the longest stall of one generator's exchanges, or None."""
    by_end = exchanges[np.argsort(exchanges.column("done_s"), kind="stable")]
    gaps_s = np.diff(by_end.column("done_s"))
    stalls = (
        _stall(by_end, int(number) + 1, users) for number in np.flatnonzero(gaps_s >= _SHORTEST_S)
    )
    return max(filter(None, stalls), key=lambda each: each.lasted_s, default=None)


def _usual_s(exchanges: Exchanges, waiting: Exchanges) -> float:
    """Return the longest median response time of the steps that waited, in seconds."""
    steps = np.unique(waiting.column("step"))
    return max(
        float(np.median(exchanges.response_s[exchanges.column("step") == step])) for step in steps
    )


def _stall(by_end: Exchanges, number: int, users: int) -> Stall | None:
    """Judge the gap before the answer of this number."""
    done_s, sent_s = by_end.column("done_s"), by_end.column("sent_s")
    begin_s, end_s = float(done_s[number - 1]), float(done_s[number])
    lasted_s = end_s - begin_s
    waited = sent_s <= begin_s + lasted_s / 2
    waited[:number] = False
    waiting = by_end[waited]
    if (
        len(waiting) < max(1.0, _OF_USERS_RATIO * users)
        or lasted_s < _TIMES_ITS_MEDIAN * _usual_s(by_end, waiting)
        or waiting.column("done_s").max() - end_s > _AT_ONCE_RATIO * lasted_s
    ):
        return None
    others_s = float(done_s[-1] - sent_s.min()) - lasted_s
    rate_per_s = len(by_end) / others_s if others_s > 0 else 0.0
    return Stall(begin_s, lasted_s, len(waiting), round(rate_per_s * lasted_s))
