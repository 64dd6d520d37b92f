"""Read what the services' own metrics showed: the increase between two scrapes of each replica."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenarios.evidence.files import is_there, read_file, read_json
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.selector import Matcher
from witnesses.figure import (
    Amount,
    Figure,
    Figures,
    Labels,
    Reason,
    sum_by_labels,
    total_of,
    void_figures,
)
from witnesses.model import CountedQuantity, Moment, RecordKind, Source
from witnesses.service.exposition import COUNTER, Exposition, parse_exposition, unreadable
from witnesses.service.replica import Replica
from witnesses.service.replica_changes import baseline_of_new, last_of_gone, unseen_replicas
from witnesses.service.single_process import RepeatedScrapes
from witnesses.target_history import UNKNOWN, TargetHistory
from witnesses.target_labels import JOB, NO_TARGETS, ReplicaLabels, TargetLabels, address_of

NAME = "service"

INDEX = "index.json"
LATER = "later"  # collected again after the run


@dataclass(frozen=True)
class ServiceReading:
    """Every replica's expositions before and after, by the replica's name.

    `targets` are the labels that Prometheus gives to the replicas, which a selector may name.
    `absent` are the services whose pages are not asked for: they are declared to show no metrics,
    or their replicas are discovered, and cannot be read from here for the reasons in `unasked`.
    """

    replicas: Mapping[str, Replica]
    targets: TargetLabels = NO_TARGETS
    absent: frozenset[str] = frozenset()
    unasked: Mapping[str, str] = field(default_factory=dict)
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
        matcher = _matcher_of_parts(quantity, replicas)
        if matcher:
            detail = f'{matcher.label}{matcher.operator}"{matcher.value}"'
            return void_figures(Reason.MATCHES_IN_PART, detail)
        increases = [
            (_values(of_target, labels, quantity.labels), figure)
            for replica, of_target in replicas
            for labels, figure in replica.increases(
                metric, has_others=quantity.has_other_traffic, precision=quantity.precision
            )
            if not of_target.failed_matchers(quantity.selector, labels)
        ]
        figures = Figures(sum_by_labels(increases), Figure.exact(0.0))
        doubts = list(dict.fromkeys(filter(None, (each.doubt for each, _ in replicas))))
        for reason, detail in doubts:
            figures = figures.doubted(reason, detail)
        for reason in {reason for each, _ in replicas for reason in each.staleness(metric)}:
            figures = figures.doubted(reason)
        return figures if not doubts else Figures(figures.by_labels, Figure.void(*doubts[0]))

    def printing_errors(self, quantity: CountedQuantity) -> dict[Labels, Amount]:
        """Return by how much increases may differ from those that the pages print, if they may.

        That is by the values of the quantity's labels.
        """
        errors: dict[Labels, Amount] = {}
        for replica, of_target in self.replicas_of(quantity):
            of_metric = replica.printing_errors(quantity.selector.metric, quantity.precision)
            for labels, error in of_metric:
                if error and not of_target.failed_matchers(quantity.selector, labels):
                    values = _values(of_target, labels, quantity.labels)
                    errors[values] = total_of(errors.get(values, 0), error)
        return errors

    def source(self, quantity: CountedQuantity) -> Source:
        """Return the metrics addresses that the quantity is read from, and its selector."""
        replicas = (replica for replica, _ in self.replicas_of(quantity))
        return Source(tuple((each.service, each.url) for each in replicas), quantity.selector_text)

    def jobs(self, quantity: CountedQuantity) -> set[str]:
        """Return the values of the job label under which a quantity's counters are scraped."""
        return {replica.job for replica, _ in self.replicas_of(quantity)}

    def jobs_without_start_times(self) -> set[str]:
        """Return the jobs of which a replica does not show when its process started."""
        return {replica.job for replica in self.replicas.values() if not replica.shows_start_times}

    def own_jobs(self, quantity: CountedQuantity) -> list[str]:
        """Return the values of a `job` label that the pages' own series of a quantity have."""
        shown = (
            labels.get(JOB)
            for replica, _ in self.replicas_of(quantity)
            for labels in replica.labels_of(quantity.selector.metric)
        )
        return sorted({each for each in shown if each})

    def declares(self, quantity: CountedQuantity) -> bool:
        """Return whether a page shows or declares the metric of a quantity."""
        return any(each.has(quantity.selector.metric) for each in self.replicas.values())

    def beside(self, quantity: CountedQuantity) -> dict[Labels, dict[tuple[str, str], Amount]]:
        """Return what grew beside a selection: but for one label, it would have been selected.

        By the values of the quantity's labels, then by that label and the value that it has.
        """
        selector = quantity.selector
        grown: dict[Labels, dict[tuple[str, str], Amount]] = {}
        for replica, of_target in self.replicas_of(quantity):
            for labels, figure in replica.increases(selector.metric, precision=quantity.precision):
                broken = of_target.failed_matchers(selector, labels)
                if len(broken) == 1 and figure.value:
                    label = broken[0].label
                    values = _values(of_target, labels, quantity.labels)
                    of_labels = grown.setdefault(values, {})
                    place = label, labels.get(label, "")
                    of_labels[place] = of_labels.get(place, 0) + figure.value
        return grown

    def of_other_tenants(self, label: str, tenant: str) -> dict[str, dict[str, float]]:
        """Return by how much counters with other values of a label grew, by job and metric."""
        grown: dict[str, dict[str, float]] = {}
        for replica in self.replicas.values():
            for metric in replica.after.values:
                if replica.after.type_of(metric) != COUNTER:
                    continue
                theirs = sum(
                    float(figure.value or 0)
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
                by_url.setdefault(address_of(each.url or each.instance), each)
        replicas = by_url.values()
        having = {each.service for each in replicas if each.has(selector.metric)}
        of_metric = [
            (each, self.targets.of_replica(each.job, each.url, each.instance))
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


def read_services(
    folder: RunFolder, targets: TargetLabels = NO_TARGETS, history: TargetHistory = UNKNOWN
) -> ServiceReading:
    """Read the expositions that a run collected; figures report what is missing.

    `history` is what Prometheus saw of replicas that were discovered.
    """
    path = folder.witnesses / NAME
    moment = LATER if is_collected(folder, LATER) else Moment.AFTER
    before, first_after, after = (
        _read_index(path / each) for each in (Moment.BEFORE, Moment.AFTER, moment)
    )
    replicas: dict[str, Replica] = {}
    for name, entry in (first_after | after | before).items():
        if "url" in entry:
            first = _read_exposition(path / Moment.AFTER / f"{name}.txt", first_after.get(name))
            last = _read_exposition(path / moment / f"{name}.txt", after.get(name))
            last = last_of_gone(entry, last, history)
            start = (
                _read_exposition(path / Moment.BEFORE / f"{name}.txt", entry)
                if name in before
                else baseline_of_new(entry, last, history)
            )
            scrapes = (each for each in (before.get(name), after.get(name)) if each)
            replicas[name] = Replica(
                entry["service"], entry["job"], start, last,
                tuple(_read_scrapes(each) for each in scrapes if "scrapes" in each),
                entry["url"], first, entry.get("instance", ""),
            )  # fmt: skip
    replicas |= unseen_replicas(replicas, history)
    unasked = {e["service"]: e["unasked"] for e in before.values() if "unasked" in e}
    absent = {e["service"] for e in before.values() if "is_declared_absent" in e}
    return ServiceReading(
        replicas, targets, frozenset(absent | unasked.keys()), unasked,
        is_cut_short=bool(before) and not after,
    )  # fmt: skip


def is_collected(folder: RunFolder, moment: str) -> bool:
    """Return whether the services were scraped at a moment."""
    return is_there(folder.witnesses / NAME / moment / INDEX)


def latest_start_time(folder: RunFolder) -> float:
    """Return when the youngest process started that was scraped before; 0 where none shows it."""
    index = _read_index(folder.witnesses / NAME / Moment.BEFORE).values()
    scrapes = [_read_scrapes(entry) for entry in index if "scrapes" in entry]
    return max((at for each in scrapes for at in each.start_times), default=0.0)


def _read_index(path: Path) -> dict[str, Any]:
    try:
        index = read_json(path / INDEX)
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
        tuple(scrapes["moved"]),
        tuple(scrapes["sank"]),
        scrapes["page_s"],
        scrapes["page_bytes"],
    )


def _read_exposition(path: Path, entry: Mapping[str, Any] | None) -> Exposition:
    if entry is None:
        return unreadable(Reason.NOT_COLLECTED, "its metrics were not scraped after the run")
    if entry.get("is_gone"):
        return unreadable(Reason.REPLICA_GONE, entry["instance"])
    if entry["error"]:
        return unreadable(Reason.SCRAPE_FAILED, entry["error"])
    try:
        content = read_file(path)
    except OSError as error:
        return unreadable(Reason.NOT_COLLECTED, f"{entry['url']}: {error.strerror}")
    return parse_exposition(content, entry["url"], entry["asked_at"] + entry["skew_s"])


def _values(of_target: ReplicaLabels, labels: Mapping[str, str], names: Labels) -> Labels:
    return tuple(of_target.value(name, labels) for name in names)


def _matcher_of_parts(
    quantity: CountedQuantity, replicas: Sequence[tuple[Replica, ReplicaLabels]]
) -> Matcher | None:
    """Return the matcher that keeps out every series, and matches a part of a value.

    It was most likely meant to match: its author took it for a search.
    """
    broken = [
        (labels, of_target.failed_matchers(quantity.selector, labels))
        for replica, of_target in replicas
        for labels in replica.labels_of(quantity.selector.metric)
    ]
    if not all(failed for _, failed in broken):
        return None
    single = ((labels, failed[0]) for labels, failed in broken if len(failed) == 1)
    return next((each for labels, each in single if each.matches_in_part(labels)), None)
