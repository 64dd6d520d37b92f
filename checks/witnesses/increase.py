"""By how much did a counter grow between two instants? Exact from raw samples, or a lower bound.

`increase()` extrapolates to the window's edges and loses a new series' first value; this does
neither.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from checks.witnesses.figure import Figure
from checks.witnesses.samples import Sample, Watch

QUIET_SCRAPES = 3

# Linux tells the boot time, on which a process' start time rests, in whole seconds.
_BIRTH_MARGIN_S = 1.0


def increase(samples: Sequence[Sample], watch: Watch, begin: float, end: float) -> Figure:
    """Return the increase of one series from `begin` (before the first request) to `end`.

    `end` is when the last answer had come. Samples are (epoch seconds, value) in order of time:
    the last before `begin` is the baseline, the last of all the total, and each drop a reset.
    """
    before = [value for at, value in samples if at <= begin]
    after = [value for at, value in samples if at > begin]
    remarks = (
        "" if before else _unwatched_birth(watch, begin),
        "it was moving before the first request" if len(set(before[-2:])) > 1 else "",
        _restart(watch, begin),
        "its counter went down" if _falls([*before, *after]) else "",
        _unsettled(samples, watch, end),
    )
    first = after[0] if after and remarks[0] else 0.0
    total = _sum_over_resets(before[-1] if before else first, after)
    return Figure(total, next(filter(None, remarks), ""))


def zero(watches: Iterable[Watch], begin: float, end: float) -> Figure:
    """Return the figure of a series that never appeared: zero, if its targets were watched."""
    remarks = [
        _unwatched_birth(watch, begin) or _restart(watch, begin) or _unwatched_end(watch, end)
        for watch in watches
    ]
    if not remarks:
        return Figure(None, "Prometheus scrapes no target that could have it")
    remark = next(filter(None, remarks), "")
    return Figure(None if remark else 0.0, remark)


def is_quiet(samples: Sequence[Sample], end: float) -> bool:
    """Tell whether the first scrape after `end` and two further ones show the same value."""
    after = [value for at, value in samples if at > end]
    return len(after) >= QUIET_SCRAPES and len(set(after[-QUIET_SCRAPES:])) == 1


def _sum_over_resets(baseline: float, values: Sequence[float]) -> float:
    total, previous = 0.0, baseline
    for value in values:
        total += value - previous if value >= previous else value
        previous = value
    return total


def _falls(values: Sequence[float]) -> bool:
    return any(after < before for before, after in pairwise(values))


def _unwatched_birth(watch: Watch, begin: float) -> str:
    """Say why a series without a baseline need not have begun at zero."""
    ups = [up for at, up in watch.ups if at <= begin]
    births = [birth for _, birth in watch.births]
    born_since = bool(births) and min(births) > begin + _BIRTH_MARGIN_S
    if watch.fresh or born_since or (ups and ups[-1] == 1):
        return ""
    return "its target was not scraped before the first request"


def _restart(watch: Watch, begin: float) -> str:
    """Compare the process before the first request with those seen after it."""
    before = [birth for at, birth in watch.births if at <= begin][-1:]
    since = [birth for at, birth in watch.births if at > begin]
    replaced = watch.fresh and any(birth > begin + _BIRTH_MARGIN_S for birth in since)
    if replaced or len({*before, *since}) > 1:
        return "its process was restarted; what it counted after its last scrape is lost"
    return ""


def _unsettled(samples: Sequence[Sample], watch: Watch, end: float) -> str:
    if is_quiet(samples, end):
        return ""
    if any(at > end for at, _ in samples):
        return _unwatched_end(watch, end) or "it was still moving when it was read"
    return _unwatched_end(watch, end) or "it has no sample after the last answer"


def _unwatched_end(watch: Watch, end: float) -> str:
    watched = any(at > end and up == 1 for at, up in watch.ups)
    return "" if watched else "its target was not scraped after the last answer"
