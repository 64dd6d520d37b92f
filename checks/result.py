"""What did judging a run find out? The one object that every rendering and the exit code use."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter

from checks.history.entry import Entry
from checks.verdict import Verdict, worst

SCHEMA_VERSION = 1


class Kind(StrEnum):
    """The kind of question that a finding answers; one JUnit suite each, in this order."""

    HEALTH = "health"
    AVAILABILITY = "availability"
    FLOW = "flow"
    SUCCESS = "success"
    LATENCY = "latency"
    USAGE = "usage"
    PROMQL = "promql"
    VALIDITY = "validity"


class Code(StrEnum):
    """Why the witnesses of a quantity differ, in one fixed word each (docs/glossary.md)."""

    LOST_COUNT = "LOST_COUNT"
    LOST_ROW = "LOST_ROW"
    DOUBLE_COUNT = "DOUBLE_COUNT"
    EXTRA_ROW = "EXTRA_ROW"
    WRONG_LABEL = "WRONG_LABEL"
    UNBOUNDED_LABEL = "UNBOUNDED_LABEL"
    NOT_DONE = "NOT_DONE"
    LATE = "LATE"
    IN_DOUBT = "IN_DOUBT"
    SCRAPE_GAP = "SCRAPE_GAP"
    COUNTER_RESET = "COUNTER_RESET"
    SPLIT_COUNTER = "SPLIT_COUNTER"
    FOREIGN_TRAFFIC = "FOREIGN_TRAFFIC"
    WITNESS_DOWN = "WITNESS_DOWN"
    MISMATCH = "MISMATCH"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says. `expected` and `observed` are words with units."""

    check: str
    kind: Kind
    verdict: Verdict
    expected: str
    observed: str
    detail: str = ""
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class ClientFigure:
    """The ledger's count: at least `confirmed`, at most `confirmed + in_doubt`."""

    confirmed: int
    in_doubt: int


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One quantity under one set of labels, as each witness counted it.

    A figure of None was not measured, or not asked for; `remarks` says, by witness, why a figure
    is missing or is a lower bound only. `asked` names the witnesses that the scenario asks for.
    `settled` is how much of what was in doubt the database's trace ids show as done and as not;
    `missing` and `surplus` name requests whose rows are too few or too many, the first twenty.
    `since` is when the first scrape began that shows Prometheus' difference, where one does.
    """

    quantity: str
    labels: dict[str, str]
    client: ClientFigure
    service: float | None
    prometheus: float | None
    database: float | None
    verdict: Verdict
    detail: str = ""
    code: Code | None = None
    asked: tuple[str, ...] = ()
    remarks: dict[str, str] = field(default_factory=dict)
    since: datetime | None = None
    settled: tuple[int, int] | None = None
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()

    @property
    def label_values(self) -> tuple[str, ...]:
        """Its label values, by which the ledger and the witnesses' figures are keyed."""
        return tuple(self.labels.values())


@dataclass(frozen=True, slots=True)
class Objective:
    """A latency limit on one percentile of one step. `over` may be a range: [over_low, over_high].

    `allowed` is the largest number of values over the limit with which the percentile still meets
    it. `proven` is true when the verdict holds with 95 % confidence (binomial).
    """

    percentile: float
    limit_s: float
    measured_s: float
    low_s: float | None
    high_s: float | None
    over_low: int
    over_high: int
    allowed: int
    proven: bool
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """Response times of one step in seconds: order statistics of every unrounded value.

    `p95_low` and `p95_high` bound the p95 with 95 % confidence; None where the sample is too small
    to bound it on that side. `over_target` counts values over the p95 limit, or None without one.
    `unanswered` values are times until giving up, so lower bounds.
    """

    step: str
    count: int
    unanswered: int
    p50: float
    p95: float
    p99: float
    max: float
    p95_low: float | None
    p95_high: float | None
    over_target: int | None
    objectives: tuple[Objective, ...] = ()


