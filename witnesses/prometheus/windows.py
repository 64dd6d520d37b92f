"""Raw samples on disk: one file per query and window of time."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from mmap import ACCESS_READ, mmap
from pathlib import Path

from scenarios.evidence.files import open_to_read, read_file
from witnesses.prometheus.pushes import InstancePushes
from witnesses.prometheus.samples import (
    RawSeries,
    Sample,
    ScrapeLogBuilder,
    Series,
    Target,
    raw_series,
)
from witnesses.prometheus.samples import read_series as series_in
from witnesses.target_labels import INSTANCE, JOB

UP, START_TIMES, DURATIONS, SAMPLE_COUNTS = "up", "start_times", "durations", "sample_counts"

TargetSeries = Mapping[str, Iterable[Series]]


def file_name(name: str, number: int) -> str:
    """Return the file name of one response; windows are numbered from 1."""
    return f"{name}-{number:04}.json"


@dataclass(frozen=True, slots=True)
class Windows:
    """The responses of a run in a folder; `count` 0 stands for a single one, without a number."""

    folder: Path
    count: int

    def read_series(self, name: str) -> Iterator[Iterator[RawSeries]]:
        """Yield the series of each window. Raises OSError or ValueError where one is not whole."""
        for path in self._paths(name):
            # A mapped file leaves the memory as soon as its series are released. An empty file
            # cannot be mapped: mmap raises ValueError.
            with open_to_read(path) as file:
                content = mmap(file.fileno(), 0, access=ACCESS_READ)
            yield raw_series(content)

    def read_targets(self) -> Iterator[dict[str, list[Series]]]:
        """Yield what each window reports of the targets. Raises OSError or ValueError.

        Durations and sample counts sharpen a figure; a window may lack them.
        """
        names = (UP, START_TIMES, DURATIONS, SAMPLE_COUNTS)
        for up, start_times, durations, counts in zip(*map(self._paths, names), strict=True):
            yield {
                UP: series_in(read_file(up)),
                START_TIMES: series_in(read_file(start_times)),
                DURATIONS: _series_if_any(durations),
                SAMPLE_COUNTS: _series_if_any(counts),
            }

    def _paths(self, name: str) -> list[Path]:
        numbers = range(1, self.count + 1)
        return [self.folder / file_name(name, number) for number in numbers] or [
            self.folder / f"{name}.json"
        ]


def _series_if_any(path: Path) -> list[Series]:
    try:
        return series_in(read_file(path))
    except (OSError, ValueError):
        return []


@dataclass(slots=True)
class TargetLogs:
    """The scrape logs of all targets, built window by window."""

    begin: float
    end: float
    fresh: bool
    pushes: Mapping[Target, InstancePushes] = field(default_factory=dict)
    by_name: dict[Target, ScrapeLogBuilder] = field(default_factory=dict)
    labels: list[dict[str, str]] = field(default_factory=list)

    def add(self, window: TargetSeries, until: float = inf) -> None:
        """Add a further window. Targets that share job and instance are taken for one.

        `until` is the end of the window, as far as pushes are concerned.
        """
        pushing = {job for job, _ in self.pushes}
        series = [each for each in window[UP] if each.target[0] not in pushing]
        series += [_pushed(*each, until) for each in self.pushes.items()]
        self.labels += [each.labels for each in series if each.labels not in self.labels]
        ups = _by_target(series)
        others = [_by_target(window[name]) for name in (START_TIMES, DURATIONS, SAMPLE_COUNTS)]
        for target in ups:
            if target not in self.by_name:
                self.by_name[target] = ScrapeLogBuilder(
                    self.begin, self.end, self.fresh, pushes=self.pushes.get(target)
                )
        for target, builder in self.by_name.items():
            of_target = ups.get(target, [])
            builder.is_shared |= len(of_target) > 1
            start_times, durations, counts = (each.get(target, []) for each in others)
            builder.add(
                _joined(of_target), _youngest(start_times), _joined(durations), _joined(counts)
            )


def _pushed(target: Target, pushes: InstancePushes, until: float) -> Series:
    """Return the pushes of an instance as the `up` of a target that is scraped by itself."""
    job, instance = target
    return Series(
        {JOB: job, INSTANCE: instance}, [(at, 1.0) for at in pushes.stamps if at <= until]
    )


def _by_target(series: Iterable[Series]) -> dict[Target, list[Series]]:
    by_target: dict[Target, list[Series]] = {}
    for each in series:
        by_target.setdefault(each.target, []).append(each)
    return by_target


def _youngest(series: list[Series]) -> list[Sample]:
    """Return the latest start time per scrape: an exposition may show one per worker process."""
    latest: dict[float, float] = {}
    for each in series:
        for at, value in each.samples:
            latest[at] = max(value, latest.get(at, value))
    return sorted(latest.items())


def _joined(series: list[Series]) -> list[Sample]:
    if len(series) == 1:
        return list(series[0].samples)
    return sorted(sample for each in series for sample in each.samples)
