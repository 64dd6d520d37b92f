"""Read what was collected from Prometheus: the exact increase of each quantity."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import chain, repeat
from pathlib import Path
from typing import TypeVar

from msgspec import convert

from scenarios.evidence.files import read_json
from scenarios.evidence.run_folder import RunFolder
from witnesses.figure import ZERO, Figure, Figures, Labels, Reason, sum_by_labels, void_figures
from witnesses.model import CountedQuantity, RecordKind, Source
from witnesses.prometheus.accumulator import Accumulator, SeriesNaming, SeriesState, series_name
from witnesses.prometheus.collection import COLLECTION_FILE, CollectionRecord
from witnesses.prometheus.growth import Growth
from witnesses.prometheus.increase import zero_of
from witnesses.prometheus.native_histograms import Bucket, at_edges, buckets_in
from witnesses.prometheus.pushes import (
    InstancePushes,
    history_file,
    push_file,
    pushes_of,
    read_observations,
)
from witnesses.prometheus.replica_changes import ReplicaChanges, departed_targets
from witnesses.prometheus.samples import RawSeries, ScrapeLog, Target
from witnesses.prometheus.service_targets import ServiceTargets
from witnesses.prometheus.twins import label_of_twins
from witnesses.prometheus.windows import TargetLogs, Windows
from witnesses.target_history import TargetHistory
from witnesses.target_labels import INSTANCE, JOB, NO_TARGETS, TargetLabels

NAME = "prometheus"

_ValueT = TypeVar("_ValueT")


@dataclass(frozen=True)
class PrometheusReading:
    """What Prometheus reported over a run. `scrape_logs` are by job and instance.

    `departed` are the targets of discovered replicas that went away before the first request.
    Native histograms are read as cumulative counts at the `native_edges`, in their own unit.
    """

    collection: CollectionRecord
    scrape_logs: Mapping[Target, ScrapeLog]
    folder: Path
    target_labels: TargetLabels = NO_TARGETS
    departed: frozenset[Target] = frozenset()
    native_edges: tuple[float, ...] = ()
    pushes: Mapping[Target, InstancePushes] = field(default_factory=dict)
    name: str = NAME
    keeps: RecordKind = RecordKind.COUNTER

    @property
    def is_cut_short(self) -> bool:
        """Whether it was asked before the run, and not after it."""
        return not self.collection.error and not self.collection.at

    def counts(self, quantity: CountedQuantity) -> bool:
        """Return whether the quantity has a selector, and the environment a Prometheus."""
        return bool(quantity.settings.prometheus) and not self.collection.is_declared_absent

    def figures(self, quantity: CountedQuantity) -> Figures:
        """Return the increases of a quantity by the values of its labels.

        What is counted up to `settle` after the last response is not late. Where others may count
        all the time, the increase is that of all.
        """
        record = self.collection
        if record.error:
            reason = Reason.CLOCK_SET if record.is_clock_set else Reason.PROMETHEUS_DOWN
            return void_figures(reason, record.error)
        if self.is_cut_short:
            return void_figures(Reason.NOT_COLLECTED)
        try:
            accumulator = self._accumulated(quantity)
        except (OSError, ValueError):
            return void_figures(Reason.NOT_COLLECTED)
        absent = {
            target: self._bounded(accumulator.figure(accumulator.absent_state(target), log), target)
            for target, log in self._targets_of(accumulator, quantity).items()
        }
        shown = (
            (
                state.labels,
                self._bounded(accumulator.figure(state, self._scrape_log(state)), state.target),
            )
            for state in accumulator.states
            if state.target not in self.departed
        )
        inexact = {target: figure for target, figure in absent.items() if figure != ZERO}
        elsewhere = _of_targets_without(accumulator.states, inexact)
        figures = Figures(sum_by_labels(chain(shown, elsewhere)), zero_of(absent.values()))
        for doubt in self._doubts(quantity, accumulator):
            figures = figures.doubted(*doubt)
        return figures

    def _bounded(self, figure: Figure, target: Target) -> Figure:
        """Return the figure of a target as a lower bound if it is a replica that went away."""
        gone = self.changes.gone
        return figure.doubted(Reason.REPLICA_GONE, target[1]) if target in gone else figure

    @cached_property
    def changes(self) -> ReplicaChanges:
        """The replicas that came and went, of those that are discovered."""
        return ReplicaChanges(self.collection, self.scrape_logs)

    def jobs_without_start_times(self) -> set[str]:
        """Return the jobs of which a target showed at no scrape when its process started."""
        return {target[0] for target, log in self.scrape_logs.items() if not log.start_times}

    @property
    def history(self) -> TargetHistory:
        """Which targets there were, and which processes, as far as they are known."""
        record = self.collection
        if record.error or self.is_cut_short or not self.scrape_logs:
            return TargetHistory()
        start_times = {
            target: [started for _, started in log.start_times]
            for target, log in self.scrape_logs.items()
        }
        return TargetHistory(record.begin - record.skew_s, start_times, self.changes.gone)

    def source(self, quantity: CountedQuantity) -> Source:
        """Return the targets that can have the quantity, by job and instance, and its selector."""
        return Source(tuple(self.targets_of(quantity)), quantity.selector_text)

    def _doubts(
        self, quantity: CountedQuantity, accumulator: Accumulator
    ) -> Iterator[tuple[Reason, str]]:
        """Yield why its series may not be those of the quantity's own targets, each once."""
        others = {job for job, _ in accumulator.targets} - {job for job, _ in self.scrape_logs}
        if others and self.scrape_logs:
            yield Reason.OTHER_TARGETS, f"job {', '.join(sorted(others))}"
        targets = self.targets_of(quantity)
        if len({instance for _, instance in targets}) < len(targets):
            yield Reason.SHARED_TARGET, ""
        if self.pushes and (writer := label_of_twins(accumulator.tallies)):
            yield Reason.SHARED_TARGET, f"each series is pushed twice, told apart by {writer}"
        labels = chain.from_iterable(self.target_labels.by_job.values())
        if not self._selection.tells_apart(quantity, labels):
            yield Reason.OTHER_TARGETS, f"services beside {quantity.settings.service}"

    def growths(
        self, quantity: CountedQuantity, by: Iterable[str], only: Collection[Labels] | None = None
    ) -> dict[Labels, list[list[Growth]]]:
        """Return how a quantity grew, by the values of its labels: one list of scrapes per series.

        A target without the series is among them: it stayed at zero. `only` restricts the label
        values: of a long run, every scrape of every series is more than memory holds.
        """
        if self.collection.error:
            return {}
        try:
            accumulator = Accumulator(
                tuple(by), self.collection.begin, kept=only, keeps=True,
                precision=quantity.precision, naming=self._naming(quantity),
            )  # fmt: skip
            self._read(quantity.name, accumulator)
        except (OSError, ValueError):
            return {}
        grown: dict[Labels, list[list[Growth]]] = {}
        for state in accumulator.states:
            if state.target in self.departed:
                continue
            growth = accumulator.growth(state, self._scrape_log(state))
            grown.setdefault(state.labels, []).append(growth)
        absent = {
            target: accumulator.growth(accumulator.absent_state(target), scrape_log)
            for target, scrape_log in self._targets_of(accumulator, quantity).items()
        }
        for labels, growth in _of_targets_without(accumulator.states, absent):
            grown[labels].append(growth)
        return grown

    def labels_of(self, quantity: CountedQuantity) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield the instance and the labels of each series of a quantity, once per window."""
        for each in self._series_of(quantity):
            yield each.labels.get(INSTANCE, ""), each.labels

    def native_buckets(self, quantity: CountedQuantity) -> set[Bucket]:
        """Return the buckets of native histograms that had any value."""
        return {bucket for each in self._series_of(quantity) for bucket in buckets_in(each)}

    def _series_of(self, quantity: CountedQuantity) -> Iterator[RawSeries]:
        """Yield the series of each window, as far as they can be read."""
        windows = Windows(self.folder, len(self.collection.windows))
        with suppress(OSError, ValueError):
            for window in windows.read_series(f"quantity-{quantity.name}"):
                yield from window

    def targets_of(self, quantity: CountedQuantity) -> dict[Target, ScrapeLog]:
        """Return the targets that a quantity's selector can mean."""
        fitting = {
            (labels[JOB], labels.get(INSTANCE, ""))
            for of_job in self.target_labels.by_job.values()
            for labels in of_job
            if self._selection.is_target_of(quantity, labels)
        }
        return {target: log for target, log in self.scrape_logs.items() if target in fitting}

    def jobs(self, quantity: CountedQuantity) -> set[str]:
        """Return the jobs of the targets that a quantity's selector can mean."""
        return {job for job, _ in self.targets_of(quantity)}

    @property
    def _selection(self) -> ServiceTargets:
        record = self.collection
        return ServiceTargets(record.jobs, record.instances, pushed=record.pushed)

    def _accumulated(self, quantity: CountedQuantity) -> Accumulator:
        """Return a quantity's series. Raises OSError or ValueError where they are not whole."""
        record = self.collection
        accumulator = Accumulator(
            quantity.labels, record.begin, record.end, quantity.settings.settle,
            has_others=quantity.has_other_traffic, precision=quantity.precision,
            naming=self._naming(quantity),
        )  # fmt: skip
        self._read(quantity.name, accumulator)
        return accumulator

    def _naming(self, quantity: CountedQuantity) -> SeriesNaming:
        """Return what is known of a quantity's series."""
        selection = self._selection
        is_of_tenant = any(each.value == quantity.tenant for each in quantity.selector.equalities)
        are_new = is_of_tenant and self.collection.is_tenant_new
        if not selection.may_be_pushed(quantity):
            return SeriesNaming(are_new=are_new)
        return SeriesNaming(
            selection.target_of, _shown_before(self.folder, quantity.name), are_new=are_new
        )

    def _targets_of(
        self, accumulator: Accumulator, quantity: CountedQuantity
    ) -> dict[Target, ScrapeLog]:
        """Return the targets that could have a series: all targets of the jobs that have any."""
        jobs = {job for job, _ in accumulator.targets}
        targets = self.targets_of(quantity)
        return {name: log for name, log in targets.items() if not jobs or name[0] in jobs}

    def _read(self, quantity: str, accumulator: Accumulator) -> None:
        """Read a quantity's raw samples. Raises OSError or ValueError where they are not whole."""
        record = self.collection
        windows = Windows(self.folder, len(record.windows))
        targets = TargetLogs(record.begin, record.end, record.fresh, self.pushes)
        target_windows = windows.read_targets() if self.scrape_logs else repeat(None)
        series_windows = windows.read_series(f"quantity-{quantity}")
        ends = chain(record.windows, repeat(math.inf))
        for series, of_targets, end in zip(series_windows, target_windows, ends, strict=False):
            if of_targets:
                targets.add(of_targets, end)
            counts = at_edges(series, self.native_edges) if self.native_edges else series
            accumulator.add(counts, targets.by_name)

    def _scrape_log(self, state: SeriesState) -> ScrapeLog:
        return self.scrape_logs.get(state.target, ScrapeLog(fresh=self.collection.fresh))


