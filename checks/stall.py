"""Find the coordinated omission of a closed model: stalls that its response times hide.

In a closed model a virtual user that waits sends nothing: a stall is seen by as many requests as
there are users, however many would have been sent in that time. Percentiles hardly show it.

    user 1  ──●──●──●────────────────────●──●──   ●: a response
    user 2  ───●──●──●───────────────────●───●─
                     └─ no response at all ─┘     then all go on at once
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenarios.evidence.exchanges import ROW, Column
from scenarios.evidence.recording import Recording

_SHORTEST_S = 0.5
# A step that always takes long is slow; one that takes many times its median stalled.
_TIMES_ITS_MEDIAN = 5.0
# After a stall all go on at once: responses that come one after the other were only slow.
_AT_ONCE_RATIO = 0.2
_OF_USERS_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class Stall:
    """No response from `begin_s` on for `duration_s`, while `waiting` requests were in flight.

    `missed` is how many requests would have been sent meanwhile, at the usual rate.
    """

    begin_s: float
    duration_s: float
    waiting: int
    missed: int


def on_one_clock(recordings: Sequence[Recording]) -> Column:
    """Return the rows of all generators (of dtype ROW), their times since the first one's anchor.

    A stall concerns the users of all workers; workers whose clocks are apart by as much as its
    duration show none.
    """
    if len(recordings) == 1:
        return recordings[0].exchanges.rows  # a copy of a million would not be free
    zero_at = min((each.start.anchor_at for each in recordings), default=0.0)
    parts = [np.empty(0, ROW)]
    for each in recordings:
        rows = each.exchanges.rows.copy()
        for name in ("due_s", "sent_s", "done_s"):
            rows[name] += each.start.anchor_at - zero_at
        parts.append(rows)
    return np.concatenate(parts)


def longest_stall(rows: Column, users: int) -> Stall | None:
    """Return the longest stall that rows (of dtype ROW, on one clock) show, or None."""
    by_end = rows[np.argsort(rows["done_s"], kind="stable")]
    gaps_s = np.diff(by_end["done_s"])
    stalls = (
        _stall(by_end, int(number) + 1, users) for number in np.flatnonzero(gaps_s >= _SHORTEST_S)
    )
    return max(filter(None, stalls), key=lambda each: each.duration_s, default=None)


def _stall(by_end: Column, number: int, users: int) -> Stall | None:
    """Judge the gap before the response of this number."""
    done_s, sent_s = by_end["done_s"], by_end["sent_s"]
    begin_s, end_s = float(done_s[number - 1]), float(done_s[number])
    duration_s = end_s - begin_s
    waited = sent_s <= begin_s + duration_s / 2
    waited[:number] = False
    waiting = by_end[waited]
    if len(waiting) < max(1.0, _OF_USERS_RATIO * users):
        return None
    response_s = by_end["done_s"] - by_end["due_s"]
    medians_s = [
        np.median(response_s[by_end["step"] == each]) for each in np.unique(waiting["step"])
    ]
    if (
        duration_s < _TIMES_ITS_MEDIAN * max(medians_s)
        or waiting["done_s"].max() - end_s > _AT_ONCE_RATIO * duration_s
    ):
        return None
    others_s = float(done_s[-1] - sent_s.min()) - duration_s
    rate_per_s = len(by_end) / others_s if others_s > 0 else 0.0
    return Stall(begin_s, duration_s, len(waiting), round(rate_per_s * duration_s))
