"""Objectives: what must hold after a run."""

import re
from typing import Annotated

from pydantic import Field

from config.documents import StrictModel
from config.requirements import requires
from config.units import Duration, Share
from scenarios.language.identifiers import Name

_COMPARISON = re.compile(r"(>=|<=|==|!=|>|<)\s*(-?\d+(?:\.\d+)?)")
_MIN_MARGIN = 0.01

_IS_COMPARISON = requires(
    _COMPARISON.fullmatch, "{0!r} is not a comparison; write for example >= 0.95"
)
_IS_MARGIN = requires(
    lambda ratio: ratio >= _MIN_MARGIN,
    "a margin below 1% is within the noise; write for example 20%",
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
