"""Read what the services' own metrics showed: the increase between two scrapes of each replica."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from scenarios.evidence.run_folder import RunFolder
from scenarios.language.selector import Selector
from witnesses.figure import MAX_COUNT, Figure, Figures, Labels, Reason, sum_by_labels, void_figures
from witnesses.model import CountedQuantity, Moment, RecordKind
from witnesses.process_identity import is_moved, is_replaced
from witnesses.service.exposition import (
    COUNTER,
    Exposition,
    LabelPairs,
    parse_exposition,
    unreadable,
)  # fmt: skip
from witnesses.service.single_process import RepeatedScrapes
from witnesses.target_labels import NO_TARGETS, ReplicaLabels, TargetLabels

NAME = "service"

INDEX = "index.json"
LATER = "later"  # collected again after the run

_CREATED = "_created"


@dataclass(frozen=True)
class Replica:
    """One metrics address: whose it is, its scrapes before and after, and the repeated ones.

    `first_after` is the first scrape after the run, if a later one was made.
    """

    service: str
    job: str
    before: Exposition
    after: Exposition
    scrapes: tuple[RepeatedScrapes, ...] = ()
    url: str = ""
    first_after: Exposition | None = None

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

    @cached_property
    def is_restarted(self) -> bool:
        """Whether another process answers than before.

        The evidence is a start time that moved, or the `_created` of a counter. A start time that
        only one scrape shows is none.
        """
        before, after = self.before, self.after
        created = (name for name in before.values if name.endswith(_CREATED))
        return is_replaced(before.start_times, after.start_times) or any(
            is_moved(value, after.values.get(name, {}).get(pairs, value))
            for name in created
            for pairs, value in before.values[name].items()
        )

    @cached_property
    def fallen(self) -> str:
        """A counter that fell though nothing else shows a restart, or "".

        Where the start time is shown and the same, other counters than a quantity's cast no doubt.
        """
        if self.error or self.is_restarted or self.before.start_times:
            return ""
        return next(
            (
                metric
                for metric, series in self.before.values.items()
                if self.before.type_of(metric) == COUNTER
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

    def increases(self, metric: str) -> Iterator[tuple[dict[str, str], Figure]]:
        """Yield each series' increase; without a baseline none is known, not even a bound."""
        if self.before.error and not self.began_empty:
            return
        before = self.before.values.get(metric, {})
        first = self.after if self.first_after is None else self.first_after
        for pairs, value in self.after.values.get(metric, {}).items():
            start = before.get(pairs, 0.0)
            figure = _increase(start, value, self.is_restarted)
            if (metric, pairs) in self.self_counting:
                figure = figure.doubted(Reason.SELF_COUNTING, metric)
            late = 0.0 if first.error else value - first.values.get(metric, {}).get(pairs, start)
            yield dict(pairs), replace(figure, late=late) if late > 0 else figure

    @cached_property
    def self_counting(self) -> frozenset[tuple[str, LabelPairs]]:
        """The series that also count the scrapes: metric and labels."""
        shown = "".join(f"{series} 1\n" for each in self.scrapes for series in each.self_counting)
        parsed = parse_exposition(shown.encode(), self.url)
        return frozenset(
            (metric, pairs) for metric in parsed.values for pairs in parsed.values[metric]
        )

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


