"""Read what the services' own metrics showed: the increase between two scrapes of each replica."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios.evidence.run_folder import RunFolder
from witnesses.figure import Figure, Figures, Labels, Reason, sum_by_labels, void_figures
from witnesses.model import CountedQuantity, Moment, RecordKind
from witnesses.service.exposition import Exposition, parse_exposition, unreadable
from witnesses.service.single_process import RepeatedScrapes

NAME = "service"

_SUFFIXES = ("", "_total", "_count", "_sum", "_bucket")
_COUNTERS = ("_total", "_count")


@dataclass(frozen=True)
class Replica:
    """One metrics address: whose it is, its scrapes before and after, and the repeated ones."""

    service: str
    job: str
    before: Exposition
    after: Exposition
    scrapes: tuple[RepeatedScrapes, ...] = ()

    @property
    def several_processes(self) -> RepeatedScrapes | None:
        """The scrapes that show that not one process answers."""
        return next((each for each in self.scrapes if each.shows_several_processes), None)

    @property
    def error(self) -> str:
        """Why it could not be read, before or after, or ""."""
        return self.after.error or self.before.error

    @property
    def is_restarted(self) -> bool:
        """Whether another process answers than before."""
        return self.before.start_time != self.after.start_time

    def may_have(self, metric: str) -> bool:
        """Return whether it declares a metric; one that cannot be read at all may."""
        readable = [each for each in (self.before, self.after) if not each.error]
        return not readable or self.has(metric)

    def has(self, metric: str) -> bool:
        """Return whether it declares a metric."""
        names = {metric.removesuffix(suffix) for suffix in _SUFFIXES}
        return any(names & each.families for each in (self.before, self.after))

    def increases(self, metric: str) -> Iterator[tuple[dict[str, str], Figure]]:
        """Yield each series' increase; without a baseline none is known, not even a bound."""
        if self.before.error:
            return
        before = {} if self.is_restarted else self.before.values.get(metric, {})
        for pairs, value in self.after.values.get(metric, {}).items():
            start = before.get(pairs, 0.0)
            if math.isnan(value - start):
                figure = Figure.void(Reason.QUERY_RESULT_INVALID, "NaN")
            elif value < start:
                figure = Figure.at_least(value, Reason.COUNTER_FELL)
            else:
                figure = Figure.exact(value - start)
            yield dict(pairs), figure

    @property
    def doubt(self) -> tuple[Reason, str] | None:
        """Why its figures are not the whole increase, and the facts; or None."""
        if self.error:
            exposition = self.after if self.after.error else self.before
            return exposition.reason or Reason.SCRAPE_FAILED, self.error
        return (Reason.PROCESS_RESTARTED, "") if self.is_restarted else None


@dataclass(frozen=True)
class ServiceReading:
    """Every replica's expositions before and after, by the replica's name."""

    replicas: Mapping[str, Replica]
    name: str = NAME
    keeps: RecordKind = RecordKind.COUNTER

    def counts(self, quantity: CountedQuantity) -> bool:
        """Return whether the quantity has a selector."""
        return bool(quantity.settings.prometheus)

    def figures(self, quantity: CountedQuantity) -> Figures:
        """Return the increases of a quantity by the values of its labels."""
        selector = quantity.selector
        replicas = self._replicas_of(selector.metric)
        if not replicas:
            return void_figures(Reason.METRIC_ABSENT, selector.metric)
        increases = [
            (_values(labels, quantity.labels), figure)
            for replica in replicas
            for labels, figure in replica.increases(selector.metric)
            if selector.selects(selector.metric, labels)
        ]
        figures = Figures(sum_by_labels(increases), Figure.exact(0.0))
        doubt = next(filter(None, (replica.doubt for replica in replicas)), None)
        if doubt is None:
            return figures
        return Figures(figures.doubted(*doubt).by_labels, Figure.void(*doubt))

    def jobs(self, metric: str) -> set[str]:
        """Return the values of the job label under which a metric's counters are scraped."""
        return {replica.job for replica in self._replicas_of(metric)}

    def beside(self, quantity: CountedQuantity) -> dict[Labels, dict[tuple[str, str], float]]:
        """Return what grew beside a selection: but for one label, it would have been selected.

        By the values of the quantity's labels, then by that label and the value that it has.
        """
        selector = quantity.selector
        grown: dict[Labels, dict[tuple[str, str], float]] = {}
        for replica in self._replicas_of(selector.metric):
            for labels, figure in replica.increases(selector.metric):
                broken = selector.failed_matchers(labels)
                if len(broken) == 1 and figure.value:
                    label = broken[0].label
                    of_labels = grown.setdefault(_values(labels, quantity.labels), {})
                    place = label, labels.get(label, "")
                    of_labels[place] = of_labels.get(place, 0.0) + figure.value
        return grown

    def of_other_tenants(self, label: str, tenant: str) -> dict[str, dict[str, float]]:
        """Return by how much counters with other values of a label grew, by job and metric."""
        grown: dict[str, dict[str, float]] = {}
        for replica in self.replicas.values():
            for metric in replica.after.values:
                if not metric.endswith(_COUNTERS):
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

    def _replicas_of(self, metric: str) -> list[Replica]:
        """Return the replicas that declare a metric, and those beside them that cannot be read.

        A service that cannot be read does not matter where another is seen to have the metric.
        """
        services = {each.service for each in self.replicas.values() if each.has(metric)}
        return [
            replica
            for replica in self.replicas.values()
            if replica.may_have(metric) and (not services or replica.service in services)
        ]


def read_services(folder: RunFolder) -> ServiceReading:
    """Read the expositions that a run collected; figures report what is missing."""
    path = folder.witnesses / NAME
    before, after = _read_index(path / Moment.BEFORE), _read_index(path / Moment.AFTER)
    return ServiceReading(
        {
            name: Replica(
                entry["service"],
                entry["job"],
                _read_exposition(path / Moment.BEFORE / f"{name}.txt", entry),
                _read_exposition(path / Moment.AFTER / f"{name}.txt", after.get(name)),
                tuple(map(_read_scrapes, filter(None, [entry, after.get(name)]))),
            )
            for name, entry in before.items()
        }
    )


def latest_start_time(folder: RunFolder) -> float:
    """Return when the youngest process started that was scraped before; 0 where none shows it."""
    scrapes = map(_read_scrapes, _read_index(folder.witnesses / NAME / Moment.BEFORE).values())
    return max((at for each in scrapes for at in each.start_times), default=0.0)


def _read_index(path: Path) -> dict[str, Any]:
    try:
        index = json.loads((path / "index.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return index if isinstance(index, dict) else {}


def _read_scrapes(entry: Mapping[str, Any]) -> RepeatedScrapes:
    scrapes = entry["scrapes"]
    return RepeatedScrapes(scrapes["number"], tuple(scrapes["start_times"]), scrapes["fell"])


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


def _values(labels: Mapping[str, str], names: Labels) -> Labels:
    return tuple(labels.get(name, "") for name in names)
