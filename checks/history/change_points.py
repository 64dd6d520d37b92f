"""Find change points in a series of runs: the first run from which on a figure is another one.

The method is E-divisive (Matteson and James, "A Nonparametric Approach for Multiple Change Point
Analysis of Multivariate Data", Journal of the American Statistical Association 109, 2014), in the
form of a binary segmentation. For a split into X and Y, the energy statistic is

    Q = (|X|·|Y| / (|X|+|Y|)) · (2·E|X−Y| − E|X−X'| − E|Y−Y'|)

    values   x x x x x x │ y y y y y │ . . . .
             0           τ           κ           all τ and κ are tried; τ is the candidate

A candidate is significant if few random orders of the same values have as large a Q. The values
are compared as logarithms, since the noise of durations is in proportion to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_SIGNIFICANCE = 0.01
_MIN_RUNS = 5  # on either side of a change
_PERMUTATIONS = 199
_FIRST_BATCH, _BATCH = 10, 50  # most series have no change: the first batch shows it
_SEED = 20140301  # fixed: the same history has the same change points

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A shift of a series: `position` is the index of the first run that has it.

    `before` and `after` are the medians between the neighbouring change points; `p_value` is the
    share of random orders that would show as large a shift.
    """

    position: int
    before: float
    after: float
    p_value: float

    @property
    def change_ratio(self) -> float:
        """The shift in proportion to what was before: 0.15 is 15 % more."""
        return self.after / self.before - 1


def change_points(values: Sequence[float]) -> tuple[ChangePoint, ...]:
    """Return the change points of a series of positive values, oldest first.

    The same values always give the same result. Raises ValueError for a value that is not positive.

    >>> found = change_points([10.0] * 20 + [12.0] * 10)
    >>> [(each.position, round(each.change_ratio, 2)) for each in found]
    [(20, 0.2)]
    """
    series = np.asarray(values, np.float64)
    if not (series > 0).all():
        raise ValueError("change points are of positive values")
    if not len(series):
        return ()
    splits = sorted(_splits(np.log(series), 0, np.random.default_rng(_SEED)))
    edges = [0, *(position for position, _ in splits), len(series)]
    medians = [float(np.median(series[a:b])) for a, b in pairwise(edges)]
    return tuple(
        ChangePoint(position, medians[number], medians[number + 1], p_value)
        for number, (position, p_value) in enumerate(splits)
    )


def _splits(
    series: _Floats, offset: int, generator: np.random.Generator
) -> list[tuple[int, float]]:
    """Return the positions of all significant splits of a series, with their p-values."""
    if len(series) < 2 * _MIN_RUNS:
        return []
    distances = np.abs(series[:, None] - series[None, :])
    energies = _energies(distances[None])[0]
    best = int(np.argmax(energies.max(axis=1)))  # the τ of the largest Q over all τ and κ
    p_value = _p_value(distances, float(energies[best].max()), generator)
    if p_value > _SIGNIFICANCE:
        return []
    position = best + _MIN_RUNS
    parts = (series[:position], offset), (series[position:], offset + position)
    found = [each for part, at in parts for each in _splits(part, at, generator)]
    return [(offset + position, p_value), *found]


def _p_value(distances: _Floats, energy: float, generator: np.random.Generator) -> float:
    """Return the share of random orders with as large a Q.

    Stop as soon as the share cannot become significant any more.
    """
    size, larger, tried = len(distances), 0, 0
    most = _SIGNIFICANCE * (_PERMUTATIONS + 1) - 1
    while tried < _PERMUTATIONS and larger <= most:
        batch = min(_BATCH if tried else _FIRST_BATCH, _PERMUTATIONS - tried)
        orders = generator.permuted(np.tile(np.arange(size), (batch, 1)), axis=1)
        shuffled = distances[orders[:, :, None], orders[:, None, :]]
        found = _energies(shuffled).max(axis=(1, 2))
        # rounding makes equal sums differ in the last digit
        larger += int(np.count_nonzero(found >= energy * (1 - 1e-9)))
        tried += batch
    return (larger + 1) / (tried + 1)


def _energies(distances: _Floats) -> _Floats:
    """Return Q by τ and κ for a stack of distance matrices; −inf where a side is too short."""
    size = distances.shape[-1]
    sums = np.zeros((len(distances), size + 1, size + 1))
    sums[:, 1:, 1:] = distances.cumsum(axis=1).cumsum(axis=2)
    ends = np.arange(_MIN_RUNS, size - _MIN_RUNS + 1), np.arange(2 * _MIN_RUNS, size + 1)
    tau, kappa = np.meshgrid(*ends, indexing="ij")
    left, right = tau, np.maximum(kappa - tau, 1)
    inner, outer = sums[:, tau, tau], sums[:, kappa, kappa]
    across = sums[:, tau, kappa] - inner
    within = inner / left**2 + (outer - inner - 2 * across) / right**2
    energies = left * right / (left + right) * (2 * across / (left * right) - within)
    result: _Floats = np.where(kappa - tau >= _MIN_RUNS, energies, -np.inf)
    return result
