"""Compare the response times of two runs, step by step: how much slower, and whether by chance.

Exchanges of one run depend on each other (a stall delays many of them), and two runs of one build
differ by more than their exchanges show (caches, placement, neighbours). So neither a million
exchanges nor a million pairs are as many observations:

    run A  ├─1─┼─2─┼─ … ─┼─20─┤    uncertainty within a run: how its blocks differ
    run B  ├─1─┼─2─┼─ … ─┼─20─┤
           └── run noise ──┘       between runs of one build: given, as a coefficient of variation

docs/compare.md has the method, its sources, and what it assumes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from checks import student_t
from checks.latency import percentile
from scenarios.evidence.exchanges import Column

PERCENTILES = (50.0, 95.0, 99.0)
LEAST_VALUES = 60

# A block is longer than what its exchanges have in common, or neighbouring blocks are alike.
_VALUES_OF_BLOCK = 20
_LEAST_BLOCKS, _MOST_BLOCKS = 5, 20
_JUDGED_PERCENTILE = 95.0
_TAIL = 0.025  # of each side of a 95 % interval
_MOST_PAIRED = 300  # order statistics that stand for all values of a run in pairs
_MOST_CORRELATION = 0.9
_SHORTEST_S = 1e-9  # a logarithm needs a time


@dataclass(frozen=True, slots=True)
class RunNoise:
    """The standard deviation of logarithms of a step's p50 and p95 between runs of one build."""

    p50: float = 0.0
    p95: float = 0.0


class Outcome(StrEnum):
    """What is proven of a difference."""

    SLOWER, FASTER = "slower", "faster"
    PERHAPS_SLOWER = "perhaps_slower"  # if runs of one build differ as little as assumed
    PERHAPS_FASTER = "perhaps_faster"
    ALIKE = "alike"  # the whole interval lies within the smallest difference of interest
    UNPROVEN = "unproven"


class Measure(StrEnum):
    """What of a step's response times is compared: all of them together, or a percentile."""

    SHIFT = "shift"
    P50 = "p50"
    P95 = "p95"


class NotJudged(StrEnum):
    """Why nothing can be said of a step."""

    NOT_IN_BOTH = "not_in_both"
    NO_VALUES = "no_values"
    TOO_FEW = "too_few"
    TOO_FEW_RUNS = "too_few_runs"


@dataclass(frozen=True, slots=True)
class ComparisonRule:
    """When a difference counts as proven, in ratios.

    `at_least` is the smallest difference of interest, `level` the probability of a false change in
    a comparison, either way, `run_noise` the least coefficient of variation between runs. If it
    `is_noise_assumed`, since nobody gave it, only what a history shows of it can prove.
    """

    at_least: float = 0.05
    level: float = 0.05
    run_noise: float = 0.03
    is_noise_assumed: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """A percentile of one run in seconds with its 95 % interval; a bound may be unknown."""

    value_s: float
    low_s: float | None
    high_s: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """How many times as long it takes in the second run: 1.2 is 20 % slower.

    `low` and `high` bound the ratio with 95 % confidence. `slower_p` is the probability of a ratio
    at least this high between two runs of one build, `faster_p` of one at most this high; the
    others are twice these, as a change may go either way, after Holm's correction for all changes.
    """

    measure: Measure
    ratio: float
    low: float
    high: float
    slower_p: float
    faster_p: float
    adjusted_slower_p: float = 1.0
    adjusted_faster_p: float = 1.0
    outcome: Outcome = Outcome.UNPROVEN


@dataclass(frozen=True, slots=True)
class PercentilePair:
    """One percentile in both runs."""

    percentile: float
    before: Estimate
    after: Estimate


@dataclass(frozen=True, slots=True)
class StepComparison:
    """One step in both runs; counts are of values, or of runs before.

    `superiority` is the probability that an exchange of the second run takes longer than one of the
    first (Mann–Whitney U by the number of pairs): 0.5 without a difference.
    """

    step: str
    before_count: int
    after_count: int
    percentiles: tuple[PercentilePair, ...] = ()
    superiority: float | None = None
    changes: tuple[Change, ...] = ()
    not_judged: NotJudged | None = None


NOT_MEASURED: Mapping[str, RunNoise] = {}


