"""By how much did a counter grow between two instants? Exact from raw samples, or a lower bound.

`increase()` extrapolates to the window's edges and loses a new series' first value; this does
neither.

What no sample can show is taken on trust: that a counter which stood still over two scrapes stands
still until the first request, that a process lived through the run if it tells no start time and
no counter of its fell, and that none lived and died on a target before that was first scraped.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from witnesses.figure import Figure
from witnesses.prometheus.samples import Sample, Scrapes, Watch, at_scrapes, later, scrapes_of

QUIET_SCRAPES = 3
_STEADY_SCRAPES = 2

# What is counted only at scrapes begun later than this after the last answer is late.
GRACE_S = 1.0

# Linux tells the boot time, on which a process' start time rests, in whole seconds, rounded down.
BIRTH_MARGIN_S = 1.0


class Growth(NamedTuple):
    """How far a counter had grown at one scrape, which began at `at` and ended at `answered_at`."""

    at: float
    answered_at: float
    grown: float


class Span(NamedTuple):
    """From the first request to the last answer (epoch seconds), as one target was scraped.

    `until` is when the last scrape can have begun that was answered before `begin`. What is
    counted only at scrapes begun after the first since `grace_until` is late. `has_others` tells
    that others may count on the series all the time: it need not stand still before or after, and
    its increase is that of all.
    """

    begin: float
    end: float
    until: float
    grace_until: float
    has_others: bool = False


@dataclass(slots=True)
class Tally:
    """One series as it is being read, in order of time: what its increase needs, and no more.

    `baseline` are its last two scrapes answered before the first request, `first` its value at the
    first after them, `last` at the last, `lost` what it had lost in between by resets. `early` is
    how far it had grown since `first` within the grace, `rest` its last values after the end.
    """

    baseline: tuple[Sample, ...] = ()
    first: float | None = None
    last: float = 0.0
    lost: float = 0.0
    fell: bool = False
    early: float | None = None
    rest: tuple[float, ...] = ()
    shown_at: float = -math.inf

    def copy(self) -> "Tally":
        """Return one that goes on from here by itself."""
        return Tally(
            self.baseline, self.first, self.last, self.lost,
            self.fell, self.early, self.rest, self.shown_at,
        )  # fmt: skip

    def see(self, samples: Sequence[Sample], scrapes: Scrapes, span: Span) -> Sequence[Sample]:
        """Take what further scrapes showed; return its value at each that is not of the baseline.

        Samples that were seen before are skipped.
        """
        new = later(samples, self.shown_at)
        seen = at_scrapes(new, scrapes, self.shown_at)
        if new:
            self.shown_at = new[-1][0]
        if seen and seen[0][0] <= span.until:
            parting = bisect_right(seen, (span.until, math.inf))
            self.baseline = (*self.baseline, *seen[:parting])[-_STEADY_SCRAPES:]
            seen = seen[parting:]
        if seen:
            self._count(seen, span)
        return seen

    def _count(self, seen: Sequence[Sample], span: Span) -> None:
        if self.first is None:
            self.first = self.last = seen[0][1]
        if self.early is None and seen[-1][0] >= span.grace_until:
            parting = bisect_left(seen, (span.grace_until, -math.inf)) + 1
            self._add(seen[:parting])
            self.early = self.last - self.first + self.lost
            self._add(seen[parting:])
        else:
            self._add(seen)
        rest = (value for at, value in seen[-QUIET_SCRAPES:] if at > span.end)
        self.rest = (*self.rest, *rest)[-QUIET_SCRAPES:]

    def _add(self, seen: Sequence[Sample]) -> None:
        last, lost = self.last, self.lost
        for _, value in seen:
            if value < last:
                lost += last
                self.fell = True
            last = value
        self.last, self.lost = last, lost

    def figure(self, watch: Watch, span: Span) -> Figure:
        """Return the increase over all that was seen."""
        start, doubt = self.start(watch, span)
        first = start if self.first is None else self.first
        fell_at_first = first < start
        remarks = (
            "two targets share its job and instance" if watch.is_shared else "",
            doubt,
            _restart(self.baseline, watch, span.begin),
            "its counter went down" if self.fell or fell_at_first else "",
            _unread(self.rest) if span.has_others else _unsettled(self.rest),
            "its target shows no metrics" if watch.is_bare and self.shown_at == -math.inf else "",
        )
        since_first = 0.0 if self.first is None else self.last - self.first + self.lost
        grown = first - start + (start if fell_at_first else 0.0) + since_first
        late = 0.0 if self.early is None else since_first - self.early
        return Figure(grown, next(filter(None, remarks), ""), late)

    def start(self, watch: Watch, span: Span) -> tuple[float, str]:
        """Return the value to count from, and why it may not be the one at the first request.

        If it may not, the count begins at the first scrape after: what it had by then is left out.
        """
        if not watch.fresh and not self.baseline and _is_born_since(watch, span.begin):
            return 0.0, _unwatched_before_birth(watch)
        doubt = _unwatched(self.baseline, watch, span.until)
        if not span.has_others:
            doubt = doubt or _unsteady(self.baseline, watch)
        if doubt:
            return self.first or 0.0, doubt
        return (self.baseline[-1][1] if self.baseline else 0.0), ""


def increase(
    samples: Sequence[Sample], watch: Watch, begin: float, end: float, settle_s: float = 0.0
) -> Figure:
    """Return the increase of one series from `begin` (before the first request) to `end`.

    `end` is when the last answer had come. Samples are (epoch seconds, value) in order of time:
    the last scrape answered before `begin` is the baseline, the last of all the total, and each
    drop a reset. What may be counted up to `settle_s` after the end is not late.
    """
    span, tally = span_of(watch, begin, end, settle_s), Tally()
    tally.see(samples, scrapes_of(watch.ups), span)
    return tally.figure(watch, span)


def growth(samples: Sequence[Sample], watch: Watch, begin: float) -> list[Growth]:
    """Return the increase of one series from `begin` up to each scrape after it."""
    span, tally = span_of(watch, begin, math.inf), Tally()
    seen = tally.see(samples, scrapes_of(watch.ups), span)
    return grown(seen, tally.start(watch, span)[0], dict(watch.durations))


def grown(seen: Sequence[Sample], start: float, durations_s: Mapping[float, float]) -> list[Growth]:
    """Return the increase from a start value up to each scrape (epoch seconds, value)."""
    sums = _sums_over_resets([start, *(value for _, value in seen)])
    return [
        Growth(at, at + durations_s.get(at, 0.0), by)
        for (at, _), by in zip(seen, sums[1:], strict=True)
    ]


def zero(watches: Iterable[Watch], begin: float, end: float) -> Figure:
    """Return the figure of a series that never appeared: zero, if its targets were watched."""
    return zero_of(increase((), watch, begin, end) for watch in watches)


def zero_of(silent: Iterable[Figure]) -> Figure:
    """Return the figure of a series that none of the targets showed, by what each says of it."""
    remarks = [each.remark for each in silent]
    if not remarks:
        return Figure(None, "Prometheus scrapes no target that could have it")
    remark = next(filter(None, remarks), "")
    return Figure(None if remark else 0.0, remark)


def is_quiet(samples: Sequence[Sample], end: float) -> bool:
    """Tell whether the first scrape after `end` and two further ones show the same value."""
    return not _unsettled([value for at, value in samples if at > end][-QUIET_SCRAPES:])


def span_of(
    watch: Watch, begin: float, end: float, settle_s: float = 0.0, has_others: bool = False
) -> Span:
    """Return the span as a target was scraped: one under way at `begin` may have seen requests."""
    under_way = (at for at, duration_s in watch.durations if at <= begin < at + duration_s)
    first = next(under_way, None)
    until = begin if first is None else math.nextafter(first, -math.inf)
    return Span(begin, end, until, end + max(GRACE_S, settle_s), has_others)


def _is_born_since(watch: Watch, begin: float) -> bool:
    return bool(watch.births) and watch.births[0][1] > begin + BIRTH_MARGIN_S


def _unwatched_before_birth(watch: Watch) -> str:
    """A scrape that failed before the process began may have missed another one."""
    birth = watch.births[0][1]
    missed = any(up == 0 and at < birth + BIRTH_MARGIN_S for at, up in watch.ups)
    return "its target was not scraped before its process began" if missed else ""


def _unwatched(baseline: Sequence[Sample], watch: Watch, until: float) -> str:
    ups = [up for at, up in watch.ups if at <= until]
    if not watch.fresh and (not baseline or (ups and ups[-1] == 0)):
        return "its target was not scraped before the first request"
    return ""


def _unsteady(baseline: Sequence[Sample], watch: Watch) -> str:
    """Say why its value at the first request is not known: it was not seen to stand still."""
    born = [(-math.inf, 0.0)] if watch.fresh else []
    last = [*born, *baseline][-_STEADY_SCRAPES:]
    if len({value for _, value in last}) > 1:
        return "it was moving before the first request"
    if len(last) < _STEADY_SCRAPES and not watch.fresh:
        return "it was not seen to stand still before the first request"
    return ""


def _restart(baseline: Sequence[Sample], watch: Watch, begin: float) -> str:
    """Compare the process at the baseline with those seen after it."""
    if not watch.ups:
        return "its target's scrapes are not known"
    since = baseline[-1][0] if baseline else -math.inf
    births = _births(watch, since)
    unseen = watch.fresh and not baseline
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


def _unread(last: Sequence[float]) -> str:
    return "" if last else "its target was not scraped after the last answer"


def _unsettled(last: Sequence[float]) -> str:
    """Say why it need not have come to rest: by its last values after the last answer."""
    if not last:
        return _unread(last)
    if len(set(last)) > 1:
        return "it was still moving when it was read"
    if len(last) < QUIET_SCRAPES:
        return "it was not seen to stand still after the last answer"
    return ""
