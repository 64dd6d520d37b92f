"""Profiles: the loads of a scenario."""

from typing import Annotated, Literal

from pydantic import Field

from config.models import StrictModel
from config.units import Duration, Pause, Share
from scenarios.language.objectives import PercentileLimits
from scenarios.language.other_names import OF_ABORT_ON, OF_PROFILE
from scenarios.language.rates import RateOrRamp, RateStage, WrittenStage

USER_LIMIT = 10_000

_DEFAULT_MAX_USERS = 100
_DEFAULT_MAX_DURATION_S = 600.0


class Abort(StrictModel):
    """When a load aborts itself: below a success rate of the iterations that ended recently.

    `over` is the length of the sliding window, in seconds. A rate of 0 % never aborts.
    """

    success_rate: Share = 0.1
    over: Duration = 10.0


class AbortOn(PercentileLimits):
    """When a load aborts itself: above a limit on the response times of recent iterations.

    `over` is the length of the sliding window, in seconds.
    """

    other_names = OF_ABORT_ON

    over: Duration = 30.0


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

    other_names = OF_PROFILE

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
    abort_on: AbortOn | None = None

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