def compare_steps(
    before: Mapping[str, Column],
    after: Mapping[str, Column],
    rule: ComparisonRule,
    noise: Mapping[str, RunNoise] = NOT_MEASURED,
) -> tuple[StepComparison, ...]:
    """Compare the response times in seconds of each step, in the order in which they were due.

    `noise` is what was measured of it, by step; where it is lower, that of the rule is taken.
    """
    least = math.log1p(rule.run_noise)
    names = dict.fromkeys([*before, *after])
    steps = [
        _compare_step(name, before[name], after[name], _at_least(noise.get(name), least))
        if name in before and name in after
        else StepComparison(
            name, len(before.get(name, ())), len(after.get(name, ())),
            not_judged=NotJudged.NOT_IN_BOTH,
        )
        for name in names
    ]  # fmt: skip
    return judged(steps, rule)


def judged(steps: Sequence[StepComparison], rule: ComparisonRule) -> tuple[StepComparison, ...]:
    """Return the steps with the outcome of each change, corrected for the number of changes."""
    changes = [change for step in steps for change in step.changes]
    # A change may go either way: each direction has half of the level.
    slower = iter(holm([min(1.0, 2 * each.slower_p) for each in changes]))
    faster = iter(holm([min(1.0, 2 * each.faster_p) for each in changes]))

    def corrected(change: Change) -> Change:
        both = replace(change, adjusted_slower_p=next(slower), adjusted_faster_p=next(faster))
        return replace(both, outcome=_outcome(both, rule))

    return tuple(replace(step, changes=tuple(map(corrected, step.changes))) for step in steps)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values after Holm's step-down correction, in their order.

    >>> holm([0.01, 0.04, 0.5])
    [0.03, 0.08, 0.5]
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, least = [0.0] * len(p_values), 0.0
    for rank, position in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[position]))
        corrected[position] = least
    return corrected


def estimate(values_s: Column, percent: float) -> Estimate:
    """Return a percentile with its 95 % interval, of values in the order in which they were due.

    Woodruff's interval: the order statistics at the uncertainty of the share of values below.
    """
    ordered, count = np.sort(values_s), len(values_s)
    value_s, share = percentile(ordered, percent), percent / 100
    variance = max(_variance_of_mean(values_s > value_s), share * (1 - share) / count)
    half = t_quantile(_blocks(count) - 1) * math.sqrt(variance)
    low, high = math.floor(count * (share - half)), math.ceil(count * (share + half)) + 1
    return Estimate(
        value_s,
        float(ordered[low - 1]) if low >= 1 else None,
        float(ordered[high - 1]) if high <= count else None,
    )


def _at_least(measured: RunNoise | None, least: float) -> RunNoise:
    found = measured or RunNoise()
    return RunNoise(max(found.p50, least), max(found.p95, least))


def _compare_step(step: str, before_s: Column, after_s: Column, noise: RunNoise) -> StepComparison:
    counts = len(before_s), len(after_s)
    if min(counts) < LEAST_VALUES:
        reason = NotJudged.TOO_FEW if min(counts) else NotJudged.NO_VALUES
        return StepComparison(step, *counts, not_judged=reason)
    pairs = tuple(
        PercentilePair(each, estimate(before_s, each), estimate(after_s, each))
        for each in PERCENTILES
    )
    before, after = (np.log(np.maximum(each, _SHORTEST_S)) for each in (before_s, after_s))
    tail = next(each for each in pairs if each.percentile == _JUDGED_PERCENTILE)
    return StepComparison(
        step, *counts, pairs, float(_placements(after, before).mean()),
        (_shift(before, after, noise.p50), *_percentile_change(tail, counts, noise.p95)),
    )  # fmt: skip


def _shift(before: Column, after: Column, noise: float) -> Change:
    """Return the Hodges–Lehmann shift of logarithms, with the Mann–Whitney interval by blocks."""
    thin_before, thin_after = _thinned(before), _thinned(after)
    differences = np.sort(np.subtract.outer(thin_after, thin_before), axis=None)
    shift = float(np.median(differences))
    aligned = after - shift
    within = _variance_of_mean(_placements(aligned, before)) + _variance_of_mean(
        _placements(before, aligned)
    )
    by_chance = (len(before) + len(after) + 1) / (12 * len(before) * len(after))
    freedom = _blocks(len(before)) + _blocks(len(after)) - 2
    half = t_quantile(freedom) * math.sqrt(max(within, by_chance))
    low, high = np.quantile(differences, [max(0.0, 0.5 - half), min(1.0, 0.5 + half)])
    return _change(Measure.SHIFT, shift, (float(low), float(high)), noise, freedom)


