"""The scenario file as pydantic models: every key, its type and its default.

What a single value must look like is checked here; how the parts fit together is checked in
`validation`.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from config.documents import StrictModel
from config.headers import FlowHeaders
from config.requirements import matches, requires
from config.units import Duration, Pause, Share
from scenarios.language.rates import RateOrRamp, RateStage, WrittenStage

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
ITERATION = "iteration"
USER_LIMIT = 10_000

_COMPARISON = re.compile(r"(>=|<=|==|!=|>|<)\s*(-?\d+(?:\.\d+)?)")
_MIN_MARGIN = 0.01
_DEFAULT_MAX_USERS = 100
_DEFAULT_MAX_DURATION_S = 600.0

Counts = TypeAliasType("Counts", "int | dict[str, Counts]")


_IS_NAME = matches(
    r"[a-z][a-z0-9_]*", "{0!r} is not a name; use lower-case letters, digits and underscores"
)
_IS_REQUEST = matches(
    rf"({'|'.join(METHODS)})\s+([\w.-]+)\s+(/\S.*|/)",
    "{0!r} is not a request; write METHOD service /path, as in POST cards /api/v1/cards",
)
_IS_COMPARISON = requires(
    _COMPARISON.fullmatch, "{0!r} is not a comparison; write for example >= 0.95"
)
_IS_MARGIN = requires(
    lambda ratio: ratio >= _MIN_MARGIN,
    "a margin below 1% is within the noise; write for example 20%",
)
_IS_NOT_EMPTY = requires(bool, "at least one entry is required")

Name = Annotated[str, _IS_NAME]
Status = Annotated[int, Field(ge=100, le=599)]


class Quantity(StrictModel):
    """Something that is counted, by labels, and where each witness keeps its count.

    `prometheus` is a plain selector of a counter. `database` maps databases to queries whose
    columns are the labels of `by`, in order, and the count. `traces` maps one database to a query
    with the X-Trace-ID of the request as an additional first column; it resolves requests whose
    outcome the client does not know. `service` names the service whose counter is meant, where
    several have the metric; by default, the figures of all are added up. `shared` declares that
    others' traffic is counted, too. `settle` is how long after the response counting may take, in
    seconds. `in_doubt` is the share that may be in doubt where the witnesses agree: as many losses
    could hide in it.
    """

    by: list[Name] = []
    prometheus: str | None = None
    service: str | None = None
    database: Annotated[dict[str, str], Field(min_length=1)] | None = None
    traces: Annotated[dict[str, str], Field(min_length=1, max_length=1)] | None = None
    shared: bool = False
    settle: Duration = 0.0
    in_doubt: Share = 0.01


class Expect(StrictModel):
    """What a response must have: its status, and values at JMESPath expressions."""

    status: Status = 200
    body_values: Annotated[dict[str, Any], Field(alias="json")] = {}


class Step(StrictModel):
    """One request of the flow: what it sends, expects, saves and counts.

    `counts` maps a quantity to a number, or to a mapping by label value, nested for further labels.
    `timeout` limits the whole exchange, in seconds. `when_rejected` is what an unexpected response
    means for `counts`; by default a 4xx counts nothing, and any other is in doubt.
    """

    step: Annotated[str, Field(min_length=1, max_length=80, examples=["a step"])]
    request: Annotated[str, _IS_REQUEST, Field(examples=["GET service /"])]
    headers: FlowHeaders = {}
    body: Annotated[Any, Field(alias="json")] = None
    timeout: Duration = 10.0
    expect: Expect = Expect()
    save: dict[Name, str] = {}
    counts: dict[Name, Counts] = {}
    when_rejected: Annotated[str | None, Field(pattern="^(nothing|in doubt)$")] = None

    def request_parts(self) -> tuple[str, str, str]:
        """Return method, service and path (a template)."""
        method, service, path = self.request.split(maxsplit=2)
        return method, service, path


class Abort(StrictModel):
    """When a load aborts itself: below a success rate of the iterations that ended recently.

    `over` is the length of the sliding window, in seconds. A rate of 0 % never aborts.
    """

    success_rate: Share = 0.1
    over: Duration = 10.0


class Profile(StrictModel):
    """One load, in seconds.

    Closed model: `users` share a number of `iterations`, or iterate for a `duration`; `think` is
    the pause between two iterations. `max_duration` limits a load of iterations; those that have
    not started by then are dropped.

    Open model: iterations arrive at a `rate` for a `duration`, or at the rates of `stages`, evenly
    or at random (`arrivals`). Up to `max_users` carry them out; an iteration that finds none free
    is dropped.

    Iterations due during the `warm_up` are counted, but not measured.
    """

    users: Annotated[int, Field(gt=0, le=USER_LIMIT)] | None = None
    iterations: Annotated[int, Field(gt=0)] | None = None
    duration: Duration | None = None
    max_duration: Duration | None = None
    think: Pause | None = None
    rate: RateOrRamp | None = None
    stages: Annotated[list[WrittenStage], Field(min_length=1)] | None = None
    arrivals: Literal["constant", "poisson"] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    max_users: Annotated[int, Field(gt=0, le=USER_LIMIT)] | None = None
    warm_up: Duration | None = None
    abort: Abort = Abort()

    @property
    def is_open(self) -> bool:
        """Whether iterations arrive at a rate, independent of the responses."""
        return self.rate is not None or self.stages is not None

    @property
    def open_stages(self) -> tuple[RateStage, ...]:
        """The stages of an open model."""
        if isinstance(self.rate, RateStage):
            return (self.rate,)
        if self.rate is not None:
            return (RateStage(self.rate, self.rate, self.duration or 0.0),)
        return tuple(self.stages or ())

    @property
    def virtual_users(self) -> int:
        """The highest number of concurrent users."""
        return (self.max_users or _DEFAULT_MAX_USERS) if self.is_open else (self.users or 1)

    @property
    def duration_s(self) -> float:
        """The time in which iterations start, in seconds."""
        if self.is_open:
            return sum(stage.duration_s for stage in self.open_stages)
        return self.duration or self.max_duration or _DEFAULT_MAX_DURATION_S

    @property
    def max_rate_per_s(self) -> float:
        """The highest rate of an open model, in iterations per second; 0 of a closed one."""
        return max(
            (max(stage.from_per_s, stage.to_per_s) for stage in self.open_stages), default=0.0
        )


class LatencyObjective(StrictModel):
    """Limits in seconds on the percentiles of one step, or of every step if none is named.

    If `strict`, the measured value decides, however few there are; by default, a limit that so few
    values exceed that they prove nothing is reported and not judged.
    """

    step: str | None = None
    strict: bool = False
    p50: Duration | None = None
    p95: Duration | None = None
    p99: Duration | None = None

    def limits(self) -> dict[float, float]:
        """Return the limit in seconds by percentile."""
        named = {50.0: self.p50, 95.0: self.p95, 99.0: self.p99}
        return {percentile: limit for percentile, limit in named.items() if limit is not None}


class PromqlCheck(StrictModel):
    """A PromQL query of which every value must satisfy a comparison.

    `on_missing` is the verdict if the query returns no value.
    """

    name: Annotated[str, Field(examples=["a check"])]
    query: Annotated[str, Field(examples=["vector(1)"])]
    expect: Annotated[str, _IS_COMPARISON, Field(examples=[">= 1"])]
    on_missing: Annotated[str, Field(pattern="^(fail|inconclusive)$")] = "inconclusive"

    def comparison(self) -> tuple[str, float]:
        """Return the operator and the number of `expect`."""
        match = _COMPARISON.fullmatch(self.expect)
        return (match[1], float(match[2])) if match else ("==", 0.0)


class Regression(StrictModel):
    """A latency limit relative to earlier runs.

    The p95 of a step may exceed the median of its p95s in the last `runs` passing runs on the same
    machine by the share `p95`. Without `steps`, this holds for every step and for the iteration.
    """

    p95: Annotated[Share, _IS_MARGIN, Field(examples=["20%"])]
    runs: Annotated[int, Field(ge=3, le=30)] = 5
    steps: Annotated[list[str], Field(min_length=1)] | None = None


class Checks(StrictModel):
    """What must hold after the run.

    `usage` are the quantities whose balance is judged, in the order of the report; default: all.
    """

    latency: list[LatencyObjective] = []
    regression: Regression | None = None
    success_rate: Share = 1.0
    usage: list[Name] | None = None
    promql: list[PromqlCheck] = []


class Scenario(StrictModel):
    """One scenario file.

    `public` names the headers and query parameters whose values are no secrets.
    """

    scenario: Annotated[str, Field(examples=["a-scenario"])]
    description: str = ""
    quantities: dict[Name, Quantity] = {}
    flow: Annotated[list[Step], Field(min_length=1)]
    profiles: Annotated[dict[Name, Profile], _IS_NOT_EMPTY]
    checks: Checks = Checks()
    public: list[str] = []

    @property
    def judged_quantities(self) -> list[str]:
        """The quantities whose balance is judged: those of `checks.usage`, or all."""
        return list(self.quantities) if self.checks.usage is None else self.checks.usage
