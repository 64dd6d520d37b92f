"""What does Prometheus say? Its raw samples, one query a quantity, taken after two barriers.

Before the first request: every target scraped twice, or every process new. After the last answer:
every target scraped, and the figures unchanged over two further scrapes.
"""

import json
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from checks.witnesses.figure import Figure, Figures, Labels, no_data, summed
from checks.witnesses.increase import QUIET_SCRAPES, Growth, growth, increase, is_quiet, zero
from checks.witnesses.queries import PrometheusDown, PrometheusQueries
from checks.witnesses.samples import Sample, Series, Target, Watch, series_of
from scenarios.evidence import RunFolder

_UP, _BIRTHS, _DURATIONS, _READING = "up", "births", "durations", "reading"

_POLL_S = 0.05
_DISCOVERY_S = 7.0
_USUAL_INTERVAL_S = 15.0
_PATIENCE_S = 3.0
_PATIENCE_SCRAPES = 8
_SCRAPES_BEFORE = 2
_FAILED_SCRAPES = 2
_CLOCK_MARGIN_S = 0.01


@dataclass(frozen=True, slots=True)
class Reading:
    """When Prometheus was read, on its own clock (epoch seconds), or why it could not be.

    `begin` is before the first request, `end` after the last answer, `at` the evaluation time of
    the raw samples. `skew_s` is Prometheus' clock minus ours. `fresh` tells that every service was
    started for this run.
    """

    fresh: bool = False
    begin: float = 0.0
    end: float = 0.0
    at: float = 0.0
    skew_s: float = 0.0
    interval_s: float = 0.0
    down: str = ""

    @property
    def window(self) -> str:
        """The PromQL duration from before the first request to the reading."""
        return f"{math.ceil(self.at - self.begin)}s"