def _percentile_change(
    pair: PercentilePair, counts: tuple[int, int], noise: float
) -> tuple[Change, ...]:
    """Return the change of the p95, or nothing where the values are too few to bound it."""
    ends = (pair.before.low_s, pair.before.high_s, pair.after.low_s, pair.after.high_s)
    if None in ends:
        return ()
    before_low, before_high, after_low, after_high = (
        math.log(max(each or 0.0, _SHORTEST_S)) for each in ends
    )
    before, after = (math.log(max(each.value_s, _SHORTEST_S)) for each in (pair.before, pair.after))
    # MOVER: each bound of a difference takes the bounds of its parts on that side.
    down = math.hypot(after - after_low, before_high - before)
    up = math.hypot(after_high - after, before - before_low)
    shift = after - before
    freedom = sum(map(_blocks, counts)) - 2
    return (_change(Measure.P95, shift, (shift - down, shift + up), noise, freedom),)


def _change(
    measure: Measure, shift: float, interval: tuple[float, float], noise: float, freedom: int
) -> Change:
    """Widen the 95 % interval of a difference of logarithms by the noise between two runs."""
    low, high = interval
    between = math.sqrt(2) * noise
    t = t_quantile(freedom)
    down, up = (math.hypot(each / t, between) for each in (shift - low, high - shift))
    return Change(
        measure=measure,
        ratio=math.exp(shift),
        low=math.exp(shift - t * down),
        high=math.exp(shift + t * up),
        slower_p=upper_tail(shift, down, freedom),
        faster_p=upper_tail(-shift, up, freedom),
    )


def _outcome(change: Change, rule: ComparisonRule) -> Outcome:
    if change.adjusted_slower_p <= rule.level and change.ratio > 1 + rule.at_least:
        return Outcome.SLOWER
    if change.adjusted_faster_p <= rule.level and change.ratio < 1 / (1 + rule.at_least):
        return Outcome.FASTER
    most = 1 + rule.at_least
    return Outcome.ALIKE if 1 / most <= change.low and change.high <= most else Outcome.UNPROVEN


def _placements(values: Column, others: Column) -> Column:
    """Return of each value the share of the others that are lower, equal ones counting half."""
    ordered = np.sort(others)
    ranks = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    placements: Column = ranks / (2 * len(others))
    return placements


def _variance_of_mean(values: Column) -> float:
    """Return the variance of the mean of values that depend on those just before them.

    By the means of consecutive blocks; a correlation of neighbouring blocks widens it.
    """
    blocks = _blocks(len(values))
    means = np.array([block.mean() for block in np.array_split(values, blocks)])
    deviations = means - means.mean()
    squares = float(deviations @ deviations)
    if not squares:
        return 0.0
    # A correlation of few blocks is estimated too low, by about one part of their number.
    correlation = float(deviations[1:] @ deviations[:-1]) / squares + 1 / blocks
    correlation = min(_MOST_CORRELATION, max(0.0, correlation))
    return squares / (blocks - 1) / blocks * (1 + correlation) / (1 - correlation)


def _blocks(count: int) -> int:
    return min(_MOST_BLOCKS, max(_LEAST_BLOCKS, count // _VALUES_OF_BLOCK))


def _thinned(values: Column) -> Column:
    """Return the values in order, or as many evenly spaced order statistics as are paired."""
    ordered = np.sort(values)
    if len(ordered) <= _MOST_PAIRED:
        return ordered
    ranks = (np.arange(_MOST_PAIRED) + 0.5) * len(ordered) / _MOST_PAIRED
    thinned: Column = ordered[ranks.astype(np.intp)]
    return thinned


def t_quantile(freedom: int) -> float:
    """Return Student's t that 2.5 % exceed."""
    return student_t.quantile(_TAIL, freedom)


def upper_tail(shift: float, deviation: float, freedom: int) -> float:
    """Return the probability of a shift at least this high by chance, by Student's t."""
    if not deviation:
        return 0.0 if shift > 0 else 1.0
    return student_t.upper_tail(shift / deviation, freedom)
