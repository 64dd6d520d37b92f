"""The result of a run: the one object that every rendering and the exit code use."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import inf

from checks.history.entry import Entry
from checks.observations import (
    Deployment,
    Failure,
    Generator,
    QuantityOrigin,
    StepTiming,
    StreamEvents,
)
from checks.service_levels import AvailabilityRow, LatencyRow, ServerLatencyRow
from checks.verdict import Verdict, worst
from scenarios.evidence.run_folder import Interruption
from scenarios.language.identifiers import slug
from witnesses.figure import Amount, Figure, size_of

SCHEMA_VERSION = 2


class Kind(StrEnum):
    """The kind of a check; one JUnit suite each, in this order."""

    HEALTH = "health"
    AVAILABILITY = "availability"
    FLOW = "flow"
    SUCCESS = "success"
    LATENCY = "latency"
    SERVER_LATENCY = "server_latency"
    THROUGHPUT = "throughput"
    USAGE = "usage"
    PROMQL = "promql"
    VALIDITY = "validity"


class Code(StrEnum):
    """Why the witnesses of a quantity differ, in one fixed word each (docs/glossary.md)."""

    LOST_COUNT = "LOST_COUNT"
    LOST_ROW = "LOST_ROW"
    DOUBLE_COUNT = "DOUBLE_COUNT"
    EXTRA_ROW = "EXTRA_ROW"
    LOST_EVENT = "LOST_EVENT"
    DOUBLE_EVENT = "DOUBLE_EVENT"
    AFTER_HANG_UP = "AFTER_HANG_UP"
    COUNTED_THOUGH_REJECTED = "COUNTED_THOUGH_REJECTED"
    WRONG_LABEL = "WRONG_LABEL"
    UNBOUNDED_LABEL = "UNBOUNDED_LABEL"
    NOT_DONE = "NOT_DONE"
    LATE = "LATE"
    IN_DOUBT = "IN_DOUBT"
    NOTHING_COUNTED = "NOTHING_COUNTED"
    SCRAPE_GAP = "SCRAPE_GAP"
    COUNTER_RESET = "COUNTER_RESET"
    SPLIT_COUNTER = "SPLIT_COUNTER"
    FOREIGN_TRAFFIC = "FOREIGN_TRAFFIC"
    WITNESS_DOWN = "WITNESS_DOWN"
    FEW_WITNESSES = "FEW_WITNESSES"
    MISMATCH = "MISMATCH"
    NOT_ASKED = "NOT_ASKED"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    `id` is its key everywhere, as in `latency/execute-workflow/p95`; it is the same in every run.
    `title`, `expected`, `observed` and `detail` are for people, with units. `reason` is the cause
    in a few words, for a headline, where title and observed do not show it.
    """

    id: str
    title: str
    kind: Kind
    verdict: Verdict
    expected: str
    observed: str
    detail: str = ""
    code: Code | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ClientFigure:
    """The ledger's count: at least `confirmed`, at most `confirmed + in_doubt`.

    `is_partial` means that exchanges are missing, so that it may be any amount more. So may it be
    where it `is_unbounded`: a request is in doubt that has no upper bound (`at_most`). With
    `is_at_least`, the scenario allows for more. `after_hang_up` is the part of what is in doubt
    that the scenario leaves open where the client hangs up.
    """

    confirmed: Amount
    in_doubt: Amount
    is_partial: bool = False
    is_unbounded: bool = False
    is_at_least: bool = False
    after_hang_up: Amount = 0

    @property
    def most(self) -> Amount:
        """The most that was counted, if no exchange is missing."""
        is_open = self.is_unbounded or self.is_at_least
        return inf if is_open else self.confirmed + self.in_doubt

    @property
    def is_in_doubt(self) -> bool:
        """Whether any of it is in doubt."""
        return bool(self.in_doubt) or self.is_unbounded

    def distance_to(self, figure: Figure) -> Amount | None:
        """Return by how much a witness's figure is above (below: negative) what is possible.

        None where it is not exact and contradicts nothing.

        >>> [ClientFigure(7, 2).distance_to(Figure.exact(count)) for count in (6, 8, 10)]
        [-1, 0.0, 1]
        """
        if figure.low is not None and figure.low > self.most:
            return figure.low - self.most
        if figure.high is not None and figure.high < self.confirmed:
            return figure.high - self.confirmed
        return 0.0 if figure.is_exact else None

    def __add__(self, other: "ClientFigure") -> "ClientFigure":
        """Add count by count; a sum is partial if a part of it is."""
        return ClientFigure(
            self.confirmed + other.confirmed,
            self.in_doubt + other.in_doubt,
            self.is_partial or other.is_partial,
            self.is_unbounded or other.is_unbounded,
            self.is_at_least or other.is_at_least,
            self.after_hang_up + other.after_hang_up,
        )


NOTHING_COUNTED = ClientFigure(0, 0)


@dataclass(frozen=True, slots=True)
class ResolvedDoubt:
    """How much of what was in doubt the database's trace ids show as done, and as not done."""

    done: Amount
    not_done: Amount