class PrometheusWitness:
    """Prometheus during one run: a barrier before, a barrier and the raw samples after."""

    def __init__(self, queries: PrometheusQueries, jobs: Iterable[str], folder: RunFolder) -> None:
        """Read nothing yet; `jobs` are the values of the job label whose targets matter."""
        self._queries = queries
        self._folder = folder
        self._jobs = frozenset(jobs)
        self._scraped = self._jobs
        self._targets = f'{{job=~"{"|".join(re.escape(job) for job in sorted(self._jobs))}"}}'
        self.reading = Reading()

    def open(self, fresh: bool) -> None:
        """Wait until every target was scraped twice, within a bound.

        Services that were started for this run began at zero: they need no baseline and no wait.
        """
        self.reading = replace(self.reading, fresh=fresh)
        try:
            self._learn_pace()
            if not fresh:
                _wait(time.monotonic() + _DISCOVERY_S, self._targets_known)
                _wait(self._deadline(), self._scraped_before)
        except PrometheusDown as error:
            self.reading = replace(self.reading, down=str(error))
        self.reading = replace(self.reading, begin=self._now())
        self._write_reading()

    def close(self, last_answer_at: float, selectors: Mapping[str, str]) -> None:
        """Wait until the figures have settled, and take the raw samples of each selector.

        `last_answer_at` is on our clock, in epoch seconds.
        """
        end = last_answer_at + self.reading.skew_s + _CLOCK_MARGIN_S
        self.reading = replace(self.reading, end=end, at=self._now())
        try:
            deadline = self._deadline()
            _wait(deadline, self._scraped_after)
            self._learn_pace()
            _wait(deadline, lambda: self._take(selectors))
        except PrometheusDown as error:
            self.reading = replace(self.reading, down=str(error))
        self._write_reading()

    def ask(self, query: str) -> str:
        """Evaluate a query as of the reading; return the answer. Raises PrometheusDown."""
        if self.reading.down:
            raise PrometheusDown(self.reading.down)
        return self._queries.ask(query, self.reading.at).text

    def _learn_pace(self) -> None:
        skew_s, intervals_s = self._queries.clock_skew_s(), self._queries.intervals_s()
        known_s = [(intervals_s or {}).get(job) for job in self._jobs]
        interval_s = max(filter(None, known_s), default=_USUAL_INTERVAL_S)
        self.reading = replace(self.reading, skew_s=skew_s, interval_s=interval_s)
        if intervals_s is not None and not self.reading.fresh:
            self._scraped = self._jobs & intervals_s.keys()

    def _take(self, selectors: Mapping[str, str]) -> bool:
        """Take all raw samples as of now; tell whether none of them is still moving."""
        self.reading = replace(self.reading, at=self._now())
        self._raw(_UP, f"{_UP}{self._targets}")
        self._raw(_BIRTHS, f"process_start_time_seconds{self._targets}")
        self._raw(_DURATIONS, f"scrape_duration_seconds{self._targets}")
        series = [
            each for name, text in selectors.items() for each in self._raw(f"quantity-{name}", text)
        ]
        return all(_is_settled(each.samples, self.reading.end) for each in series)

    def _raw(self, name: str, selector: str) -> list[Series]:
        answer = self._queries.ask(f"{selector}[{self._raw_window()}]", self.reading.at)
        self._folder.write_answer(f"prometheus/{name}.json", answer.text.encode())
        return series_of(answer.result)

    def _targets_known(self) -> bool:
        """A Prometheus that has just started knows no targets yet; one may also never have any."""
        self._learn_pace()
        return self._scraped >= self._jobs

    def _scraped_before(self) -> bool:
        ups = self._ups()
        return {job for job, _ in ups} >= self._scraped and all(
            [up for _, up in samples[-_SCRAPES_BEFORE:]] == [1.0] * _SCRAPES_BEFORE
            for samples in ups.values()
        )

    def _scraped_after(self) -> bool:
        ups = self._ups()
        return {job for job, _ in ups} >= self._scraped and all(
            _is_watched_or_down(samples, self.reading.end) for samples in ups.values()
        )

    def _ups(self) -> dict[Target, tuple[Sample, ...]]:
        at = self._now()
        window = f"{math.ceil(4 * self.reading.interval_s) + 1}s"
        answer = self._queries.ask(f"{_UP}{self._targets}[{window}]", at)
        return {each.target: each.samples for each in series_of(answer.result)}

    def _raw_window(self) -> str:
        """Reach back over two scrapes before the first request, and one to spare."""
        since = self.reading.at - self.reading.begin + 3 * self.reading.interval_s
        return f"{math.ceil(since) + 1}s"

    def _now(self) -> float:
        return time.time() + self.reading.skew_s

    def _deadline(self) -> float:
        return time.monotonic() + _PATIENCE_S + _PATIENCE_SCRAPES * self.reading.interval_s

    def _write_reading(self) -> None:
        content = json.dumps(asdict(self.reading), indent=1)
        self._folder.write_answer(f"prometheus/{_READING}.json", content.encode())