@dataclass(frozen=True)
class ServiceReading:
    """Every replica's expositions before and after, by the replica's name.

    `targets` are the labels that Prometheus gives to the replicas, which a selector may name.
    `absent` are the services that are declared to show no metrics of their own.
    """

    replicas: Mapping[str, Replica]
    targets: TargetLabels = NO_TARGETS
    absent: frozenset[str] = frozenset()
    is_cut_short: bool = False
    name: str = NAME
    keeps: RecordKind = RecordKind.COUNTER

    def counts(self, quantity: CountedQuantity) -> bool:
        """Return whether the quantity has a selector, and can be on a page.

        It is on none if the service that it names shows no metrics, or if one does not and no other
        service is seen to have the metric.
        """
        if not quantity.settings.prometheus or quantity.settings.service in self.absent:
            return False
        having = (each for each in self.replicas.values() if each.has(quantity.selector.metric))
        return not self.absent or any(having)

    def figures(self, quantity: CountedQuantity) -> Figures:
        """Return the increases of a quantity by the values of its labels."""
        metric = quantity.selector.metric
        replicas = self.replicas_of(quantity)
        if not replicas:
            return void_figures(Reason.METRIC_ABSENT, metric)
        absent = self._absent_label(quantity, replicas)
        if absent:
            return void_figures(Reason.LABEL_ABSENT, absent)
        increases = [
            (_values(of_target, labels, quantity.labels), figure)
            for replica, of_target in replicas
            for labels, figure in replica.increases(metric)
            if not of_target.failed_matchers(quantity.selector, labels)
        ]
        figures = Figures(sum_by_labels(increases), Figure.exact(0.0))
        doubts = list(dict.fromkeys(filter(None, (each.doubt for each, _ in replicas))))
        for reason, detail in doubts:
            figures = figures.doubted(reason, detail)
        absent_figure = Figure.void(*doubts[0]) if doubts else Figure.exact(0.0)
        return Figures(figures.by_labels, absent_figure)

    def jobs(self, quantity: CountedQuantity) -> set[str]:
        """Return the values of the job label under which a quantity's counters are scraped."""
        return {replica.job for replica, _ in self.replicas_of(quantity)}

    def jobs_without_start_times(self) -> set[str]:
        """Return the jobs of which a replica does not show when its process started."""
        return {
            replica.job
            for replica in self.replicas.values()
            if not (replica.before.start_times and replica.after.start_times)
        }

    def declares(self, quantity: CountedQuantity) -> bool:
        """Return whether a page shows or declares the metric of a quantity."""
        return any(each.has(quantity.selector.metric) for each in self.replicas.values())

    def beside(self, quantity: CountedQuantity) -> dict[Labels, dict[tuple[str, str], float]]:
        """Return what grew beside a selection: but for one label, it would have been selected.

        By the values of the quantity's labels, then by that label and the value that it has.
        """
        selector = quantity.selector
        grown: dict[Labels, dict[tuple[str, str], float]] = {}
        for replica, of_target in self.replicas_of(quantity):
            for labels, figure in replica.increases(selector.metric):
                broken = of_target.failed_matchers(selector, labels)
                if len(broken) == 1 and figure.value:
                    label = broken[0].label
                    values = _values(of_target, labels, quantity.labels)
                    of_labels = grown.setdefault(values, {})
                    place = label, labels.get(label, "")
                    of_labels[place] = of_labels.get(place, 0.0) + figure.value
        return grown

    def of_other_tenants(self, label: str, tenant: str) -> dict[str, dict[str, float]]:
        """Return by how much counters with other values of a label grew, by job and metric."""
        grown: dict[str, dict[str, float]] = {}
        for replica in self.replicas.values():
            for metric in replica.after.values:
                if replica.after.type_of(metric) != COUNTER:
                    continue
                theirs = sum(
                    figure.value or 0.0
                    for labels, figure in replica.increases(metric)
                    if labels.get(label, tenant) != tenant
                )
                if theirs:
                    of_job = grown.setdefault(replica.job, {})
                    of_job[metric] = of_job.get(metric, 0.0) + theirs
        return grown

    def replicas_of(self, quantity: CountedQuantity) -> list[tuple[Replica, ReplicaLabels]]:
        """Return the replicas that a quantity's counters can be on, each metrics URL once.

        These are the replicas that declare the metric, and those beside them that cannot be read: a
        service that cannot be read does not matter where another is seen to have the metric. Of
        them, only those whose target the selector can mean.
        """
        selector, service = quantity.selector, quantity.settings.service
        by_url: dict[str, Replica] = {}
        for each in self.replicas.values():
            if service in (None, each.service):
                by_url.setdefault(each.url, each)
        replicas = by_url.values()
        having = {each.service for each in replicas if each.has(selector.metric)}
        of_metric = [
            (each, self.targets.of_replica(each.job, each.url))
            for each in replicas
            if each.may_have(selector.metric) and (not having or each.service in having)
        ]
        return [
            (each, of_target)
            for each, of_target in of_metric
            if all(of_target.fits(matcher) for matcher in selector.matchers)
            or each.shows_own(selector)
        ]

    def _absent_label(
        self, quantity: CountedQuantity, replicas: Sequence[tuple[Replica, ReplicaLabels]]
    ) -> str:
        """Return a label that the selector needs and neither a series nor a target has, or ""."""
        shown = [
            (of_target, labels)
            for replica, of_target in replicas
            for labels in replica.labels_of(quantity.selector.metric)
        ]
        return next(
            (
                matcher.label
                for matcher in quantity.selector.matchers
                if shown
                and not matcher.matches({})
                and not any(
                    matcher.label in of_target.values or of_target.value(matcher.label, labels)
                    for of_target, labels in shown
                )
            ),
            "",
        )


