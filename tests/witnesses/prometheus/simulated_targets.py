"""A simulation of processes that count and restart, and of a Prometheus that scrapes them.

It shares no code with what it tests: the truth is the sum of the counts, each with its moment.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path

from scenarios.evidence.run_folder import RunFolder
from witnesses.figure import Figure
from witnesses.prometheus.collection import CollectionRecord
from witnesses.prometheus.increase import increase
from witnesses.prometheus.reading import PrometheusReading, read_prometheus
from witnesses.prometheus.samples import Sample, ScrapeLog, Target

BEGIN = 1_000.0
JOB = "shop"
QUIET = 3
STATUSES = ("200", "201")

Name = tuple[str, str]
LabelledSamples = tuple[dict[str, str], Sequence[Sample]]


class Clock(Enum):
    """How a process shows its start time."""

    TICKS = "to the tick, but up to a second too early"
    SECONDS = "in whole seconds, rounded down"
    NONE = "not at all"

    def shows(self, started: float) -> float:
        """Return the start time that a process shows that was started then."""
        return float(math.floor(started)) if self is Clock.SECONDS else started - 0.6


@dataclass(frozen=True)
class Count:
    """A process counts at a moment on one series: a key, and a label that is summed over."""

    at: float
    key: str
    amount: int
    status: str = "200"

    @property
    def name(self) -> Name:
        return self.key, self.status


@dataclass(frozen=True)
class Life:
    """One process. `eager` shows all its series at zero, others only once they have counted."""

    started: float
    died: float = math.inf
    eager: bool = False

    def spans(self, since: float, until: float) -> bool:
        return self.started <= since and until < self.died


@dataclass(frozen=True)
class Attempt:
    """A scrape: stamped when it begins, it shows what was counted until it is answered."""

    at: float
    took: float
    reached: bool = True

    @property
    def answered_at(self) -> float:
        return self.at + self.took


@dataclass(frozen=True)
class Shown:
    """What a successful scrape showed: which process, and its series' values."""

    attempt: Attempt
    life: Life
    values: dict[Name, float]


@dataclass(frozen=True)
class Replica:
    """One target: its processes, what they counted, and when Prometheus tried to scrape it."""

    number: int
    clock: Clock
    lives: Sequence[Life]
    counts: Sequence[Count]
    attempts: Sequence[Attempt]

    @property
    def target(self) -> Target:
        return JOB, f"shop:{self.number}"

    def counted(self) -> Iterator[Count]:
        """Yield the counts that a living process made."""
        return (
            each for each in self.counts if any(life.spans(each.at, each.at) for life in self.lives)
        )

    def grown(self, series: Name, since: float, until: float) -> float:
        """Return the true increase of a series."""
        return sum(c.amount for c in self.counted() if c.name == series and since < c.at <= until)

    def shown(self) -> list[Shown]:
        """Return what each successful scrape showed."""
        return [
            Shown(attempt, life, self._values(life, attempt.answered_at))
            for attempt in self.attempts
            for life in self.lives
            if attempt.reached and life.spans(attempt.at, attempt.answered_at)
        ]

    def _values(self, life: Life, at: float) -> dict[Name, float]:
        values: dict[Name, float] = {}
        for count in self.counts:
            if life.spans(count.at, count.at) and (life.eager or count.at <= at):
                values.setdefault(count.name, 0.0)
                values[count.name] += count.amount if count.at <= at else 0
        return values