@dataclass(frozen=True)
class PrometheusEvidence:
    """What Prometheus said, as it lies on disk."""

    reading: Reading
    watches: Mapping[Target, Watch]
    folder: Path

    def figures(self, quantity: str, by: Iterable[str]) -> Figures:
        """Return the increases of a quantity by the values of its labels."""
        try:
            series = self._series(quantity)
        except PrometheusDown as error:
            return no_data(str(error))
        begin, end = self.reading.begin, self.reading.end
        watches = self._replicas(series)
        silent = {target: zero([watch], begin, end) for target, watch in watches.items()}
        had = _targets_by_labels(series, tuple(by))
        of_series = [(_values(each, tuple(by)), self._increase(each)) for each in series]
        of_others = [
            (labels, figure)
            for labels, targets in had.items()
            for target, figure in silent.items()
            if target not in targets
        ]
        return Figures(summed([*of_series, *of_others]), zero(watches.values(), begin, end))

    def growths(self, quantity: str, by: Iterable[str]) -> dict[Labels, list[list[Growth]]]:
        """Return how a quantity grew, by the values of its labels: a list of scrapes a series.

        A target without the series is among them: it stayed at zero.
        """
        try:
            series = self._series(quantity)
        except PrometheusDown:
            return {}
        begin, watches = self.reading.begin, self._replicas(series)
        silent = {target: growth((), watch, begin) for target, watch in watches.items()}
        grown: dict[Labels, list[list[Growth]]] = {}
        for each in series:
            of_series = growth(each.samples, self._watch(each), begin)
            grown.setdefault(_values(each, tuple(by)), []).append(of_series)
        for labels, targets in _targets_by_labels(series, tuple(by)).items():
            grown[labels] += [by for target, by in silent.items() if target not in targets]
        return grown

    def _replicas(self, series: Iterable[Series]) -> dict[Target, Watch]:
        """Return the targets that could have a series: all of the jobs that have any."""
        jobs = {each.target[0] for each in series}
        return {
            target: watch for target, watch in self.watches.items() if not jobs or target[0] in jobs
        }

    def _series(self, quantity: str) -> list[Series]:
        """Read a quantity's raw samples. Raises PrometheusDown where there are none."""
        if self.reading.down:
            raise PrometheusDown(self.reading.down)
        try:
            return _read_series(self.folder / f"quantity-{quantity}.json")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PrometheusDown("Prometheus was not read after the run") from error

    def _increase(self, series: Series) -> Figure:
        return increase(series.samples, self._watch(series), self.reading.begin, self.reading.end)

    def _watch(self, series: Series) -> Watch:
        return self.watches.get(series.target, Watch(fresh=self.reading.fresh))


def read_prometheus(folder: RunFolder) -> PrometheusEvidence:
    """Read what a run took from Prometheus; what is missing is said by the figures."""
    path = folder.witnesses / "prometheus"
    try:
        reading = Reading(**json.loads((path / f"{_READING}.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return PrometheusEvidence(Reading(down="Prometheus was not read"), {}, path)
    return PrometheusEvidence(reading, _read_watches(path, reading.fresh), path)


def _read_watches(path: Path, fresh: bool) -> dict[Target, Watch]:
    try:
        ups, births = _read_by_target(path, _UP), _read_by_target(path, _BIRTHS)
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    durations = _read_durations(path)
    return {
        target: Watch(samples, births.get(target, ()), fresh, durations.get(target, ()))
        for target, samples in ups.items()
    }


def _read_durations(path: Path) -> dict[Target, tuple[Sample, ...]]:
    """They sharpen a figure: without them a scrape counts as answered when it began."""
    try:
        return _read_by_target(path, _DURATIONS)
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _read_by_target(path: Path, name: str) -> dict[Target, tuple[Sample, ...]]:
    return {each.target: each.samples for each in _read_series(path / f"{name}.json")}


def _read_series(path: Path) -> list[Series]:
    return series_of(json.loads(path.read_bytes())["data"]["result"])


def _targets_by_labels(series: Iterable[Series], by: Labels) -> dict[Labels, set[Target]]:
    targets: dict[Labels, set[Target]] = {}
    for each in series:
        targets.setdefault(_values(each, by), set()).add(each.target)
    return targets


def _values(series: Series, labels: Labels) -> Labels:
    return tuple(series.labels.get(label, "") for label in labels)


def _is_watched_or_down(ups: Iterable[Sample], end: float) -> bool:
    after = [up for at, up in ups if at > end]
    return after.count(1.0) >= QUIET_SCRAPES or after[-_FAILED_SCRAPES:] == [0.0] * _FAILED_SCRAPES


def _is_settled(samples: tuple[Sample, ...], end: float) -> bool:
    """A series that ended before the last answer, with its target, does not move either."""
    return is_quiet(samples, end) or not any(at > end for at, _ in samples)


def _wait(deadline: float, is_so: Callable[[], bool]) -> None:
    while not is_so() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
