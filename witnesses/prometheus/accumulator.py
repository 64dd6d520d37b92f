"""Accumulate the series of a quantity window by window, keeping what their increases need.

The samples of a long run do not fit into memory; the state of a series does.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from witnesses.figure import Figure, Labels
from witnesses.precision import WHOLE, Precision
from witnesses.prometheus.growth import Growth, grown
from witnesses.prometheus.increase import Span, Tally, span_of
from witnesses.prometheus.samples import (
    NO_SCRAPES,
    RawSeries,
    Sample,
    ScrapeLog,
    ScrapeLogBuilder,
    ScrapeTimes,
    Target,
    has_own_timestamps,
    later,
    target_of,
)

_UNKNOWN = ScrapeLog()


@dataclass(frozen=True)
class SeriesNaming:
    """What is known of series by their labels: where they come from, and whether they are old.

    `shown_before` are the names of those that were pushed within the day before the run. `are_new`
    means that none can have been counted on before.
    """

    target_of: Callable[[Mapping[str, str]], Target] = target_of
    shown_before: Collection[bytes] = frozenset()
    are_new: bool = False


_SCRAPED = SeriesNaming()


@dataclass(slots=True)
class SeriesState:
    """One series as it is being read; `seen` are its values at scrapes, if they are kept."""

    labels: Labels
    target: Target
    tally: Tally
    window: int = 0
    seen: list[Sample] | None = None

    def fork(self, labels: Labels) -> "SeriesState":
        """Return a copy with other labels."""
        seen = None if self.seen is None else list(self.seen)
        return SeriesState(labels, self.target, self.tally.copy(), self.window, seen)

    def add(self, samples: Sequence[Sample], scrapes: ScrapeTimes, span: Span) -> None:
        """Add a further window."""
        seen = self.tally.add(samples, scrapes, span)
        if self.seen is not None:
            self.seen += seen


class Accumulator:
    """All series of one quantity, each reduced to what its increase needs.

    A target that does not show a series is at zero: one state per target stands for all of these,
    and a series that appears continues from it.
    """

    def __init__(
        self,
        by: Labels,
        begin: float,
        end: float = math.inf,
        settle_s: float = 0.0,
        *,
        kept: Collection[Labels] | None = None,
        keeps: bool = False,
        has_others: bool = False,
        precision: Precision = WHOLE,
        naming: SeriesNaming = _SCRAPED,
    ) -> None:
        """Read nothing yet.

        With `keeps`, the values at each scrape are kept, of the label values `kept` or of all, and
        other series are not followed. `has_others` means that others may count all the time.
        """
        self._absent: dict[Target, SeriesState] = {}
        self._by = by
        self._precision = precision
        self._naming = naming
        self._instants = begin, end, settle_s, has_others, naming.are_new
        self._kept = kept
        self._keeps = keeps
        self._states: dict[bytes, SeriesState | None] = {}
        self._old: set[bytes] = set()
        self._durations_s: dict[Target, dict[float, float]] = {}
        self._shown_by: set[Target] = set()
        self._window = 0

    @property
    def states(self) -> list[SeriesState]:
        """The series that were shown, in an order that does not depend on the windows."""
        return [each for _, each in sorted(self._states.items()) if each]

    @property
    def tallies(self) -> dict[bytes, Tally]:
        """The tallies of the series that were shown, by their labels as JSON."""
        return {name: each.tally for name, each in self._states.items() if each}

    @property
    def targets(self) -> set[Target]:
        """The targets that showed any series, of whatever label values."""
        return self._shown_by

    def add(self, series: Iterable[RawSeries], targets: Mapping[Target, ScrapeLogBuilder]) -> None:
        """Add a further window. Raises ValueError where it is not whole."""
        self._window += 1
        # Of two targets with one name, a scrape shows no absence of a series.
        scrapes = {
            target: NO_SCRAPES if each.is_shared else _since(each.scrapes, _paused_at(each))
            for target, each in targets.items()
        }
        spans = {target: self._span(each.scrape_log) for target, each in targets.items()}
        unknown = self._span(_UNKNOWN)
        for each in series:
            state = self._state(each, targets)
            if state:
                state.window = self._window
                span = spans.get(state.target, unknown)
                samples = later(each.samples, _paused_at(targets.get(state.target)))
                # of one that was pushed long ago, a push that lacks it shows no zero
                is_old = each.metric in self._old
                known = NO_SCRAPES if is_old else scrapes.get(state.target, NO_SCRAPES)
                state.add(samples, known, span)
        # A series that is absent from a window still passes through the scrapes of its target.
        for state in self._states.values():
            if state and state.window < self._window and state.target in spans:
                state.add((), scrapes[state.target], spans[state.target])
        # Last: a series that appears in this window continues from the state before the window.
        for target, builder in targets.items():
            self.absent_state(target).add((), scrapes[target], spans[target])
            if self._keeps:
                self._durations_s.setdefault(target, {}).update(builder.durations_s)

    def figure(self, state: SeriesState, scrape_log: ScrapeLog) -> Figure:
        """Return the increase of a series."""
        figure = state.tally.figure(scrape_log, self._span(scrape_log))
        return self._precision.figure(figure, state.tally.magnitude)

    def growth(self, state: SeriesState, scrape_log: ScrapeLog) -> list[Growth]:
        """Return the growth of a series up to each scrape that was kept."""
        start, _ = state.tally.start(scrape_log, self._span(scrape_log))
        growths = grown(state.seen or [], start, self._durations_s.get(state.target, {}))
        if pushes := scrape_log.pushes:  # a timestamp may be that of its arrival
            growths = [each._replace(at=each.at - pushes.every_s) for each in growths]
        nearest, magnitude = self._precision.nearest, state.tally.magnitude
        return [each._replace(grown=nearest(each.grown, magnitude)) for each in growths]

    def _span(self, scrape_log: ScrapeLog) -> Span:
        return span_of(scrape_log, *self._instants)

    def _state(
        self, series: RawSeries, targets: Mapping[Target, ScrapeLogBuilder]
    ) -> SeriesState | None:
        """Return the state of a series, or None if it is not followed."""
        if series.metric in self._states:
            return self._states[series.metric]
        labels = series.labels
        # A response may have the labels in another order than the one before.
        name = series_name(labels)
        if name in self._naming.shown_before:
            self._old.add(series.metric)
        if name not in self._states:
            target = _scraped_from(labels, series.samples, targets, self._naming.target_of(labels))
            self._shown_by.add(target)
            values = tuple(labels.get(label, "") for label in self._by)
            is_followed = self._kept is None or values in self._kept
            is_old = series.metric in self._old
            before = self._new_state(target) if is_old else self.absent_state(target)
            self._states[name] = before.fork(values) if is_followed else None
        return self._states[name]

    def absent_state(self, target: Target) -> SeriesState:
        """Return the state of a series that a target never showed."""
        if target not in self._absent:
            self._absent[target] = self._new_state(target)
        return self._absent[target]

    def _new_state(self, target: Target) -> SeriesState:
        return SeriesState((), target, Tally(), seen=[] if self._keeps else None)


def _paused_at(of_target: ScrapeLogBuilder | None) -> float:
    """Return when a pause before the run began, in which others may have counted, or -inf."""
    pushes = of_target.pushes if of_target else None
    return pushes.paused_at if pushes else -math.inf


def _since(scrapes: ScrapeTimes, instant: float) -> ScrapeTimes:
    return scrapes if instant == -math.inf else [at for at in scrapes if at > instant]


def series_name(labels: Mapping[str, str]) -> bytes:
    """Return a name of a series of one metric that does not depend on the order of its labels."""
    others = {name: value for name, value in labels.items() if name != "__name__"}
    return msgspec.json.encode(others, order="sorted")


def _scraped_from(
    labels: dict[str, str],
    samples: Sequence[Sample],
    targets: Mapping[Target, ScrapeLogBuilder],
    named: Target,
) -> Target:
    """Return the target that a series was scraped from.

    Where `honor_labels` keeps the job and instance of the page, as for a Pushgateway, it is the
    only target that was scraped at each of the series' samples:

        up{job="gateway"}           10.013   11.013   12.013
        orders_total{job="batch"}            11.013   12.013
    """
    if named in targets or not samples:
        return named
    fitting = [
        target
        for target, each in targets.items()
        if each.scrapes and not each.pushes and not has_own_timestamps(samples, each.scrapes)
    ]
    return fitting[0] if len(fitting) == 1 else named
