"""Compute when each iteration of a load is due. Pure: no clock is read here.

In an open model, iterations arrive at a rate, independent of the responses. Let Λ(t) be the
integral of the rate, that is the number of arrivals until t. The n-th iteration, from 0, is due
where Λ reaches n; for Poisson arrivals, where Λ reaches the sum of n + 1 unit exponentials. Λ is
inverted in closed form, so ramps are exact, too.

    rate  to_per_s ┤        ╱│        Λ(t) = from·t + (to - from) / (2 · duration) · t²
                   │    ╱    │        within a stage: the area below the rate
        from_per_s ┤╱        │
                   └─────────┴─ t
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from scenarios.language.profiles import Profile
from scenarios.language.rates import RateStage

_BLOCK = 4_096  # arrivals that are computed at once
_ROUNDING = 1e-9  # a sum of stages may be this far from a whole number


@dataclass(frozen=True, slots=True)
class LoadPart:
    """The part of one worker: part `index` of `of`. All parts together are the load.

    >>> [LoadPart(index, 3).of_number(8) for index in range(3)]
    [3, 3, 2]
    """

    index: int = 0
    of: int = 1

    def of_number(self, total: int) -> int:
        """Return this part of a number of iterations or users; parts differ by one at most."""
        return total // self.of + (self.index < total % self.of)


WHOLE = LoadPart()


@dataclass(frozen=True, slots=True)
class ClosedModel:
    """Users share the iterations; each starts its next one when its last one has ended.

    `iterations` None means until `until_s`, in seconds from the start. Between two iterations, a
    user pauses for a uniformly random time between the two values of `think_s`.
    """

    iterations: int | None
    until_s: float
    think_s: tuple[float, float] = (0.0, 0.0)

    def due_s(self, number: int, now_s: float) -> float | None:
        """Return when iteration `number`, from 0, is due for a user who is idle now, or None.

        >>> ClosedModel(iterations=2, until_s=60.0).due_s(1, now_s=3.5)
        3.5
        """
        is_last = self.iterations is not None and number >= self.iterations
        return None if is_last or now_s >= self.until_s else now_s

    def part(self, part: LoadPart) -> "ClosedModel":
        """Return one worker's part."""
        if self.iterations is None:
            return self
        return replace(self, iterations=part.of_number(self.iterations))


@dataclass(frozen=True)
class OpenModel:
    """Iterations arrive at the rates of the stages; a worker's part is every `of.of`-th of them."""

    stages: tuple[RateStage, ...]
    poisson: bool = False
    seed: int = 0
    of: LoadPart = WHOLE

    @property
    def until_s(self) -> float:
        """The end of the last stage, in seconds from the start."""
        return sum(stage.duration_s for stage in self.stages)

    @property
    def expected(self) -> float:
        """The number of arrivals of all parts, fractions included; the mean, if they are random."""
        return sum(stage.arrivals for stage in self.stages)

    @cached_property
    def scheduled(self) -> int:
        """The number of arrivals of this part. Poisson arrivals are drawn for it: this is slow."""
        if self.poisson:
            return sum(map(len, self._blocks()))
        return self.of.of_number(math.ceil(self.expected - _ROUNDING))

    def part(self, part: LoadPart) -> "OpenModel":
        """Return one worker's part."""
        return replace(self, of=part)

    def due_times(self) -> Iterator[float]:
        """Yield the due times of this part, in seconds from the start, ascending."""
        for block in self._blocks():
            yield from self._times(block).tolist()

    def arrived(self, at_s: float) -> float:
        """Return Λ, the number of arrivals of all parts until `at_s`, fractions included."""
        arrived = 0.0
        for stage in self.stages:
            inside_s = min(max(at_s, 0.0), stage.duration_s)
            slope = (stage.to_per_s - stage.from_per_s) / stage.duration_s
            arrived += stage.from_per_s * inside_s + slope * inside_s**2 / 2
            at_s -= stage.duration_s
        return arrived

    # Every worker computes all arrivals from the same seed, and takes every `of`-th of them:
    #     number      0   1   2   3   4   5        first: the number that a block begins with
    #     part 0/2    ●       ●       ●
    #     part 1/2        ●       ●       ●
    # so Poisson arrivals are the same, whatever the number of workers.
    def _blocks(self) -> Iterator[np.ndarray]:
        """Yield the values of Λ at which iterations of this part are due, in blocks."""
        random = np.random.default_rng(self.seed)
        first, reached, end = 0, 0.0, self.expected - _ROUNDING
        while True:
            if self.poisson:
                counts = reached + np.cumsum(random.standard_exponential(_BLOCK))
                reached = float(counts[-1])
            else:
                counts = np.arange(first, first + _BLOCK, dtype=float)
            inside = counts[counts < end]
            yield inside[(self.of.index - first) % self.of.of :: self.of.of]
            if len(inside) < len(counts):
                return
            first += _BLOCK

    def _times(self, counts: np.ndarray) -> np.ndarray:
        """Return the times at which Λ reaches these values, ascending: its inverse, per stage."""
        times = np.empty_like(counts)
        arrived = started_s = 0.0
        for number, stage in enumerate(self.stages):
            is_last = number == len(self.stages) - 1
            here = (counts >= arrived) & (is_last | (counts < arrived + stage.arrivals))
            wanted = counts[here] - arrived
            slope = (stage.to_per_s - stage.from_per_s) / stage.duration_s
            # t from slope/2·t² + from·t = wanted, as 2c / (b + √(b² + 4ac)), which does not cancel
            # for a small slope as the usual formula does
            root = np.sqrt(np.maximum(0.0, stage.from_per_s**2 + 2 * slope * wanted))
            below = stage.from_per_s + root
            times[here] = started_s + np.divide(
                2 * wanted, below, out=np.zeros_like(wanted), where=below > 0
            )
            arrived += stage.arrivals
            started_s += stage.duration_s
        return times


def arrivals_of(profile: Profile) -> ClosedModel | OpenModel:
    """Return the load model of a profile."""
    if profile.is_open:
        return OpenModel(profile.open_stages, profile.arrivals == "poisson", profile.seed or 0)
    return ClosedModel(profile.iterations, profile.duration_s, profile.think or (0.0, 0.0))
