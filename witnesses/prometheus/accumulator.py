"""How is a quantity read whose samples are more than memory holds? Window by window, folded."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from witnesses.figure import Figure, Labels
from witnesses.prometheus.increase import Growth, Span, Tally, grown, span_of
from witnesses.prometheus.samples import (
    NO_SCRAPES,
    RawSeries,
    Sample,
    Scrapes,
    Target,
    Watch,
    Watching,
    target_of,
)

_UNKNOWN = Watch()


@dataclass(slots=True)
class Course:
    """One series as it is being read; `seen` are its values at scrapes, if they are kept."""

    labels: Labels
    target: Target
    tally: Tally
    window: int = 0
    seen: list[Sample] | None = None

    def fork(self, labels: Labels) -> "Course":
        """Return one with other labels that goes on from here by itself."""
        seen = None if self.seen is None else list(self.seen)
        return Course(labels, self.target, self.tally.copy(), self.window, seen)

    def see(self, samples: Sequence[Sample], scrapes: Scrapes, span: Span) -> None:
        """Take a further window."""
        seen = self.tally.see(samples, scrapes, span)
        if self.seen is not None:
            self.seen += seen


class Fold:
    """All series of one quantity, each folded to what its increase needs.

    A target that does not show a series is at zero: one course a target stands for all of those,
    and a series that appears goes on from it.
    """

    def __init__(
        self,
        by: Labels,
        begin: float,
        end: float = math.inf,
        settle_s: float = 0.0,
        kept: Collection[Labels] | None = None,
        keeps: bool = False,
        has_others: bool = False,
    ) -> None:
        """Read nothing yet.

        `keeps` tells to keep the values at each scrape, of the label values `kept` or of all;
        others are not followed then. `has_others` tells that others may count all the time.
        """
        self._silent: dict[Target, Course] = {}
        self._by = by
        self._instants = begin, end, settle_s, has_others
        self._kept = kept
        self._keeps = keeps
        self._courses: dict[bytes, Course | None] = {}
        self._durations_s: dict[Target, dict[float, float]] = {}
        self._shown_by: set[Target] = set()
        self._window = 0

    @property
    def courses(self) -> list[Course]:
        """The series that were shown, in an order that does not depend on the windows."""
        return [each for _, each in sorted(self._courses.items()) if each]

    @property
    def targets(self) -> set[Target]:
        """The targets that showed any series, of whatever label values."""
        return self._shown_by

    def see(self, series: Iterable[RawSeries], targets: Mapping[Target, Watching]) -> None:
        """Take a further window. Raises ValueError where it is not whole."""
        self._window += 1
        scrapes = {target: _scrapes(each) for target, each in targets.items()}
        spans = {target: self._span(each.watch) for target, each in targets.items()}
        unknown = self._span(_UNKNOWN)
        for each in series:
            course = self._course(each)
            if course:
                course.window = self._window
                span = spans.get(course.target, unknown)
                course.see(each.samples, scrapes.get(course.target, NO_SCRAPES), span)
        for course in self._not_shown():
            if course.target in spans:
                course.see((), scrapes[course.target], spans[course.target])
        for target, watching in targets.items():
            self.silence(target).see((), scrapes[target], spans[target])
            if self._keeps:
                self._durations_s.setdefault(target, {}).update(watching.durations_s)

    def figure(self, course: Course, watch: Watch) -> Figure:
        """Return by how much a series grew."""
        return course.tally.figure(watch, self._span(watch))

    def growth(self, course: Course, watch: Watch) -> list[Growth]:
        """Return how far a series had grown at each scrape that was kept."""
        start, _ = course.tally.start(watch, self._span(watch))
        return grown(course.seen or [], start, self._durations_s.get(course.target, {}))

    def _span(self, watch: Watch) -> Span:
        return span_of(watch, *self._instants)

    def _course(self, series: RawSeries) -> Course | None:
        """Return the course of a series, or None if it is not followed."""
        if series.metric in self._courses:
            return self._courses[series.metric]
        labels = series.labels
        # An answer may write labels in another order than the one before.
        name = msgspec.json.encode(labels, order="sorted")
        if name not in self._courses:
            self._courses[name] = self._new_course(labels)
        return self._courses[name]

    def _new_course(self, labels: dict[str, str]) -> Course | None:
        target = target_of(labels)
        self._shown_by.add(target)
        values = tuple(labels.get(label, "") for label in self._by)
        if self._kept is not None and values not in self._kept:
            return None
        return self.silence(target).fork(values)

    def silence(self, target: Target) -> Course:
        """Return the course of a series that a target never showed."""
        if target not in self._silent:
            seen: list[Sample] | None = [] if self._keeps else None
            self._silent[target] = Course((), target, Tally(), seen=seen)
        return self._silent[target]

    def _not_shown(self) -> Iterator[Course]:
        courses = self._courses.values()
        return (each for each in courses if each and each.window < self._window)


def _scrapes(watching: Watching) -> Scrapes:
    """Of targets that cannot be told apart, a scrape without a series shows nothing."""
    return NO_SCRAPES if watching.is_shared else watching.scrapes
