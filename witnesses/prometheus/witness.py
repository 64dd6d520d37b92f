"""What does Prometheus say? Its raw samples, one query a quantity and window, after two barriers.

Before the first request: every target scraped twice, or every process new. After the last answer:
every target scraped, and the figures unchanged over two further scrapes.
"""

import json
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import TypeVar

from scenarios.evidence.run_folder import RunFolder
from witnesses.figure import Figure, Figures, Labels, no_data, summed
from witnesses.prometheus.accumulator import Course, Fold
from witnesses.prometheus.client import PrometheusDown, PrometheusQueries, job_matcher
from witnesses.prometheus.increase import QUIET_SCRAPES, Growth, zero_of
from witnesses.prometheus.sample_collector import Rest, Taking
from witnesses.prometheus.samples import Sample, Series, Target, Watch, read_series
from witnesses.prometheus.windows import UP, Targets, Windows

_READING = "reading"

_Said = TypeVar("_Said")

_POLL_S = 0.05
_DISCOVERY_S = 7.0
_USUAL_INTERVAL_S = 15.0
_PATIENCE_S = 3.0
_PATIENCE_SCRAPES = 8
_SCRAPES_BEFORE = 2
_FAILED_SCRAPES = 2
_CLOCK_MARGIN_S = 0.01
_NEXT_SCRAPE_RATIO = 1.25


