"""Where do a run's samples lie? In windows of time, each answer in a file of its own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path

from witnesses.prometheus.samples import RawSeries, Sample, Series, Target, Watching, raw_series
from witnesses.prometheus.samples import read_series as series_in

UP, BIRTHS, DURATIONS, SHOWN = "up", "births", "durations", "shown"

Told = Mapping[str, Iterable[Series]]


def file_name(name: str, number: int) -> str:
    """Return the name of one answer's file; windows are numbered from 1."""
    return f"{name}-{number:04}.json"


@dataclass(frozen=True, slots=True)
class Windows:
    """The answers of a run in a folder; `count` 0 stands for a single one, without a number."""

    folder: Path
    count: int

    def read_series(self, name: str) -> Iterator[Iterator[RawSeries]]:
        """Yield the series of each window. Raises OSError or ValueError where one is not whole."""
        for path in self._paths(name):
            yield raw_series(_mapped(path))

    def read_told(self) -> Iterator[dict[str, list[Series]]]:
        """Yield what each window tells of the targets. Raises OSError or ValueError.

        Durations and sizes sharpen a figure; a window may lack them.
        """
        for paths in zip(*map(self._paths, (UP, BIRTHS, DURATIONS, SHOWN)), strict=True):
            up, births, durations, shown = paths
            yield {
                UP: series_in(up.read_bytes()),
                BIRTHS: series_in(births.read_bytes()),
                DURATIONS: _series_if_any(durations),
                SHOWN: _series_if_any(shown),
            }

    def _paths(self, name: str) -> list[Path]:
        numbers = range(1, self.count + 1)
        return [self.folder / file_name(name, number) for number in numbers] or [
            self.folder / f"{name}.json"
        ]


def _mapped(path: Path) -> mmap:
    """Return a file's content, which leaves the memory as soon as it is let go of."""
    with path.open("rb") as file:
        return mmap(file.fileno(), 0, access=ACCESS_READ)


def _series_if_any(path: Path) -> list[Series]:
    try:
        return series_in(path.read_bytes())
    except (OSError, ValueError):
        return []


@dataclass(slots=True)
class Targets:
    """All targets as they are being read, window by window."""

    begin: float
    end: float
    fresh: bool
    by_name: dict[Target, Watching] = field(default_factory=dict)

    def see(self, told: Told) -> None:
        """Take a further window. Targets that share job and instance are taken for one."""
        ups, others = (
            _merged(told[UP]),
            [_merged(told[each]) for each in (BIRTHS, DURATIONS, SHOWN)],
        )
        for target in ups:
            if target not in self.by_name:
                self.by_name[target] = Watching(self.begin, self.end, self.fresh)
        for target, watching in self.by_name.items():
            of_target = ups.get(target, [])
            watching.is_shared |= len(of_target) > 1
            births, durations, shown = (_joined(each.get(target, [])) for each in others)
            watching.see(_joined(of_target), births, durations, shown)


def _merged(series: Iterable[Series]) -> dict[Target, list[Series]]:
    by_target: dict[Target, list[Series]] = {}
    for each in series:
        by_target.setdefault(each.target, []).append(each)
    return by_target


def _joined(series: list[Series]) -> list[Sample]:
    if len(series) == 1:
        return list(series[0].samples)
    return sorted(sample for each in series for sample in each.samples)
