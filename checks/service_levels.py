"""Service levels in `result.json`: response times and availability, against their objectives."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from checks.verdict import Verdict
from witnesses.figure import Figure

P95 = 95.0


@dataclass(frozen=True, slots=True)
class Objective:
    """A latency limit on one percentile of one step. `over` may be a range: [over_low, over_high].

    `allowed` is the largest number of the `count` values over the limit with which the percentile
    still meets it. `low_s` and `high_s` bound the percentile with 95 % confidence; `proven` is true
    when both lie at or below the limit, or both above it. `judged` is false where so few values are
    over the limit that they prove nothing.
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
    count: int
    judged: bool = True


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """Response times of one step in seconds: order statistics of every unrounded value.

    `count` values were served or timed out; of these, `unanswered` are times until giving up, so
    lower bounds. `not_served` failed before: refused, or a connection that broke.
    `p95_low` and `p95_high` bound the p95 with 95 % confidence; None where the sample is too small
    to bound it on that side. `over_target` counts values over the p95 limit, or None without one.
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
    not_served: int = 0
    not_served_p95: float | None = None

    @property
    def p95_objective(self) -> Objective | None:
        """The strictest objective on the p95, if there is one."""
        limits = (each for each in self.objectives if each.percentile == P95)
        return min(limits, key=lambda each: each.limit_s, default=None)

    @property
    def p95_limit_s(self) -> float | None:
        """The strictest limit on the p95, if there is one."""
        return self.p95_objective.limit_s if self.p95_objective else None


@dataclass(frozen=True, slots=True)
class Incident:
    """A time in which a service was down; `ended_at` is None while it is. Times are UTC.

    Both ends together are uncertain by `uncertain_s` either way: they lie between two probes.
    """

    began_at: datetime
    ended_at: datetime | None
    duration_s: float | None
    uncertain_s: float
    error: str
    failed: int


@dataclass(frozen=True, slots=True)
class AvailabilityRow:
    """The availability of one service during a watch. Ratios from 0 to 1, else seconds.

    `ratio` is of the time watched; `low_ratio` takes every doubt against the service, `high_ratio`
    for it. `budget_s` is the downtime that the objective allows.
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


class Gap(StrEnum):
    """Why a histogram shows no share within a limit."""

    NO_SERIES = "no_series"
    SUMMARY = "summary"
    NO_TOTAL = "no_total"
    NOT_CUMULATIVE = "not_cumulative"
    NOTHING_TIMED = "nothing_timed"
    NOT_ALL_TIMED = "not_all_timed"
    UNBOUNDED = "unbounded"


@dataclass(frozen=True, slots=True)
class ServerShare:
    """The share within a limit that the histogram of one witness shows. Ratios from 0 to 1.

    The histogram has `timed` values. Of the `count` that are judged, `over_low` to `over_high`
    are over the limit. `below_s` and `above_s` are its edges around the limit, equal where it has
    one at the limit; None is infinity. With a `gap`, nothing is known. `edges_s` are all its edges.
    """

    timed: Figure
    count: int = 0
    over_low: int = 0
    over_high: int = 0
    below_s: float = 0.0
    above_s: float | None = None
    edges_s: tuple[float, ...] = ()
    gap: Gap | None = None

    @property
    def ratios(self) -> tuple[float, float]:
        """The share within the limit: at least, and at most."""
        if self.gap or not self.count:
            return 0.0, 1.0
        low, high = self.count - self.over_high, self.count - self.over_low
        return low / self.count, high / self.count


@dataclass(frozen=True, slots=True)
class ServerLatencyRow:
    """A limit on a percentile of a histogram, beside the share that the client saw.

    `shares` are by witness. `sent` requests of the `step` were served or timed out in the measured
    window, `client_ratio` of them within the limit; None without a step. `judged` and `proven` are
    those of a latency objective.
    """

    name: str
    histogram: str
    step: str | None
    labels: dict[str, str]
    percentile: float
    limit_s: float
    shares: dict[str, ServerShare]
    client_ratio: float | None
    sent: int | None
    verdict: Verdict
    judged: bool = True
    proven: bool = False