@dataclass(frozen=True, slots=True)
class Reading:
    """When Prometheus was read, on its own clock (epoch seconds), or why it could not be.

    `begin` is before the first request, `end` after the last answer, `at` the evaluation time of
    the raw samples. `skew_s` is Prometheus' clock minus ours. `fresh` tells that every service was
    started for this run. `windows` are the ends of the windows in which the samples were read.
    """

    fresh: bool = False
    begin: float = 0.0
    end: float = 0.0
    at: float = 0.0
    skew_s: float = 0.0
    interval_s: float = 0.0
    down: str = ""
    windows: Sequence[float] = ()

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
        self._targets = job_matcher(self._jobs)
        self._taking: Taking | None = None
        self._rest = Rest(False, 0.0)
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

    def close(
        self,
        last_answer_at: float,
        selectors: Mapping[str, str],
        settles_s: Mapping[str, float] | None = None,
        restless: Collection[str] = (),
    ) -> None:
        """Wait until the figures have settled, and take the raw samples of each selector.

        `last_answer_at` is on our clock, in epoch seconds. `settles_s` says by name how long after
        it a quantity may still be counted: whether it rests is judged after that. Those of
        `restless` others count on all the time: they are not waited for.
        """
        end = last_answer_at + self.reading.skew_s + _CLOCK_MARGIN_S
        settled_at = end + max((settles_s or {}).values(), default=0.0)
        self.reading = replace(self.reading, end=end, at=self._now())
        try:
            deadline = self._deadline() + max(0.0, settled_at - self._now())
            _wait(deadline, lambda: self._scraped_after(settled_at))
            self._learn_pace()
            self._taking = self._new_taking(selectors, restless)
            self._taking.take_until(end)
            self._rest = self._take_at_scrapes(deadline, lambda rest: rest.is_still)
        except PrometheusDown as error:
            self.reading = replace(self.reading, down=str(error))
        self._write_reading()

    def look_again(self) -> None:
        """Wait until the figures have moved and come to rest again, within a bound; take them all.

        The evidence then holds the scrapes of both looks. If Prometheus fails, the first stands.
        """
        if self.reading.down or self._taking is None:
            return
        before = self._rest
        try:
            self._taking.close_last()
            self._rest = self._take_at_scrapes(
                self._deadline(), lambda rest: rest.is_still and rest.total != before.total
            )
        except PrometheusDown:
            return
        self._write_reading()

    def ask(self, query: str) -> str:
        """Evaluate a query as of the reading; return the answer. Raises PrometheusDown."""
        if self.reading.down:
            raise PrometheusDown(self.reading.down)
        return self._queries.ask(query, self.reading.at).text

    def _learn_pace(self) -> None:
        """Of services started for the run nothing was scraped yet from which to learn it."""
        skew_s = self._queries.clock_skew_s()
        is_early = self.reading.fresh and not self.reading.begin
        intervals_s = self._queries.intervals_s(() if is_early else self._jobs)
        known_s = [(intervals_s or {}).get(job) for job in self._jobs]
        interval_s = max(filter(None, known_s), default=_USUAL_INTERVAL_S)
        self.reading = replace(self.reading, skew_s=skew_s, interval_s=interval_s)
        if intervals_s is not None and not self.reading.fresh:
            self._scraped = self._jobs & intervals_s.keys()

    def _new_taking(self, selectors: Mapping[str, str], restless: Collection[str]) -> Taking:
        """Reach back over two scrapes before the first request, and one to spare."""
        interval_s = self.reading.interval_s
        pace = self.reading.begin - 3 * interval_s - 1, interval_s
        return Taking(self._queries, self._folder, self._targets, selectors, pace, restless)

    def _take_at_scrapes(self, deadline: float, is_enough: Callable[[Rest], bool]) -> Rest:
        """Take the last window, once a scrape, until it is enough or the time is over."""
        rest = self._take_last()
        while not is_enough(rest) and time.monotonic() < deadline:
            _wait(deadline, partial(self._scraped_since, self.reading.at))
            rest = self._take_last()
        return rest

    def _take_last(self) -> Rest:
        if self._taking is None:
            raise PrometheusDown("Prometheus was not read after the run")
        at = round(self._now(), 3)
        rest = self._taking.take_last(at, self.reading.end)
        self.reading = replace(self.reading, at=at, windows=self._taking.ends)
        return rest

    def _scraped_since(self, at: float) -> bool:
        """Targets that vanished are not waited for."""
        if self._now() > at + _NEXT_SCRAPE_RATIO * self.reading.interval_s:
            return True
        return all(each.samples[-1][0] > at for each in self._ups() if each.samples)

    def _targets_known(self) -> bool:
        """A Prometheus that has just started knows no targets yet; one may also never have any."""
        self._learn_pace()
        return self._scraped >= self._jobs

    def _scraped_before(self) -> bool:
        ups = self._ups()
        return {each.target[0] for each in ups} >= self._scraped and all(
            [up for _, up in each.samples[-_SCRAPES_BEFORE:]] == [1.0] * _SCRAPES_BEFORE
            for each in ups
        )

    def _scraped_after(self, settled_at: float) -> bool:
        ups = self._ups()
        return {each.target[0] for each in ups} >= self._scraped and all(
            _is_watched_or_down(each.samples, settled_at) for each in ups
        )

    def _ups(self) -> list[Series]:
        """Return how each target was scraped of late; two may share job and instance."""
        window = f"{math.ceil(4 * self.reading.interval_s) + 1}s"
        answer = self._queries.ask(f"{UP}{self._targets}[{window}]", self._now())
        try:
            return read_series(answer.content)
        except ValueError as error:
            raise PrometheusDown("Prometheus does not answer with raw samples") from error

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

    def figures(
        self, quantity: str, by: Iterable[str], settle_s: float = 0.0, has_others: bool = False
    ) -> Figures:
        """Return the increases of a quantity by the values of its labels.

        What may be counted up to `settle_s` after the last answer is not late. Where others may
        count all the time, the increase is that of all.
        """
        reading = self.reading
        fold = Fold(tuple(by), reading.begin, reading.end, settle_s, has_others=has_others)
        try:
            self._read(quantity, fold)
        except PrometheusDown as error:
            return no_data(str(error))
        silent = {
            target: fold.figure(fold.silence(target), watch)
            for target, watch in self._replicas(fold).items()
        }
        of_series = ((each.labels, fold.figure(each, self._watch(each))) for each in fold.courses)
        told = {target: figure for target, figure in silent.items() if figure != Figure(0.0)}
        return Figures(
            summed(chain(of_series, _of_others(fold.courses, told))), zero_of(silent.values())
        )

    def growths(
        self, quantity: str, by: Iterable[str], only: Collection[Labels] | None = None
    ) -> dict[Labels, list[list[Growth]]]:
        """Return how a quantity grew, by the values of its labels: a list of scrapes a series.

        A target without the series is among them: it stayed at zero. `only` names the label values
        that are asked for: of a long run, every scrape of every series is more than memory holds.
        """
        fold = Fold(tuple(by), self.reading.begin, kept=only, keeps=True)
        try:
            self._read(quantity, fold)
        except PrometheusDown:
            return {}
        grown: dict[Labels, list[list[Growth]]] = {}
        for each in fold.courses:
            grown.setdefault(each.labels, []).append(fold.growth(each, self._watch(each)))
        silent = {
            target: fold.growth(fold.silence(target), watch)
            for target, watch in self._replicas(fold).items()
        }
        for labels, growth in _of_others(fold.courses, silent):
            grown[labels].append(growth)
        return grown

    def _replicas(self, fold: Fold) -> dict[Target, Watch]:
        """Return the targets that could have a series: all of the jobs that have any."""
        jobs = {target[0] for target in fold.targets}
        return {
            target: watch for target, watch in self.watches.items() if not jobs or target[0] in jobs
        }

    def _read(self, quantity: str, fold: Fold) -> None:
        """Read a quantity's raw samples. Raises PrometheusDown where they are not whole."""
        if self.reading.down:
            raise PrometheusDown(self.reading.down)
        windows = Windows(self.folder, len(self.reading.windows))
        targets = Targets(self.reading.begin, self.reading.end, self.reading.fresh)
        told = windows.read_told() if self.watches else repeat(None)
        try:
            of_quantity = windows.read_series(f"quantity-{quantity}")
            for series, of_targets in zip(of_quantity, told, strict=False):
                if of_targets:
                    targets.see(of_targets)
                fold.see(series, targets.by_name)
        except (OSError, ValueError) as error:
            raise PrometheusDown("Prometheus was not read after the run") from error

    def _watch(self, course: Course) -> Watch:
        return self.watches.get(course.target, Watch(fresh=self.reading.fresh))