@dataclass(frozen=True, slots=True)
class Phase:
    """One profile as it was driven. Times are UTC; `counts` is the ledger's part by quantity.

    `planned_counts` is what the scheduled iterations should have moved; `model` is closed or open.
    `measured` of the completed iterations were due in the measured window, `elapsed_s` long.
    """

    profile: str
    started_at: datetime
    finished_at: datetime
    users: int
    scheduled: int
    completed: int
    dropped: int
    exchanges: dict[str, int]
    elapsed_s: float
    counts: dict[str, ClientFigure]
    planned_counts: dict[str, int]
    model: str = "closed"
    measured: int | None = None


@dataclass(frozen=True, slots=True)
class StepTiming:
    """One bar of the waterfall: a step of the median iteration, seconds from its start."""

    step: str
    start_s: float
    duration_s: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A group of exchanges of one step that failed alike, with one of them to repeat.

    `repeat` is a curl command in which the token stands as $TOKEN. Times are UTC.
    """

    step: str
    outcome: str
    reason: str
    count: int
    first_at: datetime
    last_at: datetime
    trace_id: str
    repeat: str
    answer_head: str


@dataclass(frozen=True, slots=True)
class GeneratorWorker:
    """How one process of the load generator fared; `dropped` could not be begun in time."""

    name: str
    cpu_ratio: float | None
    lag_p99_s: float | None
    loop_delay_max_s: float | None
    memory_bytes: int | None
    started: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Generator:
    """How the load generator itself fared: its worst worker, and each. Seconds; CPU of one core."""

    cpu_ratio: float | None
    lag_p99_s: float | None
    loop_delay_max_s: float | None
    clock_skew_s: float | None
    memory_bytes: int | None = None
    workers: tuple[GeneratorWorker, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """A time in which a service was away; `ended_at` is None while it lasts. Times are UTC.

    Both ends together are uncertain by `uncertain_s` either way: they lie between two probes.
    """

    began_at: datetime
    ended_at: datetime | None
    lasted_s: float | None
    uncertain_s: float
    trouble: str
    failed: int


@dataclass(frozen=True, slots=True)
class AvailabilityRow:
    """For how long a service was there, of a watch. Ratios from 0 to 1, else seconds.

    `ratio` is of the time watched; `low_ratio` takes every doubt against the service, `high_ratio`
    for it. `budget_s` is what the objective allows it to be away.
    """

    service: str
    objective_ratio: float
    ratio: float | None
    low_ratio: float | None
    high_ratio: float | None
    watched_s: float
    unwatched_s: float
    down_s: float
    down_low_s: float
    down_high_s: float
    budget_s: float
    probes: int
    failed: int
    incidents: tuple[Incident, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that was found out about one run; `result.json` is this, version 1.

    Latency is of the last phase, usage of the whole run. Times are UTC. `machine` is where the load
    was generated; `history` has earlier runs that this one can be compared with, oldest first.
    """

    run_id: str
    verdict: Verdict
    environment: str
    scenario: str
    profile: str
    started_at: datetime
    finished_at: datetime
    findings: tuple[Finding, ...]
    usage: tuple[UsageRow, ...]
    latency: tuple[LatencyRow, ...]
    generator: Generator
    versions: dict[str, str]
    phases: tuple[Phase, ...] = ()
    waterfall: tuple[StepTiming, ...] = ()
    failures: tuple[Failure, ...] = ()
    partial: bool = False
    repeat: str = ""
    services: dict[str, str] = field(default_factory=dict)
    scenario_sha256: str = ""
    fault: str | None = None
    machine: str = ""
    history: tuple[Entry, ...] = ()
    availability: tuple[AvailabilityRow, ...] = ()
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one module of the suite contributes to the result."""

    findings: tuple[Finding, ...] = ()
    usage: tuple[UsageRow, ...] = ()
    latency: tuple[LatencyRow, ...] = ()
    availability: tuple[AvailabilityRow, ...] = ()


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """Return the verdict of a set of findings: the worst of them."""
    return worst(finding.verdict for finding in findings)


_RESULT = TypeAdapter(Result)


def to_json(result: Result) -> str:
    """Render the public document, indented, keys in the order of the types."""
    return _RESULT.dump_json(result, indent=2).decode()


def read_result(path: Path) -> Result:
    """Read a `result.json`. Raises OSError or pydantic.ValidationError."""
    return _RESULT.validate_json(path.read_bytes())
