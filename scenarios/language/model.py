"""What can a scenario file say? The whole language, in one place."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from typing_extensions import TypeAliasType

from config.documents import StrictModel
from config.headers import FlowHeaders
from config.units import Duration, Pause, Share
from scenarios.language.rates import RateOrRamp, Stage, WrittenStage

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
ITERATION = "iteration"
MOST_USERS = 10_000

_REQUEST = re.compile(r"(\w+)\s+([\w-]+)\s+(/\S.*|/)")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_COMPARISON = re.compile(r"(>=|<=|==|!=|>|<)\s*(-?\d+(?:\.\d+)?)")
_LEAST_MARGIN = 0.01
_MAX_USERS = 100
_MAX_DURATION_S = 600.0

Counts = TypeAliasType("Counts", "int | dict[str, Counts]")


def _request_line(text: str) -> str:
    match = _REQUEST.fullmatch(text)
    if match is None or match[1] not in METHODS:
        raise ValueError(f"{text!r} is not a request; write METHOD service /path, as in "
                         "POST cards /api/v1/cards")  # fmt: skip
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not a name; use small letters, digits and underscores")
    return text


def _comparison(text: str) -> str:
    if not _COMPARISON.fullmatch(text):
        raise ValueError(f"{text!r} is not a comparison; write for example >= 0.95")
    return text


def _margin(ratio: float) -> float:
    if ratio < _LEAST_MARGIN:
        raise ValueError("less than 1% is lost in any noise; write for example 20%")
    return ratio


def _filled(mapping: dict[str, Any]) -> dict[str, Any]:
    if not mapping:
        raise ValueError("at least one entry is needed")
    return mapping


Name = Annotated[str, AfterValidator(_name)]
Status = Annotated[int, Field(ge=100, le=599)]


class Quantity(StrictModel):
    """Something that is counted, by labels, and where each witness keeps its figure.

    `prometheus` is a plain selector of a counter; `database` names one database and a query whose
    columns are the labels of `by`, in order, and the count. `traces` is a query likewise, with the
    X-Trace-ID of the request that wrote the rows as its first column: what the client is in doubt
    about can be looked up by it. `shared` counts others' traffic too. `settle` is how long after
    the answer it may still be counted, in seconds.
    """

    by: list[Name] = []
    prometheus: str | None = None
    database: Annotated[dict[str, str], Field(min_length=1, max_length=1)] | None = None
    traces: Annotated[dict[str, str], Field(min_length=1, max_length=1)] | None = None
    shared: bool = False
    settle: Duration = 0.0


class Expect(StrictModel):
    """What the answer must be: its status, and values at JMESPath expressions."""

    status: Status = 200
    answer: Annotated[dict[str, Any], Field(alias="json")] = {}


class Step(StrictModel):
    """One request of the flow, what must come back, what is kept of it, and what it moves.

    `counts` is by quantity: a number, or a mapping by label value, nested where there are more
    labels. `timeout` bounds the whole exchange, in seconds. `when_rejected` says what an answer
    other than the expected one leaves of `counts`; without it, a 4xx leaves nothing and anything
    else leaves them in doubt.
    """

    step: Annotated[str, Field(min_length=1, max_length=80, examples=["a step"])]
    request: Annotated[str, AfterValidator(_request_line), Field(examples=["GET service /"])]
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
    """When a load stops itself: so few of the iterations that ended of late went well.

    `over` is how far back is looked, in seconds. A share of 0 % never stops it.
    """

    success_rate: Share = 0.1
    over: Duration = 10.0


class Profile(StrictModel):
    """A load.

    Closed model: so many virtual users share the iterations, or go on for a time, each with a pause
    to `think` between two. `max_duration` bounds a load of iterations; what was not begun by then
    is dropped.

    Open model: iterations arrive at a rate, evenly or at random (`arrivals`), for a `duration`, or
    as `stages` say. As many users as that takes, up to `max_users`; an iteration that finds none
    free is dropped.

    What was due during the `warm_up` is counted, but not measured. Times are seconds.
    """

    users: Annotated[int, Field(gt=0, le=MOST_USERS)] | None = None
    iterations: Annotated[int, Field(gt=0)] | None = None
    duration: Duration | None = None
    max_duration: Duration | None = None
    think: Pause | None = None
    rate: RateOrRamp | None = None
    stages: Annotated[list[WrittenStage], Field(min_length=1)] | None = None
    arrivals: Literal["constant", "poisson"] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    max_users: Annotated[int, Field(gt=0, le=MOST_USERS)] | None = None
    warm_up: Duration | None = None
    abort: Abort = Abort()

    @property
    def is_open(self) -> bool:
        """Whether iterations arrive at a rate, whatever the services do."""
        return self.rate is not None or self.stages is not None

    @property
    def open_stages(self) -> tuple[Stage, ...]:
        """The stages of an open model."""
        if isinstance(self.rate, Stage):
            return (self.rate,)
        if self.rate is not None:
            return (Stage(self.rate, self.rate, self.duration or 0.0),)
        return tuple(self.stages or ())

    @property
    def virtual_users(self) -> int:
        """How many users there may be at once."""
        return (self.max_users or _MAX_USERS) if self.is_open else (self.users or 1)

    @property
    def lasts_s(self) -> float:
        """For how long iterations may begin."""
        if self.is_open:
            return sum(stage.lasts_s for stage in self.open_stages)
        return self.duration or self.max_duration or _MAX_DURATION_S

    @property
    def most_per_s(self) -> float:
        """The highest rate of an open model, in iterations a second."""
        return max((max(each.from_per_s, each.to_per_s) for each in self.open_stages), default=0.0)


class LatencyObjective(StrictModel):
    """Limits in seconds on the percentiles of one step; of each step where none is named."""

    step: str | None = None
    p50: Duration | None = None
    p95: Duration | None = None
    p99: Duration | None = None

    def limits(self) -> dict[float, float]:
        """Return the limit in seconds by percentile."""
        named = {50.0: self.p50, 95.0: self.p95, 99.0: self.p99}
        return {percentile: limit for percentile, limit in named.items() if limit is not None}


class PromqlCheck(StrictModel):
    """A query whose every value must satisfy a comparison; `on_missing` is for no value at all."""

    name: Annotated[str, Field(examples=["a check"])]
    query: Annotated[str, Field(examples=["vector(1)"])]
    expect: Annotated[str, AfterValidator(_comparison), Field(examples=[">= 1"])]
    on_missing: Annotated[str, Field(pattern="^(fail|inconclusive)$")] = "inconclusive"

    def comparison(self) -> tuple[str, float]:
        """Return the operator and the number."""
        match = _COMPARISON.fullmatch(self.expect)
        return (match[1], float(match[2])) if match else ("==", 0.0)


class Regression(StrictModel):
    """How much slower than before is too slow: a limit relative to earlier runs.

    The p95 of a step may be so much over the median of its p95s in the last `runs` passing runs on
    the same machine; where `steps` names none, that of each step and of the iteration.
    """

    p95: Annotated[Share, AfterValidator(_margin), Field(examples=["20%"])]
    runs: Annotated[int, Field(ge=3, le=30)] = 5
    steps: Annotated[list[str], Field(min_length=1)] | None = None


class Checks(StrictModel):
    """What must be true after the run."""

    latency: list[LatencyObjective] = []
    regression: Regression | None = None
    success_rate: Share = 1.0
    usage: list[Name] = []
    promql: list[PromqlCheck] = []


class Scenario(StrictModel):
    """One scenario file."""

    scenario: Annotated[str, Field(examples=["a-scenario"])]
    description: str = ""
    quantities: dict[Name, Quantity] = {}
    flow: Annotated[list[Step], Field(min_length=1)]
    profiles: Annotated[dict[Name, Profile], AfterValidator(_filled)]
    checks: Checks = Checks()