@dataclass(frozen=True, slots=True)
class RecordGap:
    """Requests whose records are fewer or more than promised: how many, the first ids of them.

    `after_hang_up` is the number of those with more in which the client hung up. `rejected` are
    those that promised none, and have records. `made_up_for` is the number of those with fewer for
    which records that belong to no request may make up. `first_missing_at` is when the first of the
    missing was sent, UTC.
    """

    missing: int = 0
    missing_ids: tuple[str, ...] = ()
    surplus: int = 0
    surplus_ids: tuple[str, ...] = ()
    after_hang_up: int = 0
    rejected: int = 0
    rejected_ids: tuple[str, ...] = ()
    made_up_for: int = 0
    first_missing_at: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Whether each request has all the records that it promised."""
        return not self.missing and not self.made_up_for


@dataclass(frozen=True, slots=True)
class Misplaced:
    """An amount that a counter has under other labels than it should.

    `found_under` are the label sets that have more than was done under them, with how much more;
    `missing_under` those that have less, with how much less. `instead` is a label with the value
    that it has in place of the selected one.
    """

    amount: Amount
    found_under: tuple[tuple[tuple[str, ...], Amount], ...] = ()
    missing_under: tuple[tuple[tuple[str, ...], Amount], ...] = ()
    instead: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One quantity under one set of labels, as each witness counted it.

    `figures` are by witness, in the order of the columns; a witness that is not asked is not there.
    Amounts are in `unit`, and were compared as multiples of `resolution`. `has_other_traffic` means
    that others may count on it too. `since` is when the first scrape began that shows a difference
    of Prometheus. Where more was counted than was done, `hang_ups` is in how many requests that
    count the quantity the client hung up, and `rejections` is how many of them were rejected.
    `least_witnesses` must agree, the client among them, where the scenario demands a number.
    """

    quantity: str
    labels: dict[str, str]
    client: ClientFigure
    figures: dict[str, Figure]
    verdict: Verdict
    code: Code | None = None
    has_other_traffic: bool = False
    since: datetime | None = None
    resolved: ResolvedDoubt | None = None
    records: RecordGap | None = None
    misplaced: Misplaced | None = None
    unit: str = ""
    resolution: Amount = 1
    hang_ups: int = 0
    rejections: int = 0
    least_witnesses: int | None = None

    @property
    def label_values(self) -> tuple[str, ...]:
        """Its label values, by which the ledger and the witnesses' figures are keyed."""
        return tuple(self.labels.values())

    @property
    def worst_distance(self) -> Amount | None:
        """The largest distance of a witness from the client, or None where none is known."""
        distances = (self.client.distance_to(figure) for figure in self.figures.values())
        known = (each for each in distances if each is not None)
        return max(known, key=size_of, default=None)


@dataclass(frozen=True, slots=True)
class RelationSums:
    """What one witness has of each quantity of a relation, over all labels."""

    figures: tuple[Figure, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class RelationRow:
    """Quantities that each witness must have in equal amounts; `sums` are by witness."""

    name: str
    equal: tuple[str, ...]
    sums: dict[str, RelationSums]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Phase:
    """One profile as it was driven. Times are UTC; `counts` is the ledger's part by quantity.

    `planned_counts` is what the scheduled iterations should have moved, where that is known.
    `model` is closed or open. `measured` of the completed iterations were due in the measured
    window, `elapsed_s` long. Of the scheduled iterations, `begun` were started; `not_started` were
    left when the load was stopped. `target_rate_per_s` is the highest of an open model, `seed` that
    of random arrivals.
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
    planned_counts: dict[str, Amount]
    model: str = "closed"
    target_rate_per_s: float | None = None
    seed: int | None = None
    measured: int | None = None
    begun: int = 0
    not_started: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one run; `result.json` is this, version 2.

    Latency is of the last phase, usage of the whole run. Times are UTC. `interruption` is where and
    why the run ended early; a watch before its end is `partial` without one. `machine` generated
    the load; `history` has comparable earlier runs, oldest first. `trace_link` is the address of a
    trace, with `{trace_id}` for its id. `origins` are where quantities are counted. `rests_on` are
    the witnesses of each quantity that passes, the client first.
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
    interruption: Interruption | None = None
    repeat: str = ""
    services: dict[str, str] = field(default_factory=dict)
    scenario_sha256: str = ""
    fault: str | None = None
    machine: str = ""
    history: tuple[Entry, ...] = ()
    server_latency: tuple[ServerLatencyRow, ...] = ()
    availability: tuple[AvailabilityRow, ...] = ()
    trace_link: str = ""
    origins: tuple[QuantityOrigin, ...] = ()
    relations: tuple[RelationRow, ...] = ()
    streams: tuple[StreamEvents, ...] = ()
    deployment: Deployment = field(default_factory=Deployment)
    rests_on: dict[str, tuple[str, ...]] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION


def finding_id(*parts: str) -> str:
    """Return the id of a finding: the slugs of its parts.

    >>> finding_id("latency", "execute workflow", "p95")
    'latency/execute-workflow/p95'
    """
    return "/".join(slug(part) for part in parts)


RUN_COMPLETE = finding_id("validity", "run-complete")
LOCAL_STACK = finding_id("validity", "local-stack")
NOT_SATURATED = finding_id("validity", "generator-not-saturated")


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """Return the verdict of a set of findings: the worst of them."""
    return worst(finding.verdict for finding in findings)
