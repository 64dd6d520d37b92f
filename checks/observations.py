"""What a result has besides its verdicts and figures: sources, timings, failures, generator."""

from dataclasses import dataclass, field
from datetime import datetime

from witnesses.model import Source


@dataclass(frozen=True, slots=True)
class QuantityOrigin:
    """Where the counts of one quantity come from: the steps that move it, its sources by witness.

    A step stands by its name, in the order of the flow.
    """

    quantity: str
    steps: tuple[str, ...]
    sources: dict[str, Source]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was measured, as far as it is known: versions by service, addresses by name.

    A version is what the health endpoint reports, or Prometheus of itself. `scrape_interval_s` is
    that of Prometheus, and `settling_s` how long settling takes by it, as the run announced; None
    where it is not known. `commit` is that of the scenario, or of the CI job.
    """

    service_versions: dict[str, str] = field(default_factory=dict)
    prometheus: str = ""
    scrape_interval_s: float | None = None
    databases: dict[str, str] = field(default_factory=dict)
    commit: str = ""
    prometheus_version: str = ""
    settling_s: float | None = None
    apis: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepTiming:
    """One bar of the waterfall: a step of the median iteration, seconds from its start."""

    step: str
    start_s: float
    duration_s: float
    outcome: str


@dataclass(frozen=True, slots=True)
class StreamEvents:
    """How many events the streams of one step had: in all, and each. Of these, some were `broken`.

    They are those of the measured window; `median` is the lower one of an even number.
    """

    step: str
    streams: int
    events: int
    fewest: int
    median: int
    most: int
    broken: int


@dataclass(frozen=True, slots=True)
class FailureSample:
    """One exchange that failed. `sent_at` is UTC; `status` is None without a response.

    `request` is its method and address, or "" where none took shape. `repeat` is a curl command in
    which a secret stands as its variable. `response_snippet` is the beginning of the body.
    """

    sent_at: datetime
    duration_s: float
    status: int | None
    reason: str
    trace_id: str
    request: str
    response_snippet: str
    repeat: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A group of exchanges of one step that failed alike, with some of them. Times are UTC.

    `count` are of this group, of the `step_count` exchanges that the step had in the whole run.
    """

    step: str
    outcome: str
    reason: str
    count: int
    step_count: int
    first_at: datetime
    last_at: datetime
    samples: tuple[FailureSample, ...]


@dataclass(frozen=True, slots=True)
class GeneratorWorker:
    """Figures of one process of the load generator; `dropped` iterations were not begun in time."""

    name: str
    cpu_ratio: float | None
    lag_p99_s: float | None
    loop_delay_max_s: float | None
    memory_bytes: int | None
    started: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Generator:
    """Figures of the load generator: its worst worker, and each. Seconds; CPU of one core."""

    cpu_ratio: float | None
    lag_p99_s: float | None
    loop_delay_max_s: float | None
    clock_skew_s: float | None
    memory_bytes: int | None = None
    workers: tuple[GeneratorWorker, ...] = ()
