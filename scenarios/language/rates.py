"""Parse the rates of an open model: `20/s`, ramps and stages."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from config.units import parse_duration, parse_rate

_FLAT = re.compile(r"(\S+)\s+for\s+(\S+)")
_RAMP = re.compile(r"from\s+(\S+)\s+to\s+(\S+)\s+over\s+(\S+)")


@dataclass(frozen=True, slots=True)
class RateStage:
    """A period in which the rate, in iterations per second, changes linearly."""

    from_per_s: float
    to_per_s: float
    duration_s: float

    @property
    def arrivals(self) -> float:
        """The number of iterations that arrive in the stage, fractions included."""
        return (self.from_per_s + self.to_per_s) / 2 * self.duration_s


def parse_stage(text: object) -> RateStage:
    """Parse a stage. Raises ValueError.

    >>> parse_stage("20/s for 1m")
    RateStage(from_per_s=20.0, to_per_s=20.0, duration_s=60.0)
    >>> parse_stage("from 0/s to 100/s over 30s")
    RateStage(from_per_s=0.0, to_per_s=100.0, duration_s=30.0)
    """
    words = text.strip() if isinstance(text, str) else ""
    if ramp := _RAMP.fullmatch(words):
        return RateStage(parse_rate(ramp[1]), parse_rate(ramp[2]), parse_duration(ramp[3]))
    if flat := _FLAT.fullmatch(words):
        return RateStage(parse_rate(flat[1]), parse_rate(flat[1]), parse_duration(flat[2]))
    raise ValueError(f"{text!r} is not a stage; write 20/s for 1m, or from 10/s to 100/s over 2m")


def parse_rate_or_ramp(text: object) -> float | RateStage:
    """Parse a rate (iterations per second), or a ramp with its duration. Raises ValueError."""
    if not isinstance(text, str) or not text.strip().startswith("from"):
        return parse_rate(text)
    if not _RAMP.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is not a ramp; write from 10/s to 100/s over 2m")
    return parse_stage(text)


RateOrRamp = Annotated[float | RateStage, BeforeValidator(parse_rate_or_ramp)]
WrittenStage = Annotated[RateStage, BeforeValidator(parse_stage)]
