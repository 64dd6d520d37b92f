"""One replica of a service: what its scrapes before and after the run show of each series.

before                      after
uses_total 5                uses_total 12        exact: 7
start time 500.0            start time 900.0     a new process: at least what it shows, if it fell
uses_total 5, no start      uses_total 2         it fell by itself: no bound follows
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from scenarios.language.selector import Selector
from witnesses.figure import MAX_COUNT, Amount, Figure, Reason, total_of
from witnesses.precision import WHOLE, Precision
from witnesses.process_identity import is_moved, is_replaced
from witnesses.service.exposition import COUNTER, Exposition, LabelPairs, parse_exposition
from witnesses.service.printed_digits import PrintedDigits
from witnesses.service.single_process import RepeatedScrapes

_CREATED = "_created"
_SUMS = ("_total", "_count", "_sum")
_NONE: LabelPairs = (("", ""),)  # labels that no series has


@dataclass(frozen=True)
class Replica:
    """One metrics address: whose it is, its scrapes before and after, and the repeated ones.

    `first_after` is the first scrape after the run, if a later one was made. `instance` is that of
    its target, of a replica that was discovered.
    """

    service: str
    job: str
    before: Exposition
    after: Exposition
    scrapes: tuple[RepeatedScrapes, ...] = ()
    url: str = ""
    first_after: Exposition | None = None
    instance: str = ""

    @property
    def several_processes(self) -> RepeatedScrapes | None:
        """The scrapes that show that not one process answers."""
        return next((each for each in self.scrapes if each.shows_several_processes), None)

    @property
    def began_empty(self) -> bool:
        """Whether its page was empty before: some show a metric only once it has counted."""
        return self.before.reason is Reason.EMPTY_EXPOSITION and not self.after.error

    @property
    def error(self) -> str:
        """Why it could not be read, before or after, or ""."""
        return self.after.error or ("" if self.began_empty else self.before.error)

    @property
    def shows_start_times(self) -> bool:
        """Whether start times show which process it was, before and after.

        One that was discovered, and shows nothing before, began during the run.
        """
        is_new = bool(self.instance) and self.began_empty
        return bool(self.after.start_times and (self.before.start_times or is_new))

    @cached_property
    def is_restarted(self) -> bool:
        """Whether another process answers than before.

        The evidence is a start time that moved or, where none is shown, the `_created` of a
        counter: a process may drop a series and create it anew. A start time that only one scrape
        shows is none.
        """
        before, after = self.before, self.after
        if before.start_times and after.start_times:
            return is_replaced(before.start_times, after.start_times)
        return any(
            self._is_moved(name, pairs)
            for name in before.values
            if name.endswith(_CREATED)
            for pairs in before.values[name]
        )

    def _is_moved(self, name: str, pairs: LabelPairs) -> bool:
        """Return whether the time that a series shows, if any, is another one than before."""
        before, after = (each.values.get(name, {}).get(pairs) for each in (self.before, self.after))
        return before is not None and after is not None and is_moved(before, after)

    def _is_created_anew(self, metric: str, pairs: LabelPairs) -> bool:
        """Return whether the process, or this series of it, began anew."""
        base = next((metric.removesuffix(end) for end in _SUMS if metric.endswith(end)), metric)
        return self.is_restarted or self._is_moved(f"{base}{_CREATED}", pairs)

    @cached_property
    def fallen(self) -> str:
        """A counter that fell though nothing else shows a restart, or "".

        Where the start time is shown and the same, other counters than a quantity's cast no doubt,
        unless the quantity falls short.
        """
        has_start_time = bool(self.before.start_times)
        return "" if self.is_restarted or has_start_time else self.fallen_counter

    @cached_property
    def fallen_counter(self) -> str:
        """A counter of its page that fell, or ""."""
        return next(
            (
                metric
                for metric, series in self.before.values.items()
                if not self.error and self.before.type_of(metric) == COUNTER
                for pairs, value in series.items()
                if self.after.values.get(metric, {}).get(pairs, value) < value
            ),
            "",
        )

    def may_have(self, metric: str) -> bool:
        """Return whether it declares a metric; one that cannot be read at all may."""
        readable = [each for each in (self.before, self.after) if not each.error]
        return not readable or self.has(metric)

    def has(self, metric: str) -> bool:
        """Return whether it declares a metric."""
        return any(each.declares(metric) for each in (self.before, self.after))

    def increases(
        self, metric: str, *, has_others: bool = False, precision: Precision = WHOLE
    ) -> Iterator[tuple[dict[str, str], Figure]]:
        """Yield each series' increase; without a baseline none is known, not even a bound.

        Where others count all the time (`has_others`), the increase is that of all.
        """
        if self.before.error and not self.began_empty:
            return
        before = self.before.values.get(metric, {})
        first = self.after if self.first_after is None else self.first_after
        shown = self.after.values.get(metric, {})
        gone = () if self.after.error else before.keys() - shown.keys()
        for pairs in sorted(gone):
            if before[pairs]:  # it has fallen
                fallen = _increase(before[pairs], 0.0, self.is_restarted)
                yield dict(pairs), precision.figure(fallen, before[pairs])
        for pairs, value in shown.items():
            start = before.get(pairs, 0.0)
            figure = _increase(start, value, self._is_created_anew(metric, pairs))
            if error := self._printing_error(start, value, precision):
                figure = figure.widened(
                    error, Reason.FEW_DIGITS, self._rounded(start, value, precision)
                )
            if (metric, pairs) in self.before.contradictory | self.after.contradictory:
                figure = Figure.void(Reason.QUERY_RESULT_INVALID, "one series with two values")
            if (metric, pairs) in self.sunken:
                figure = Figure.void(Reason.COUNTER_FELL, f"{metric} is a gauge")
            if (metric, pairs) in self.self_counting:
                figure = figure.doubted(Reason.SELF_COUNTING, metric)
            if (metric, pairs) in self.moved_before and not has_others:
                figure = figure.doubted(Reason.MOVED_BEFORE)
            for reason in self.staleness(metric, pairs):
                figure = figure.doubted(reason)
            late = value - first.values.get(metric, {}).get(pairs, start)
            is_known = not first.error and not first.is_stale(metric, pairs)
            if is_known and late > 0:
                figure = replace(figure, late=late)
            yield dict(pairs), precision.figure(figure, max(start, value))

    def printing_errors(
        self, metric: str, precision: Precision
    ) -> Iterator[tuple[dict[str, str], Amount]]:
        """Yield by how much each series' increase may differ from the one that its pages print."""
        before = self.before.values.get(metric, {})
        for pairs, value in self.after.values.get(metric, {}).items():
            yield dict(pairs), self._printing_error(before.get(pairs, 0.0), value, precision)

    def _printing_error(self, start: float, value: float, precision: Precision) -> Amount:
        digits, resolution = self._digits, precision.resolution
        return total_of(digits.error(start, resolution), digits.error(value, resolution))

    def _rounded(self, start: float, value: float, precision: Precision) -> str:
        """Return which of two values is printed with too few digits, and how exact that is."""
        error, rounded = max((self._digits.error(each, precision.resolution), each)
                             for each in (start, value))  # fmt: skip
        return f"{rounded:,.0f} ± {error}"

    @cached_property
    def _digits(self) -> PrintedDigits:
        return self.before.digits | self.after.digits

    def staleness(self, metric: str, pairs: LabelPairs = _NONE) -> Iterator[Reason]:
        """Yield the doubts that the page's own timestamps cast on a series, or on all of a page.

        stamp        before    begin                   end   stamp       after
        ──┼─────────────┼────────│────── requests ──────│──────┼───────────┼──▶
          └ what others counted                         └ what is not in it
            until begin is in it
        """
        is_live = metric in self.after.values and metric not in self.after.stamps
        if self.before.is_stale(metric, pairs) and not is_live:
            yield Reason.STALE_BEFORE
        if self.after.is_stale(metric, pairs):
            yield Reason.STALE_AFTER

    @cached_property
    def self_counting(self) -> frozenset[tuple[str, LabelPairs]]:
        """The series that also count the scrapes: metric and labels."""
        return _parsed(chain.from_iterable(each.self_counting for each in self.scrapes))

    @cached_property
    def sunken(self) -> frozenset[tuple[str, LabelPairs]]:
        """The series of gauges that fell while the page was scraped: they count nothing."""
        return _parsed(chain.from_iterable(each.sank for each in self.scrapes))

    @cached_property
    def moved_before(self) -> frozenset[tuple[str, LabelPairs]]:
        """The series on which others counted while the page was scraped before the run."""
        return _parsed(chain.from_iterable(each.moved for each in self.scrapes[:1]))

    def labels_of(self, metric: str) -> Iterator[dict[str, str]]:
        """Yield the labels of each series of a metric that was shown, before or after."""
        for exposition in (self.before, self.after):
            yield from map(dict, exposition.values.get(metric, {}))

    def shows_own(self, selector: Selector) -> bool:
        """Return whether a series satisfies the selector by its own labels alone."""
        labels = self.labels_of(selector.metric)
        return any(not selector.failed_matchers(each) for each in labels)

    @property
    def doubt(self) -> tuple[Reason, str] | None:
        """Why its figures are not the exact increase, and the facts; or None."""
        if self.error:
            exposition = self.after if self.after.error else self.before
            return exposition.reason or Reason.SCRAPE_FAILED, self.error
        if self.fallen:
            return Reason.COUNTER_FELL, self.fallen
        return (Reason.PROCESS_RESTARTED, "") if self.is_restarted else None