@dataclass(frozen=True)
class World:
    """All replicas of a service during one run, which lasts from BEGIN to `end`."""

    replicas: Sequence[Replica]
    end: float
    read_at: float
    interval: float
    fresh: bool
    keys: Sequence[str] = ("tea", "coffee")
    _shown: dict[int, list[Shown]] = field(default_factory=dict, repr=False)

    def shown(self, replica: Replica) -> list[Shown]:
        """Return what a replica showed within the window that is read back."""
        if replica.number not in self._shown:
            seen = [each for each in replica.shown() if self._is_read(each.attempt)]
            self._shown[replica.number] = seen
        return self._shown[replica.number]

    def read(
        self, folder: Path, ends: Sequence[float] = (), overlap_s: float = 0.0
    ) -> PrometheusReading:
        """Write what Prometheus would answer, and read it as the harness does.

        `ends` are where one window of time ends and the next begins, as much earlier as they
        overlap; without any there is one file without a number.
        """
        windows = [*ends, math.inf] if ends else []
        collection = CollectionRecord(
            self.fresh, BEGIN, self.end, self.read_at, 0.0, self.interval,
            windows=[min(end, self.read_at) for end in windows],
        )  # fmt: skip
        path = folder / "evidence" / "witnesses" / "prometheus"
        path.mkdir(parents=True, exist_ok=True)
        (path / "collection.json").write_text(json.dumps(asdict(collection)), encoding="utf-8")
        for name, series in self._answers().items():
            since = -math.inf
            for number, end in enumerate(windows or [math.inf], 1):
                file = f"{name}-{number:04}.json" if windows else f"{name}.json"
                (path / file).write_text(_matrix(series, since, end), encoding="utf-8")
                since = end - overlap_s
        return read_prometheus(RunFolder(folder))

    def increases(self) -> list[tuple[str, Figure]]:
        """Return the figure of each series, by its key, if it is read in one piece."""
        scrape_logs = {each.target: self._scrape_log(each) for each in self._known()}
        return [
            (
                str(labels["kind"]),
                increase(samples, scrape_logs[labels["job"], labels["instance"]], BEGIN, self.end),
            )
            for labels, samples in sorted(self._series(), key=lambda series: str(series[0]))
        ]

    def stamps(self) -> list[float]:
        """Return when scrapes began, of all targets, in order."""
        return sorted(each.at for replica in self.replicas for each in replica.attempts)

    def truth(self, key: str) -> float:
        """Return what was counted since the first request, up to each target's last scrape."""
        return self._grown(key, [self._last_seen(each) for each in self._known()])

    def truth_within(self, key: str, since: float, until: float) -> float:
        """Return what was counted between two instants and seen by some scrape."""
        return sum(
            replica.grown((key, status), since, min(until, self._last_seen(replica)))
            for replica in self._known()
            for status in STATUSES
        )

    def truth_at_rest(self, key: str) -> float | None:
        """Return the truth if it stood still over each target's last scrapes, else None."""
        seen = [self._seen_after(each) for each in self._known()]
        if any(len(each) < QUIET for each in seen):
            return None
        first = self._grown(key, [each[-QUIET].attempt.answered_at for each in seen])
        return first if first == self.truth(key) else None

    def truth_late(self, key: str, grace_s: float) -> float:
        """Return what was counted after the first scrape begun so long after the end."""
        late = 0.0
        for each in self._known():
            seen = [s for s in self.shown(each) if s.attempt.at >= self.end + grace_s]
            late += sum(
                each.grown((key, status), seen[0].attempt.answered_at, self._last_seen(each))
                for status in STATUSES
                if seen
            )
        return late

    def is_undecidable(self) -> bool:
        """Whether a restart left no trace, since no start time is shown that could reveal it."""
        return any(each.clock is Clock.NONE and len(each.lives) > 1 for each in self.replicas)

    def _known(self) -> list[Replica]:
        """Of a target that was not tried to be scraped at all, Prometheus knows nothing."""
        return [each for each in self.replicas if any(map(self._is_read, each.attempts))]

    def _grown(self, key: str, untils: Sequence[float]) -> float:
        return sum(
            replica.grown((key, status), self._since(replica, (key, status)), until)
            for replica, until in zip(self._known(), untils, strict=True)
            for status in STATUSES
        )

    def _since(self, replica: Replica, series: Name) -> float:
        """Return since when a count is the run's.

        What moves unseen after standing still over the last two scrapes (or since a fresh start)
        cannot be distinguished from the run's own: it is included.
        """
        seen = [each for each in self.shown(replica) if each.attempt.answered_at <= BEGIN]
        values = [each.values.get(series, 0.0) for each in seen]
        last = [*([0.0] if self.fresh else []), *values][-2:]
        if len(set(last)) != 1 or len(last) < (1 if self.fresh else 2):
            return BEGIN
        tried = [each for each in replica.attempts if each.answered_at <= BEGIN]
        if not self.fresh and seen[-1].attempt != tried[-1]:
            return BEGIN
        return seen[-1].attempt.answered_at if seen else -math.inf

    def _seen_after(self, replica: Replica) -> list[Shown]:
        return [each for each in self.shown(replica) if each.attempt.at > self.end]

    def _last_seen(self, replica: Replica) -> float:
        return max((each.attempt.answered_at for each in self.shown(replica)), default=-math.inf)

    def _scrape_log(self, replica: Replica) -> ScrapeLog:
        seen = self.shown(replica)
        reached = {each.attempt.at for each in seen}
        attempts = [each for each in replica.attempts if self._is_read(each)]
        has_start_time = replica.clock is not Clock.NONE
        start_times = [
            (each.attempt.at, replica.clock.shows(each.life.started))
            for each in seen
            if has_start_time
        ]
        ups = [(each.at, float(each.at in reached)) for each in attempts]
        return ScrapeLog(ups, start_times, self.fresh, [(each.at, each.took) for each in attempts])

    def _is_read(self, attempt: Attempt) -> bool:
        since = math.floor(BEGIN - 3 * self.interval) - 1
        return since < attempt.at and attempt.answered_at <= self.read_at

    def _answers(self) -> dict[str, list[LabelledSamples]]:
        scrape_logs = [
            ({"job": each.target[0], "instance": each.target[1]}, self._scrape_log(each))
            for each in self._known()
        ]
        return {
            "up": [(labels, scrape_log.ups) for labels, scrape_log in scrape_logs],
            "start_times": [
                (labels, scrape_log.start_times)
                for labels, scrape_log in scrape_logs
                if scrape_log.start_times
            ],
            "durations": [(labels, scrape_log.durations) for labels, scrape_log in scrape_logs],
            "quantity-uses": list(self._series()),
        }

    def _series(self) -> Iterator[LabelledSamples]:
        for replica in self.replicas:
            samples: dict[Name, list[Sample]] = {}
            for each in self.shown(replica):
                for series, value in each.values.items():
                    samples.setdefault(series, []).append((each.attempt.at, value))
            job, instance = replica.target
            for (key, status), values in samples.items():
                labels = {"job": job, "instance": instance, "kind": key, "status": status}
                yield labels, values


def _matrix(series: Sequence[LabelledSamples], since: float, until: float) -> str:
    result = [
        {"metric": labels, "values": values}
        for labels, samples in series
        if (values := [[at, str(value)] for at, value in samples if since < at <= until])
    ]
    return json.dumps({"status": "success", "data": {"result": result}})