def read_services(folder: RunFolder, targets: TargetLabels = NO_TARGETS) -> ServiceReading:
    """Read the expositions that a run collected; figures report what is missing."""
    path = folder.witnesses / NAME
    before, first_after = _read_index(path / Moment.BEFORE), _read_index(path / Moment.AFTER)
    moment = LATER if is_collected(folder, LATER) else Moment.AFTER
    after = _read_index(path / moment)
    return ServiceReading(
        {
            name: Replica(
                entry["service"],
                entry["job"],
                _read_exposition(path / Moment.BEFORE / f"{name}.txt", entry),
                _read_exposition(path / moment / f"{name}.txt", after.get(name)),
                tuple(map(_read_scrapes, filter(None, [entry, after.get(name)]))),
                entry["url"],
                _read_exposition(path / Moment.AFTER / f"{name}.txt", first_after.get(name)),
            )
            for name, entry in before.items()
            if not entry.get("is_declared_absent")
        },
        targets,
        frozenset(each["service"] for each in before.values() if each.get("is_declared_absent")),
        is_cut_short=bool(before) and not after,
    )


def is_collected(folder: RunFolder, moment: str) -> bool:
    """Return whether the services were scraped at a moment."""
    return (folder.witnesses / NAME / moment / INDEX).exists()


def latest_start_time(folder: RunFolder) -> float:
    """Return when the youngest process started that was scraped before; 0 where none shows it."""
    index = _read_index(folder.witnesses / NAME / Moment.BEFORE).values()
    scrapes = [_read_scrapes(entry) for entry in index if "scrapes" in entry]
    return max((at for each in scrapes for at in each.start_times), default=0.0)


def _increase(start: float, value: float, is_restarted: bool) -> Figure:
    """Return the increase of a series; a new process has counted from zero, if its value fell.

    A start time that moved while the counter went on proves nothing: the counter may be kept on
    disk, and so only the difference is a lower bound. One that fell by itself bounds nothing.
    """
    if math.isnan(value - start):
        return Figure.void(Reason.QUERY_RESULT_INVALID, "NaN")
    if max(value, start) > MAX_COUNT:
        return Figure.void(Reason.BEYOND_PRECISION, f"{value:,.0f}")
    if value < start:
        if is_restarted:
            return Figure.at_least(value, Reason.PROCESS_RESTARTED)
        return Figure.void(Reason.COUNTER_FELL, f"{start:,.0f} to {value:,.0f}")
    return Figure.exact(value - start)


def _read_index(path: Path) -> dict[str, Any]:
    try:
        index = json.loads((path / INDEX).read_bytes())
    except (OSError, ValueError):
        return {}
    return index if isinstance(index, dict) else {}


def _read_scrapes(entry: Mapping[str, Any]) -> RepeatedScrapes:
    scrapes = entry["scrapes"]
    return RepeatedScrapes(
        scrapes["number"],
        tuple(scrapes["start_times"]),
        scrapes["fell"],
        tuple(scrapes["self_counting"]),
    )


def _read_exposition(path: Path, entry: Mapping[str, Any] | None) -> Exposition:
    if entry is None:
        return unreadable(Reason.NOT_COLLECTED, "its metrics were not scraped after the run")
    if entry["error"]:
        return unreadable(Reason.SCRAPE_FAILED, entry["error"])
    try:
        content = path.read_bytes()
    except OSError as error:
        return unreadable(Reason.NOT_COLLECTED, f"{entry['url']}: {error.strerror}")
    return parse_exposition(content, entry["url"])


def _values(of_target: ReplicaLabels, labels: Mapping[str, str], names: Labels) -> Labels:
    return tuple(of_target.value(name, labels) for name in names)
