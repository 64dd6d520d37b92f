"""Objectives: what must hold after a run."""

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from config.models import StrictModel
from config.requirements import requires
from config.units import Duration, Rate, Share
from scenarios.language.histograms import UNITS, units_per_second
from scenarios.language.identifiers import Name
from scenarios.language.other_names import OF_CHECKS, OF_LATENCY, OF_SERVER_LATENCY
from scenarios.language.selector import Selector, parse_selector
from scenarios.language.templates import compile_text, variables_in

_COMPARISON = re.compile(r"(>=|<=|==|!=|>|<)\s*(-?\d+(?:\.\d+)?)")
_MIN_MARGIN = 0.01

_IS_COMPARISON = requires(
    _COMPARISON.fullmatch, "{0!r} is not a comparison; write for example >= 0.95"
)
_IS_MARGIN = requires(
    lambda ratio: ratio >= _MIN_MARGIN,
    "a margin below 1% is within the noise; write for example 20%",
)


MAX_PERCENTILE = 100.0  # the largest of all values
NO_LIMIT = "has no limit; add a percentile such as p95, or max"

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,3})?)")
_LIKE_PERCENTILE = re.compile(r"[pP]?\W?\d[\d.,]*\W?|[pP]\W?\d.*")


def percentile_of(key: str) -> float | None:
    """Return the percentile that a key names, or None.

    >>> percentile_of("p99.9"), percentile_of("max"), percentile_of("p0"), percentile_of("step")
    (99.9, 100.0, None, None)
    """
    if key == "max":
        return MAX_PERCENTILE
    match = _PERCENTILE.fullmatch(key)
    return (float(match[1]) or None) if match else None


def percentile_name(percentile: float) -> str:
    """Name a percentile.

    >>> percentile_name(95.0), percentile_name(99.9), percentile_name(100.0)
    ('p95', 'p99.9', 'max')
    """
    return "max" if percentile == MAX_PERCENTILE else f"p{percentile:g}"


def rank_of(count: int, percentile: float) -> int:
    """Return the rank, from 1, of the value that is a percentile of `count` values.

    >>> rank_of(100, 95), rank_of(19, 95)
    (95, 19)
    """
    return math.ceil(round(percentile * count, 6) / 100)


def allowed_over(count: int, percentile: float) -> int:
    """Return how many of `count` values may be over a limit with the percentile still within it.

    >>> allowed_over(100, 95), allowed_over(19, 95)
    (5, 0)
    """
    return count - rank_of(count, percentile)


def _wrong_key(key: str) -> InitErrorDetails:
    """Return the error of a key that is no percentile; one with digits is meant to be one."""
    if not _LIKE_PERCENTILE.fullmatch(key):
        return {"type": "extra_forbidden", "loc": (key,), "input": key}
    remedy = nearest_percentile(key)
    hint = f"did you mean {remedy}?" if remedy else "write for example p95 or p99.9"
    message = f"a percentile is p and a number above 0 and below 100, or max; {hint}"
    return {"type": PydanticCustomError("percentile", message), "loc": (key,), "input": key}


def nearest_percentile(key: str) -> str:
    """Return the percentile that a key was meant to be, or "".

    >>> nearest_percentile("p99,9"), nearest_percentile("p999"), nearest_percentile("P(95)")
    ('p99.9', 'p99.9', 'p95')
    >>> nearest_percentile("p100"), nearest_percentile("p101")
    ('max', '')
    """
    digits = re.sub(r"[^\d.]", "", key.replace(",", "."))
    if digits and float(digits) == MAX_PERCENTILE:
        return "max"
    # p999 is how some tools write p99.9
    with_point = digits if "." in digits else f"{digits[:2]}.{digits[2:]}".rstrip(".")
    candidate = f"p{with_point}"[: len("p99.999")]
    is_large = "." in digits or len(digits) < len("99") + 1 or digits.startswith("9")
    return candidate if is_large and percentile_of(candidate) else ""