def read_prometheus(folder: RunFolder) -> PrometheusEvidence:
    """Read what a run took from Prometheus; what is missing is said by the figures."""
    path = folder.witnesses / "prometheus"
    try:
        reading = Reading(**json.loads((path / f"{_READING}.json").read_bytes()))
        windows = Windows(path, len(reading.windows))
    except (OSError, ValueError, TypeError):
        return PrometheusEvidence(Reading(down="Prometheus was not read"), {}, path)
    return PrometheusEvidence(reading, _read_watches(windows, reading), path)


def _read_watches(windows: Windows, reading: Reading) -> dict[Target, Watch]:
    targets = Targets(reading.begin, reading.end, reading.fresh)
    try:
        for told in windows.read_told():
            targets.see(told)
    except (OSError, ValueError):
        return {}
    return {target: each.watch for target, each in sorted(targets.by_name.items())}


def _of_others(
    courses: Iterable[Course], silent: Mapping[Target, _Said]
) -> Iterator[tuple[Labels, _Said]]:
    """Yield what the targets without a series say of its labels: it stayed at zero there."""
    if not silent:
        return
    had: dict[Labels, set[Target]] = {}
    for each in courses:
        had.setdefault(each.labels, set()).add(each.target)
    for labels, targets in had.items():
        for target, said in silent.items():
            if target not in targets:
                yield labels, said


def _is_watched_or_down(ups: Iterable[Sample], end: float) -> bool:
    after = [up for at, up in ups if at > end]
    return after.count(1.0) >= QUIET_SCRAPES or after[-_FAILED_SCRAPES:] == [0.0] * _FAILED_SCRAPES


def _wait(deadline: float, is_so: Callable[[], bool]) -> None:
    while not is_so() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
