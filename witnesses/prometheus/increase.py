"""Compute the exact increase of a counter between two instants from its raw samples.

Unlike `increase()`, nothing is extrapolated to the edges of a window, and the first value of a new
series is not lost. Where samples do not show the whole increase, the figure is a lower bound.

         begin: first request        end: last response
              │                             │ grace
    ──s───s───│──s─────s─────s─────s─────s──│──s──│──s─────s──▶   s: a scrape
          ▲                                    ▲     ▲     ▲
      baseline: two scrapes that               │     └─────┴── at rest: two more, unchanged
      show the same value                      └── first scrape that shows all of it

What no sample can show is taken on trust: that a counter at rest over two scrapes stays at rest
until the first request, that a process without a start time lived through the run if none of its
counters fell, and that no process lived and died on a target before its first scrape.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from witnesses.figure import MAX_COUNT, Figure, Reason
from witnesses.process_identity import START_TIME_MARGIN_S
from witnesses.prometheus.growth import Growth, grown
from witnesses.prometheus.pushes import QUIET_PUSHES
from witnesses.prometheus.restarts import restart_of
from witnesses.prometheus.samples import (
    Sample,
    ScrapeLog,
    ScrapeTimes,
    at_scrapes,
    has_own_timestamps,
    later,
    scrapes_of,
)

QUIET_SCRAPES = 3
QUIET_PAGES = 2  # of a page with timestamps of its own, which several scrapes may show
_STEADY_SCRAPES = 2

# What is counted only at scrapes begun later than this after the last response is late.
GRACE_S = 1.0

# One fall may be a restart; a counter that falls again and again shows what each push added.
_FALLS_OF_DELTAS = 2

_RESTARTS = (Reason.PROCESS_RESTARTED, Reason.PERHAPS_RESTARTED)


class Span(NamedTuple):
    """From the first request to the last response (epoch seconds), as one target was scraped.

    `until` is when the last scrape can have begun that was answered before `begin`. What is
    counted only at scrapes begun after the first since `grace_until` is late. `has_others` tells
    that others may count on the series all the time: it need not stand still before or after, and
    its increase is that of all. `is_new` means that nobody can have counted before the run on a
    series that shows only since. Of a series that is pushed, `end` is when its pushes show all.
    """

    begin: float
    end: float
    until: float
    grace_until: float
    has_others: bool = False
    is_new: bool = False
    is_pushed: bool = False

    @property
    def quiet(self) -> int:
        """How many scrapes, or pushes, since the end must show the same."""
        return QUIET_PUSHES if self.is_pushed else QUIET_SCRAPES


@dataclass(slots=True)
class Tally:
    """One series as it is being read, in order of time: what its increase needs, and no more.

    `baseline` are its last two scrapes answered before the first request, `first` its value at the
    first after them, `last` at the last, `lost` what it had lost in between by resets. `early` is
    how far it had grown since `first` within the grace, `rest` its last values after the end.
    `is_own` means that its samples have timestamps of the exposition.
    """

    baseline: tuple[Sample, ...] = ()
    first: float | None = None
    last: float = 0.0
    lost: float = 0.0
    falls: int = 0
    early: float | None = None
    rest: tuple[float, ...] = ()
    shown_at: float = -math.inf
    is_own: bool = False

    @property
    def magnitude(self) -> float:
        """The largest value that it reached, resets included."""
        return self.lost + max(self.last, *(value for _, value in self.baseline), 0.0)

    def copy(self) -> "Tally":
        """Return one that goes on from here by itself."""
        return Tally(
            self.baseline, self.first, self.last, self.lost,
            self.falls, self.early, self.rest, self.shown_at, self.is_own,
        )  # fmt: skip

    def add(self, samples: Sequence[Sample], scrapes: ScrapeTimes, span: Span) -> Sequence[Sample]:
        """Take what further scrapes showed; return its value at each that is not of the baseline.

        Samples that were seen before are skipped.
        """
        new = later(samples, self.shown_at)
        if span.is_pushed:
            # a push that lacks the series shows nothing, unless none has shown it yet
            first = new[0][0] if new else math.inf
            scrapes = [at for at in scrapes if at < first] if self.shown_at == -math.inf else ()
        elif not self.is_own and has_own_timestamps(new, scrapes):
            self.is_own = True
            if self.shown_at == -math.inf:
                # where no sample was, the series need not have been at zero
                self.baseline, self.first, self.last, self.rest = (), None, 0.0, ()
        seen = at_scrapes(new, scrapes, self.shown_at, is_own=self.is_own)
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
        rest = (value for at, value in seen[-span.quiet :] if at > span.end)
        self.rest = (*self.rest, *rest)[-span.quiet :]

    def _add(self, seen: Sequence[Sample]) -> None:
        last, lost = self.last, self.lost
        for _, value in seen:
            if value < last:
                lost += last
                self.falls += 1
            last = value
        self.last, self.lost = last, lost

    def figure(self, scrape_log: ScrapeLog, span: Span) -> Figure:
        """Return the increase over all that was seen."""
        if scrape_log.pushes and scrape_log.pushes.has_ended:
            return Figure.exact(0.0)
        start, doubt = self.start(scrape_log, span)
        first = start if self.first is None else self.first
        fell_at_first = first < start  # a reset in between: all of first is new
        since_first = 0.0 if self.first is None else self.last - self.first + self.lost
        grown = first - start + (start if fell_at_first else 0.0) + since_first
        # timestamps of the exposition do not show when Prometheus could have seen a value
        late = 0.0 if self.early is None or self.is_own else since_first - self.early
        if math.isnan(grown):
            return Figure.void(Reason.QUERY_RESULT_INVALID, "NaN")
        if max(self.last, start) >= MAX_COUNT:
            return Figure.void(Reason.BEYOND_PRECISION, f"{self.last:,.0f}")
        high = grown
        if doubt in (Reason.MOVED_BEFORE, Reason.NOT_STEADY_BEFORE):
            # counted from before the first request, nothing of ours can be missing
            high = first - self.baseline[-1][1] + since_first
        if doubt is Reason.NOT_PUSHED_BEFORE:
            high = first + since_first  # it stood at zero before, or above
        reasons = self._reasons(scrape_log, span, falls=self.falls + fell_at_first)
        figure = Figure(grown, high, doubt, late=late) if doubt else Figure.exact(grown, late)
        if doubt not in (None, Reason.NOT_STEADY_BEFORE, Reason.NOT_PUSHED_BEFORE):
            figure = figure.doubted(doubt)
        for reason in reasons:
            so_far = f"{grown:,.0f} so far" if reason is Reason.STILL_MOVING else ""
            figure = figure.doubted(reason, so_far)
        return figure

    def _reasons(self, scrape_log: ScrapeLog, span: Span, *, falls: int) -> Iterator[Reason]:
        """Yield why its scrapes do not show the whole increase, but for where it starts."""
        if scrape_log.is_shared:
            yield Reason.SHARED_TARGET
        restart = restart_of(self.baseline, scrape_log, span.begin)
        if restart:
            yield restart
        # A counter that falls while its process goes on is none: nothing follows from it.
        if falls and restart not in _RESTARTS:
            is_delta = scrape_log.pushes and falls >= _FALLS_OF_DELTAS
            yield Reason.DELTA_TEMPORALITY if is_delta else Reason.COUNTER_FELL
        # where others count, no counter comes to rest
        unsettled = (
            _unsettled(self.rest, span, self.is_own)
            if not span.has_others or not self.rest
            else None
        )
        if unsettled:
            is_replaced = scrape_log.pushes and scrape_log.pushes.is_replaced
            yield Reason.PROCESS_RESTARTED if is_replaced else unsettled
        if self.shown_at == -math.inf and scrape_log.is_bare:
            yield Reason.EMPTY_EXPOSITION

    def start(self, scrape_log: ScrapeLog, span: Span) -> tuple[float, Reason | None]:
        """Return the value to count from, and why it may not be the one at the first request.

        If it may not, the count begins at the first scrape after: what it had by then is left out.
        """
        if scrape_log.pushes and not self.baseline:
            return self._start_of_pushed(scrape_log, span)
        started_at = scrape_log.start_times[0][1] if scrape_log.start_times else -math.inf
        started_since = started_at > span.begin + START_TIME_MARGIN_S
        if not scrape_log.fresh and not self.baseline and started_since:
            # A scrape that failed before the process started may have missed another process.
            known_at = started_at + START_TIME_MARGIN_S
            missed = any(up == 0 and at < known_at for at, up in scrape_log.ups)
            return 0.0, Reason.NOT_SCRAPED_BEFORE_START if missed else None
        if span.is_new and not self.baseline:
            return 0.0, None
        doubt = None
        ups = [up for at, up in scrape_log.ups if at <= span.until]
        if not scrape_log.fresh and (not self.baseline or (ups and ups[-1] == 0)):
            doubt = Reason.NOT_SCRAPED_BEFORE
        # Where others count all the time, no counter is ever steady.
        if not span.has_others:
            doubt = doubt or _unsteady(self.baseline, scrape_log)
        if doubt:
            return self.first or 0.0, doubt
        return (self.baseline[-1][1] if self.baseline else 0.0), None

    def _start_of_pushed(self, scrape_log: ScrapeLog, span: Span) -> tuple[float, Reason | None]:
        """Return the same of a series that no push of before the run showed, or its absence."""
        started_at = scrape_log.start_times[0][1] if scrape_log.start_times else -math.inf
        is_new = started_at > span.begin + START_TIME_MARGIN_S or scrape_log.fresh or span.is_new
        # one that no push shows at all was not counted on: each push shows all that was
        if is_new or not self.first:
            return 0.0, None
        return self.first, Reason.NOT_PUSHED_BEFORE


def increase(
    samples: Sequence[Sample],
    scrape_log: ScrapeLog,
    begin: float,
    end: float,
    settle_s: float = 0.0,
) -> Figure:
    """Return the increase of one series from `begin` (before the first request) to `end`.

    `end` is when the last response had come. Samples are (epoch seconds, value) in order of time:
    the last scrape that ended before `begin` is the baseline, the last of all the total, and each
    drop a reset. What may be counted up to `settle_s` after the end is not late.
    """
    span, tally = span_of(scrape_log, begin, end, settle_s), Tally()
    tally.add(samples, scrapes_of(scrape_log.ups), span)
    return tally.figure(scrape_log, span)


def growth(samples: Sequence[Sample], scrape_log: ScrapeLog, begin: float) -> list[Growth]:
    """Return the increase of one series from `begin` up to each scrape after it."""
    span, tally = span_of(scrape_log, begin, math.inf), Tally()
    seen = tally.add(samples, scrapes_of(scrape_log.ups), span)
    return grown(seen, tally.start(scrape_log, span)[0], dict(scrape_log.durations))


def zero(scrape_logs: Iterable[ScrapeLog], begin: float, end: float) -> Figure:
    """Return the figure of a series that never appeared: zero, if its targets were watched."""
    return zero_of(increase((), scrape_log, begin, end) for scrape_log in scrape_logs)


def zero_of(silent: Iterable[Figure]) -> Figure:
    """Return the figure of a series that none of the targets showed, by what each says of it."""
    figures = list(silent)
    if not figures:
        return Figure.void(Reason.NO_TARGET)
    reason = next((figure.reason for figure in figures if figure.reason), None)
    return Figure.void(reason) if reason else Figure.exact(0.0)


def is_quiet(samples: Sequence[Sample], end: float, *, is_own: bool = False) -> bool:
    """Return whether the first scrape after `end` and two further ones show the same value.

    Of a page with timestamps of its own (`is_own`), one further page is enough.
    """
    rest = [value for at, value in samples if at > end][-QUIET_SCRAPES:]
    return not _unsettled(rest, Span(end, end, end, end), is_own)


def span_of(
    scrape_log: ScrapeLog,
    begin: float,
    end: float,
    settle_s: float = 0.0,
    has_others: bool = False,
    is_new: bool = False,
) -> Span:
    """Return the span as a target was scraped: one under way at `begin` may have seen requests."""
    #                    begin
    #     ├──┤     ├───────│──┤     ├──┤        ├──┤: a scrape, from its stamp to its response
    #             ▲
    #           until: a scrape that is under way at `begin` is not part of the baseline
    if pushes := scrape_log.pushes:
        until = -math.inf if pushes.until is None or pushes.is_paused else pushes.until
        settled_from = pushes.settled_from(end)
        grace_until = max(settled_from, end + max(GRACE_S, settle_s))
        return Span(begin, settled_from, until, grace_until, has_others, is_new, is_pushed=True)
    under_way = (at for at, duration_s in scrape_log.durations if at <= begin < at + duration_s)
    first = next(under_way, None)
    until = begin if first is None else math.nextafter(first, -math.inf)
    return Span(begin, end, until, end + max(GRACE_S, settle_s), has_others, is_new)


def _unsteady(baseline: Sequence[Sample], scrape_log: ScrapeLog) -> Reason | None:
    """Return why the value at the first request is unknown: two equal scrapes are missing."""
    started = [(-math.inf, 0.0)] if scrape_log.fresh else []
    last = [*started, *baseline][-_STEADY_SCRAPES:]
    if len({value for _, value in last}) > 1:
        return Reason.MOVED_BEFORE
    if len(last) < _STEADY_SCRAPES and not scrape_log.fresh:
        return Reason.NOT_STEADY_BEFORE
    return None


def _unsettled(last: Sequence[float], span: Span, is_own: bool) -> Reason | None:
    """Return why the values after the last response do not show that counting has ended."""
    if not last:
        return Reason.NOT_PUSHED_AFTER if span.is_pushed else Reason.NOT_SCRAPED_AFTER
    if len(set(last)) > 1:
        return Reason.STILL_MOVING
    if len(last) < (QUIET_PAGES if is_own else span.quiet):
        return Reason.NOT_SETTLED
    return None