def read_prometheus(folder: RunFolder) -> PrometheusReading:
    """Read what a run collected from Prometheus; figures report what is missing."""
    path = folder.witnesses / NAME
    try:
        # the first refuses what it does not know, the second values of other types
        record = CollectionRecord(**read_json(path / COLLECTION_FILE))
        record = convert(asdict(record), CollectionRecord)
        windows = Windows(path, len(record.windows))
    except (OSError, ValueError, TypeError):
        return PrometheusReading(CollectionRecord(error="Prometheus was not read"), {}, path)
    if record.is_declared_absent:
        return PrometheusReading(record, {}, path)
    try:
        pushes = _read_pushes(path, record)
        targets = TargetLogs(record.begin, record.end, record.fresh, pushes)
        for of_targets in windows.read_targets():
            targets.add(of_targets)
    except (OSError, ValueError):
        return PrometheusReading(record, {}, path)
    scrape_logs = {name: each.scrape_log for name, each in sorted(targets.by_name.items())}
    departed = frozenset(departed_targets(record, scrape_logs))
    return PrometheusReading(
        record,
        {target: log for target, log in scrape_logs.items() if target not in departed},
        path,
        TargetLabels.of_targets(targets.labels),
        departed,
        pushes=pushes,
    )


def _read_pushes(path: Path, record: CollectionRecord) -> dict[Target, InstancePushes]:
    """Read when each instance pushed its metrics. Raises OSError or ValueError."""
    return {
        (record.jobs[service], instance): pushes
        for service, pushed in record.pushed.items()
        for instance, pushes in pushes_of(
            read_observations(read_json(path / push_file(service))), record.begin, pushed.every_s
        ).items()
    }


def _shown_before(path: Path, quantity: str) -> frozenset[bytes]:
    """Read which series were pushed within the day before the run; none where it is not known."""
    found = read_json(path / history_file(quantity))["data"]["result"]
    return frozenset(series_name(each["metric"]) for each in found)


def _of_targets_without(
    states: Iterable[SeriesState], by_target: Mapping[Target, _ValueT]
) -> Iterator[tuple[Labels, _ValueT]]:
    """Yield, for each label set, the values of the targets that show no series of it."""
    if not by_target:
        return
    having: dict[Labels, set[Target]] = {}
    for state in states:
        having.setdefault(state.labels, set()).add(state.target)
    for labels, targets in having.items():
        for target, value in by_target.items():
            if target not in targets:
                yield labels, value