def _parsed(series: Iterable[str]) -> frozenset[tuple[str, LabelPairs]]:
    """Return metric and labels of series that are written as on a page."""
    shown = "".join(f"{each} 1\n" for each in series)
    values = parse_exposition(shown.encode(), "").values
    return frozenset((metric, pairs) for metric in values for pairs in values[metric])


def _increase(start: float, value: float, is_restarted: bool) -> Figure:
    """Return the increase of a series; a new process has counted from zero, if its value fell.

    A start time that moved while the counter went on proves nothing: the counter may be kept on
    disk, and so only the difference is a lower bound. One that fell by itself bounds nothing.
    """
    if math.isnan(value - start):
        return Figure.void(Reason.QUERY_RESULT_INVALID, "NaN")
    if min(value, start) < 0:
        return Figure.void(Reason.QUERY_RESULT_INVALID, "a counter below zero")
    if max(value, start) >= MAX_COUNT:
        return Figure.void(Reason.BEYOND_PRECISION, f"{value:,.0f}")
    if is_restarted:
        grown = value if value < start else value - start
        return Figure.at_least(grown, Reason.PROCESS_RESTARTED)
    if value < start:
        return Figure.void(Reason.COUNTER_FELL, f"{start:,.0f} to {value:,.0f}")
    return Figure.exact(value - start)
