"""What the history keeps of a run: figures and verdicts, no evidence."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from checks.verdict import Verdict
from witnesses.figure import Amount

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class StepEntry:
    """The percentiles of one step in seconds; the bounds of the p95 as in a `LatencyRow`.

    `p95_limit` is its strictest objective, if it has one.
    """

    count: Count
    p50: Seconds
    p95: Seconds
    p95_low: Seconds | None
    p95_high: Seconds | None
    p99: Seconds
    p95_limit: Seconds | None = None


@dataclass(frozen=True, slots=True)
class UsageEntry:
    """How many counts agree, how many differ, and how many could not be judged."""

    agree: Count
    differ: Count
    open: Count

    @property
    def total(self) -> int:
        """How many counts there are."""
        return self.agree + self.differ + self.open


@dataclass(frozen=True, slots=True)
class QuantityEntry:
    """One quantity: the worst verdict of its rows, and the largest distance of a witness.

    `distance` is a count, above (below: negative) the client's; None where none is known.
    """

    verdict: Verdict
    distance: Amount | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One run as it is remembered; a file of the history is this, version 2.

    `checks` has each finding's verdict by id, `latency` each step that was timed, `quantities` each
    one that was judged. `versions` are those of the result.
    `completed` and `scheduled` are iterations of the whole run. `machine` is the generator's
    fingerprint, "" where it is not known.
    """

    run_id: str
    started_at: AwareDatetime
    finished_at: AwareDatetime
    environment: str
    scenario: str
    scenario_sha256: str
    profile: str
    verdict: Verdict
    fault: str | None
    partial: bool
    machine: str
    checks: dict[str, Verdict]
    latency: dict[str, StepEntry]
    completed: Count
    scheduled: Count
    usage: UsageEntry
    quantities: dict[str, QuantityEntry] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    availability: Ratio | None = None
    schema_version: Literal[2] = 2
