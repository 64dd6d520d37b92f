"""Compare the percentiles of a run with those of the last runs, of which no values are kept.

The last runs predict the next one: Student's prediction interval of the logarithms (Hahn and
Meeker), around their median. Their spread holds everything in which two runs of one build differ.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median, stdev

from checks.comparison import (
    Change,
    ComparisonRule,
    Estimate,
    Measure,
    NotJudged,
    PercentilePair,
    RunNoise,
    StepComparison,
    judged,
    t_quantile,
    upper_tail,
)
from checks.history.baseline import Conditions, baseline
from checks.history.entry import Entry, StepEntry

LEAST_RUNS = 3
LEAST_OF_NOISE = 5

_SHORTEST_S = 1e-9  # a logarithm needs a time
# Of a median instead of a mean: its variance is that many times as large.
_VARIANCE_OF_MEDIAN = math.pi / 2
# The median of |x − y| of two values of a normal distribution with deviation 1.
_MEDIAN_DISTANCE = 0.6745 * math.sqrt(2)


def compare_with_history(
    entries: Sequence[Entry], after: Entry, last: int, rule: ComparisonRule
) -> tuple[StepComparison, ...]:
    """Compare the p50 and p95 of each step with the last passing runs under the same conditions."""
    conditions = Conditions(after.machine, after.scenario_sha256)
    steps = [
        _compare_step(step, timed, baseline(entries, conditions, step, last))
        for step, timed in after.latency.items()
    ]
    return judged(steps, rule)


def run_noise(
    entries: Sequence[Entry], conditions: Conditions, step: str, last: int
) -> RunNoise | None:
    """Return how runs under the same conditions differ from the one before; None of too few runs.

    By the median distance of successive runs: a release that changed the build is one of many.
    """
    runs = baseline(entries, conditions, step, last)
    if len(runs) < LEAST_OF_NOISE:
        return None
    before = [each.latency[step] for each in runs]
    return RunNoise(_noise([each.p50 for each in before]), _noise([each.p95 for each in before]))


def _noise(values: Sequence[float]) -> float:
    logs = [math.log(max(each, _SHORTEST_S)) for each in values]
    return median(abs(two - one) for one, two in pairwise(logs)) / _MEDIAN_DISTANCE


def _compare_step(step: str, timed: StepEntry, runs: Sequence[Entry]) -> StepComparison:
    if len(runs) < LEAST_RUNS:
        return StepComparison(step, len(runs), timed.count, not_judged=NotJudged.TOO_FEW_RUNS)
    before = [each.latency[step] for each in runs]
    p50, p50_change = _predict(Measure.P50, [each.p50 for each in before], timed.p50)
    p95, p95_change = _predict(Measure.P95, [each.p95 for each in before], timed.p95)
    return StepComparison(
        step, len(runs), timed.count,
        (
            PercentilePair(50.0, p50, Estimate(timed.p50, None, None)),
            PercentilePair(95.0, p95, Estimate(timed.p95, timed.p95_low, timed.p95_high)),
        ),
        changes=(p50_change, p95_change),
    )  # fmt: skip


def _predict(measure: Measure, before: Sequence[float], after: float) -> tuple[Estimate, Change]:
    """Return what the runs before predict with 95 % probability, and how far the new one is off."""
    logs = [math.log(max(each, _SHORTEST_S)) for each in before]
    centre, freedom = median(logs), len(logs) - 1
    deviation = stdev(logs) * math.sqrt(1 + _VARIANCE_OF_MEDIAN / len(logs))
    half = t_quantile(freedom) * deviation
    shift = math.log(max(after, _SHORTEST_S)) - centre
    return (
        Estimate(math.exp(centre), math.exp(centre - half), math.exp(centre + half)),
        Change(
            measure, math.exp(shift), math.exp(shift - half), math.exp(shift + half),
            upper_tail(shift, deviation, freedom), upper_tail(-shift, deviation, freedom),
        ),
    )  # fmt: skip
