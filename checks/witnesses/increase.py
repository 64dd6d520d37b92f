"""By how much did a counter grow between two instants? Exact from raw samples, or a lower bound.

`increase()` extrapolates to the window's edges and loses a new series' first value; this does
neither.

What no sample can show is taken on trust: that a counter which stood still over two scrapes stands
still until the first request, that a process lived through the run if it tells no start time and
no counter of its fell, and that none lived and died on a target before that was first scraped.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from checks.witnesses.figure import Figure
from checks.witnesses.samples import Sample, Watch, at_scrapes

QUIET_SCRAPES = 3
_STEADY_SCRAPES = 2

# Linux tells the boot time, on which a process' start time rests, in whole seconds, rounded down.
BIRTH_MARGIN_S = 1.0


class Growth(NamedTuple):
    """How far a counter had grown at one scrape, which began at `at` and ended at `answered_at`."""

    at: float
    answered_at: float
    grown: float


class _Parted(NamedTuple):
    """A counter's values at the scrapes answered before the first request, and at the others.

    `until` is when the last scrape can have begun that belongs to the former.
    """

    until: float
    before: list[Sample]
    after: list[Sample]


def increase(samples: Sequence[Sample], watch: Watch, begin: float, end: float) -> Figure:
    """Return the increase of one series from `begin` (before the first request) to `end`.

    `end` is when the last answer had come. Samples are (epoch seconds, value) in order of time:
    the last scrape answered before `begin` is the baseline, the last of all the total, and each
    drop a reset.
    """
    parted = _parted(samples, watch, begin)
    start, doubt = _start(parted, watch, begin)
    values = [start, *(value for _, value in parted.after)]
    remarks = (
        doubt,
        _restart(parted, watch, begin),
        "its counter went down" if _falls(values) else "",
        _unsettled(parted.after, end),
    )
    return Figure(_sums_over_resets(values)[-1], next(filter(None, remarks), ""))


def growth(samples: Sequence[Sample], watch: Watch, begin: float) -> list[Growth]:
    """Return the increase of one series from `begin` up to each scrape after it."""
    parted = _parted(samples, watch, begin)
    start, _ = _start(parted, watch, begin)
    durations_s = dict(watch.durations)
    sums = _sums_over_resets([start, *(value for _, value in parted.after)])
    return [
        Growth(at, at + durations_s.get(at, 0.0), grown)
        for (at, _), grown in zip(parted.after, sums[1:], strict=True)
    ]


def zero(watches: Iterable[Watch], begin: float, end: float) -> Figure:
    """Return the figure of a series that never appeared: zero, if its targets were watched."""
    remarks = [increase((), watch, begin, end).remark for watch in watches]
    if not remarks:
        return Figure(None, "Prometheus scrapes no target that could have it")
    remark = next(filter(None, remarks), "")
    return Figure(None if remark else 0.0, remark)


def is_quiet(samples: Sequence[Sample], end: float) -> bool:
    """Tell whether the first scrape after `end` and two further ones show the same value."""
    return not _unsettled(samples, end)


def _parted(samples: Sequence[Sample], watch: Watch, begin: float) -> _Parted:
    """Part what was seen; a scrape under way at `begin` may have seen the first requests."""
    under_way = [at for at, duration_s in watch.durations if at <= begin < at + duration_s]
    until = math.nextafter(under_way[0], -math.inf) if under_way else begin
    seen = at_scrapes(samples, watch)
    before = [each for each in seen if each[0] <= until]
    return _Parted(until, before, seen[len(before) :])


def _start(parted: _Parted, watch: Watch, begin: float) -> tuple[float, str]:
    """Return the value to count from, and why it may not be the one at the first request.

    If it may not, the count begins at the first scrape after: what it had by then is left out.
    """
    if not watch.fresh and not parted.before and _is_born_since(watch, begin):
        return 0.0, _unwatched_before_birth(watch)
    doubt = _unsteady(parted, watch)
    if doubt:
        return (parted.after[0][1] if parted.after else 0.0), doubt
    return (parted.before[-1][1] if parted.before else 0.0), ""


def _is_born_since(watch: Watch, begin: float) -> bool:
    return bool(watch.births) and watch.births[0][1] > begin + BIRTH_MARGIN_S


def _unwatched_before_birth(watch: Watch) -> str:
    """A scrape that failed before the process began may have missed another one."""
    birth = watch.births[0][1]
    missed = any(up == 0 and at < birth + BIRTH_MARGIN_S for at, up in watch.ups)
    return "its target was not scraped before its process began" if missed else ""


def _unsteady(parted: _Parted, watch: Watch) -> str:
    """Say why its value at the first request is not known: it was not seen to stand still."""
    ups = [up for at, up in watch.ups if at <= parted.until]
    if not watch.fresh and (not parted.before or (ups and ups[-1] == 0)):
        return "its target was not scraped before the first request"
    born = [(-math.inf, 0.0)] if watch.fresh else []
    last = [*born, *parted.before][-_STEADY_SCRAPES:]
    if len({value for _, value in last}) > 1:
        return "it was moving before the first request"
    if len(last) < _STEADY_SCRAPES and not watch.fresh:
        return "it was not seen to stand still before the first request"
    return ""


def _restart(parted: _Parted, watch: Watch, begin: float) -> str:
    """Compare the process at the baseline with those seen after it."""
    if not watch.ups:
        return "its target's scrapes are not known"
    since = parted.before[-1][0] if parted.before else -math.inf
    births = _births(watch, since)
    unseen = watch.fresh and not parted.before
    replaced = unseen and any(birth > begin - BIRTH_MARGIN_S for birth in births)
    if replaced or len(births) > 1:
        return "its process was restarted; what it counted after its last scrape is lost"
    if _is_blurred(watch.births, since):
        return "its process may have been restarted within a second of its start"
    return ""


def _births(watch: Watch, since: float) -> set[float]:
    """Return the start times of the processes that were seen since an instant."""
    first = [birth for at, birth in watch.births if at <= since][-1:]
    return {*first, *(birth for at, birth in watch.births if at > since)}


def _is_blurred(births: Sequence[Sample], since: float) -> bool:
    """Two processes tell one start time if both began in the same second, told as a whole one."""
    return any(
        at >= since and at < birth + BIRTH_MARGIN_S and birth == later and birth.is_integer()
        for (at, birth), (_, later) in pairwise(births)
    )


def _sums_over_resets(values: Sequence[float]) -> list[float]:
    """Return how far it had grown at each value since the first of them."""
    lost = [0.0, *(before if after < before else 0.0 for before, after in pairwise(values))]
    return [
        value - values[0] + so_far for value, so_far in zip(values, accumulate(lost), strict=True)
    ]


def _falls(values: Sequence[float]) -> bool:
    return any(after < before for before, after in pairwise(values))


def _unsettled(samples: Sequence[Sample], end: float) -> str:
    """Say why it need not have come to rest after the last answer."""
    last = [value for at, value in samples if at > end][-QUIET_SCRAPES:]
    if not last:
        return "its target was not scraped after the last answer"
    if len(set(last)) > 1:
        return "it was still moving when it was read"
    if len(last) < QUIET_SCRAPES:
        return "it was not seen to stand still after the last answer"
    return ""