class PercentileLimits(StrictModel):
    """Limits in seconds on percentiles; further keys are any other, such as `p90` or `p99.9`."""

    other_names = OF_LATENCY

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Duration] = Field(init=False)

    p50: Duration | None = None
    p95: Duration | None = None
    p99: Duration | None = None
    max: Duration | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_other_keys(cls, given: Any) -> Any:
        """Refuse a further key that is no percentile, as a model without further keys does."""
        unknown = [
            str(key)
            for key in (given if isinstance(given, dict) else ())
            if key not in cls.model_fields and percentile_of(str(key)) is None
        ]
        if unknown:
            raise ValidationError.from_exception_data(cls.__name__, list(map(_wrong_key, unknown)))
        return given

    def limits(self) -> dict[float, float]:
        """Return the limit in seconds by percentile."""
        written = self.model_dump(exclude_none=True)
        found = {percentile_of(key): limit for key, limit in written.items()}
        return {percentile: found[percentile] for percentile in found if percentile is not None}


class LatencyObjective(PercentileLimits):
    """Limits on the percentiles of one step, or of every step if none is named.

    If `strict`, the measured value decides, however few there are; by default, a limit that so few
    values exceed that they prove nothing is reported and not judged. A single value over `max`
    proves that it is exceeded.
    """

    step: str | None = None
    strict: bool = False


class ServerLatencyObjective(PercentileLimits):
    """Limits on the percentiles of a histogram of durations that a service keeps.

    `histogram` is a plain selector of it, without `_bucket`; `unit` is that of its values, which by
    default is the end of its name. `step` is the step whose requests it times: the limits then hold
    for what was served of it in the measured window. `service` keeps it; by default, that of the
    step. Each value of the labels `by` is judged by itself. If `strict`, the measured share
    decides, however few values there are. `name` is that of its findings; by default, the step or
    the histogram.
    """

    other_names = OF_SERVER_LATENCY

    histogram: Annotated[str, Field(examples=["request_seconds"])]
    step: str | None = None
    service: str | None = None
    by: list[Name] = []
    unit: Literal["s", "ms", "us"] | None = None
    strict: bool = False
    name: str = ""

    @property
    def is_per_tenant(self) -> bool:
        """Whether it selects what a run's own tenant did."""
        return "tenant" in variables_in(self.histogram)

    def selector(self, tenant: str) -> Selector:
        """Return the selector of the histogram in a run. Raises ValueError."""
        return parse_selector(compile_text(self.histogram)({"tenant": tenant}))

    def name_in(self, tenant: str) -> str:
        """Return the name of its findings."""
        return self.name or self.step or self.selector(tenant).metric

    def per_second(self, tenant: str) -> float | None:
        """Return how many units of its values make a second; None if that is not known."""
        return UNITS[self.unit] if self.unit else units_per_second(self.selector(tenant).metric)


class ThroughputObjective(StrictModel):
    """How many iterations, or requests of one step, must be completed per second.

    It is judged in the measured window of a load.
    """

    at_least: Annotated[Rate, Field(examples=["50/s"])]
    step: str | None = None


class ErrorObjective(StrictModel):
    """The share of the requests of a step that need not be as expected, in place of `success_rate`.

    Without a step, it is that of every step that has none of its own.
    """

    at_most: Annotated[Share, Field(examples=["1%"])]
    step: str | None = None


class PromqlCheck(StrictModel):
    """A PromQL query of which every value must satisfy a comparison.

    `on_missing` is the verdict if the query returns no value.
    """

    name: Annotated[str, Field(examples=["a check"])]
    query: Annotated[str, Field(examples=["vector(1)"])]
    expect: Annotated[str, _IS_COMPARISON, Field(examples=[">= 1"])]
    on_missing: Literal["fail", "inconclusive"] = "inconclusive"

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

    other_names = OF_CHECKS

    latency: list[LatencyObjective] = []
    server_latency: list[ServerLatencyObjective] = []
    throughput: Annotated[
        list[ThroughputObjective],
        BeforeValidator(lambda value: value if isinstance(value, list) else [value]),
    ] = []
    errors: list[ErrorObjective] = []
    regression: Regression | None = None
    success_rate: Share = 1.0
    usage: list[Name] | None = None
    promql: list[PromqlCheck] = []

    @property
    def judge_times(self) -> bool:
        """Whether a check is on times or rates; a query may be on either."""
        times = self.latency or self.server_latency or self.throughput or self.regression
        return bool(times or self.promql)

    def most_errors(self, step: str) -> float | None:
        """Return the share of a step's requests that need not be as expected, or None."""
        named = {objective.step: objective.at_most for objective in self.errors}
        return named.get(step, named.get(None))
