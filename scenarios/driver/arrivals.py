"""Schedules of iterations: when the n-th one is due. Pure: no clock is read here.

In an open model iterations arrive at a rate, whatever the services do. Let Λ(t) be the integral of
the rate, the number that have arrived by then: the n-th is due where Λ reaches n, or, for Poisson
arrivals, where it reaches the n-th sum of unit exponentials. So a ramp is exact, too.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from scenarios.language.model import Profile
from scenarios.language.rates import RateStage

_BLOCK = 4_096
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class LoadPart:
    """One worker's part of a load, of so many; all parts together are the load.

    >>> [LoadPart(index, 3).of_number(8) for index in range(3)]
    [3, 3, 2]
    """

    index: int = 0
    of: int = 1

    def of_number(self, total: int) -> int:
        """Return this part of a number of iterations, or of users."""
        return total // self.of + (self.index < total % self.of)


WHOLE = LoadPart()


@dataclass(frozen=True, slots=True)
class ClosedModel:
    """Users share the iterations; each begins its next when its last ends, after a pause.

    `iterations` None means until `until_s`, seconds from the start. The pause is drawn evenly
    between the two seconds of `think_s`.
    """

    iterations: int | None
    until_s: float
    think_s: tuple[float, float] = (0.0, 0.0)

    def due_s(self, number: int, now_s: float) -> float | None:
        """Return when iteration `number` (from 0) is due for a user free now; None for never.

        >>> ClosedModel(iterations=2, until_s=60.0).due_s(1, now_s=3.5)
        3.5
        """
        over = now_s >= self.until_s or (self.iterations is not None and number >= self.iterations)
        return None if over else now_s

    def part(self, part: LoadPart) -> "ClosedModel":
        """Return one worker's part."""
        if self.iterations is None:
            return self
        return replace(self, iterations=part.of_number(self.iterations))


@dataclass(frozen=True)
class OpenModel:
    """Iterations arrive at the rates of the stages; a worker's are each so-many-th of them."""

    stages: tuple[RateStage, ...]
    poisson: bool = False
    seed: int = 0
    of: LoadPart = WHOLE

    @property
    def until_s(self) -> float:
        """When the last stage ends, in seconds from the start."""
        return sum(stage.duration_s for stage in self.stages)

    @property
    def expected(self) -> float:
        """How many iterations arrive in all, on average if they do at random."""
        return sum(stage.arrivals for stage in self.stages)

    @cached_property
    def scheduled(self) -> int:
        """How many iterations arrive in all, or in this part."""
        if self.poisson:
            return sum(map(len, self._blocks()))
        return self.of.of_number(math.ceil(self.expected - _ROUNDING))

    def part(self, part: LoadPart) -> "OpenModel":
        """Return one worker's part."""
        return replace(self, of=part)

    def dues(self) -> Iterator[float]:
        """Yield when each is due, in seconds from the start, ascending."""
        for block in self._blocks():
            yield from self._times(block).tolist()

    def arrived(self, at_s: float) -> float:
        """Return Λ: how many have arrived by then, a part of one included."""
        arrived = 0.0
        for stage in self.stages:
            inside_s = min(max(at_s, 0.0), stage.duration_s)
            slope = (stage.to_per_s - stage.from_per_s) / stage.duration_s
            arrived += stage.from_per_s * inside_s + slope * inside_s**2 / 2
            at_s -= stage.duration_s
        return arrived

    def _blocks(self) -> Iterator[np.ndarray]:
        """Yield, block by block, the values of Λ at which one of this part is due."""
        end = self.expected
        for first, counts in self._counts():
            inside = counts[counts < end - _ROUNDING]
            yield inside[(self.of.index - first) % self.of.of :: self.of.of]
            if len(inside) < len(counts):
                return

    def _counts(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield, block by block, the values of Λ at which one is due, and the first's number."""
        random = np.random.default_rng(self.seed)
        first, reached = 0, 0.0
        while True:
            if self.poisson:
                counts = reached + np.cumsum(random.standard_exponential(_BLOCK))
                reached = float(counts[-1])
            else:
                counts = np.arange(first, first + _BLOCK, dtype=float)
            yield first, counts
            first += _BLOCK

    def _times(self, counts: np.ndarray) -> np.ndarray:
        """Return when Λ reaches these values, ascending: Λ's inverse, stage by stage."""
        times = np.empty_like(counts)
        arrived = begun_s = 0.0
        for number, stage in enumerate(self.stages):
            last = number == len(self.stages) - 1
            here = (counts >= arrived) & (last | (counts < arrived + stage.arrivals))
            wanted = counts[here] - arrived
            slope = (stage.to_per_s - stage.from_per_s) / stage.duration_s
            # the root of slope/2·t² + from·t = wanted that does not cancel for small slopes
            root = np.sqrt(np.maximum(0.0, stage.from_per_s**2 + 2 * slope * wanted))
            below = stage.from_per_s + root
            times[here] = begun_s + np.divide(
                2 * wanted, below, out=np.zeros_like(wanted), where=below > 0
            )
            arrived += stage.arrivals
            begun_s += stage.duration_s
        return times


def arrivals_of(profile: Profile) -> ClosedModel | OpenModel:
    """Return the arrivals that a profile asks for."""
    if profile.is_open:
        return OpenModel(profile.open_stages, profile.arrivals == "poisson", profile.seed or 0)
    return ClosedModel(profile.iterations, profile.duration_s, profile.think or (0.0, 0.0))
