"""Tests of the comparison of response times.

The figures of `docs/compare.md` come from the simulations at the end.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from checks.comparison import (
    LEAST_VALUES,
    Change,
    ComparisonRule,
    Estimate,
    Measure,
    NotJudged,
    Outcome,
    PercentilePair,
    RunNoise,
    StepComparison,
    _percentile_change,
    compare_steps,
    estimate,
    judged,
)
from scenarios.evidence.exchanges import Column

RULE = ComparisonRule()
OFFSET = 0.03  # between runs of one build


def run_of(
    generator: np.random.Generator, count: int = 1000, factor: float = 1.0,
    correlation: float = 0.0, sigma: float = 0.3, steps: int = 1,
) -> dict[str, Column]:  # fmt: skip
    """Simulate a run: lognormal, exchanges that depend on the one before, an offset of the run."""
    from scipy.signal import lfilter  # a second, which the collection of tests need not take

    offset, run = generator.normal(0, OFFSET), {}
    for step in range(steps):
        noise = generator.normal(0, np.sqrt(1 - correlation**2), count)
        noise[0] = generator.normal()
        noise = lfilter([1], [1, -correlation], noise)
        run[f"step {step}"] = factor * 0.1 * np.exp(sigma * noise + offset)
    return run


def values(seed: int = 1, count: int = 1000, sigma: float = 0.3) -> Column:
    found: Column = np.exp(np.random.default_rng(seed).normal(0, sigma, count))
    return found


def compared(before: Column, after: Column, **changes: Any) -> StepComparison:
    return compare_steps({"use": before}, {"use": after}, replace(RULE, **changes))[0]


def change_of(step: StepComparison, measure: Measure) -> Change:
    return next(each for each in step.changes if each.measure is measure)


def is_regression(before: Mapping[str, Column], after: Mapping[str, Column]) -> bool:
    return any(
        change.outcome is Outcome.SLOWER
        for step in compare_steps(before, after, RULE)
        for change in step.changes
    )


def test_the_probability_of_superiority_is_that_of_mann_and_whitney() -> None:
    from scipy.stats import mannwhitneyu

    before, after = np.round(values(1), 1), np.round(values(2) * 1.1, 1)
    expected = mannwhitneyu(after, before).statistic / (len(before) * len(after))
    assert compared(before, after).superiority == pytest.approx(expected)


def test_the_shift_is_how_many_times_as_long_it_takes() -> None:
    step = compared(values(), values() * 1.2)
    assert [each.ratio for each in step.changes] == pytest.approx([1.2, 1.2], rel=0.01)
    assert {each.outcome for each in step.changes} == {Outcome.SLOWER}
    assert all(each.low < each.ratio < each.high for each in step.changes)


def test_the_other_order_gives_the_other_outcome() -> None:
    step = compared(values() * 1.3, values())
    assert {each.outcome for each in step.changes} == {Outcome.FASTER}
    assert change_of(step, Measure.SHIFT).ratio == pytest.approx(1 / 1.3, rel=0.01)


def test_a_slower_tail_alone_is_proven_of_the_p95_alone() -> None:
    after = values(2, 5000)
    after[::10] *= 3
    step = compared(values(1, 5000), after)
    assert change_of(step, Measure.P95).outcome is Outcome.SLOWER
    assert change_of(step, Measure.SHIFT).outcome is not Outcome.SLOWER


def test_a_change_below_the_smallest_of_interest_is_no_regression_however_certain() -> None:
    before = values(1, 20_000, 0.1)
    step = compared(before, before * 1.04, run_noise=0.0)
    assert change_of(step, Measure.SHIFT).adjusted_slower_p < 0.001
    assert {each.outcome for each in step.changes} == {Outcome.ALIKE}


def test_more_noise_between_runs_proves_less() -> None:
    before, after = {"use": values()}, {"use": values() * 1.2}
    noisy = {"use": RunNoise(0.2, 0.2)}
    quiet, loud = (compare_steps(before, after, RULE, noise)[0] for noise in ({}, noisy))
    for measure in (Measure.SHIFT, Measure.P95):
        assert change_of(loud, measure).slower_p > 10 * change_of(quiet, measure).slower_p
    assert {each.outcome for each in loud.changes} == {Outcome.UNPROVEN}


def test_one_stall_of_a_run_is_no_regression() -> None:
    after = values(2)
    after[400:460] += 5.0
    assert not is_regression({"use": values(1)}, {"use": after})


@pytest.mark.parametrize(
    ("counts", "reason"),
    [((LEAST_VALUES - 1, 1000), NotJudged.TOO_FEW), ((1000, 0), NotJudged.NO_VALUES)],
)
def test_too_few_values_say_nothing(counts: tuple[int, int], reason: NotJudged) -> None:
    step = compared(*(values(count=each) for each in counts))
    assert (step.not_judged, step.changes) == (reason, ())


def test_a_step_of_one_run_says_nothing() -> None:
    steps = compare_steps({"old": values()}, {"new": values()}, RULE)
    assert [each.not_judged for each in steps] == [NotJudged.NOT_IN_BOTH] * 2


def test_a_p95_that_its_values_do_not_bound_is_not_judged() -> None:
    step = compared(values(1, LEAST_VALUES), values(2, LEAST_VALUES))
    assert [each.measure for each in step.changes] == [Measure.SHIFT]


def test_times_of_zero_are_no_error() -> None:
    step = compared(np.zeros(100), np.zeros(100))
    assert {each.ratio for each in step.changes} == {1.0}
    assert {each.outcome for each in step.changes} <= {Outcome.ALIKE, Outcome.UNPROVEN}


def test_an_interval_holds_the_true_percentile_in_95_of_100_samples() -> None:
    generator = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        found = estimate(generator.uniform(0, 1, 1000), 95)
        assert found.low_s is not None
        assert found.high_s is not None
        held += found.low_s <= 0.95 <= found.high_s
    assert held >= 0.93 * 300


def test_a_dependence_of_the_exchanges_widens_the_interval() -> None:
    generator = np.random.default_rng(3)
    alone, bursts = (run_of(generator, 2000, correlation=each)["step 0"] for each in (0, 0.95))
    widths = []
    for found in (estimate(alone, 50), estimate(bursts, 50)):
        assert found.low_s is not None
        assert found.high_s is not None
        widths.append(found.high_s / found.low_s)
    assert all(wide > narrow for narrow, wide in pairwise(widths))


def share_of_regressions(
    seed: int, runs: int, factor: float, correlation: float = 0.0, count: int = 1000, steps: int = 1
) -> float:
    generator = np.random.default_rng(seed)
    pairs = (
        [run_of(generator, count, each, correlation, steps=steps) for each in (1.0, factor)]
        for _ in range(runs)
    )
    return sum(is_regression(*pair) for pair in pairs) / runs


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_few_simulated_pairs_of_one_build_regress_and_most_slower_ones_do(
    correlation: float,
) -> None:
    # Of 40 pairs, 5 or more regress with a probability of 5 % if 5 % of all do.
    assert share_of_regressions(1, 40, 1.0, correlation) <= 4 / 40
    assert share_of_regressions(2, 40, 1.2, correlation) >= 0.9


@pytest.mark.long
@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("count", [100, 1000])
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_at_most_5_percent_of_200_pairs_of_one_build_regress(
    correlation: float, count: int, steps: int
) -> None:
    share = share_of_regressions(7, 200, 1.0, correlation, count, steps)
    print(f"correlation {correlation}, {count} values, {steps} steps: {share:.1%}")
    assert share <= 0.05


@pytest.mark.long
def test_at_least_95_percent_of_200_builds_that_are_20_percent_slower_regress() -> None:
    assert share_of_regressions(7, 200, 1.2) >= 0.95


@pytest.mark.parametrize(
    ("ratio", "low", "high", "slower_p", "outcome"),
    [
        (0.905, 0.88, 0.93, 1.0, Outcome.FASTER),  # one 1.105th: as far from 1 as 1.105 is
        (0.91, 0.88, 0.93, 1.0, Outcome.UNPROVEN),
        (1.105, 1.08, 1.12, 0.0, Outcome.SLOWER),
        (1.095, 1.08, 1.12, 0.0, Outcome.UNPROVEN),
        (1.0, 0.95, 1.05, 0.5, Outcome.ALIKE),
        (1.0, 0.5, 1.05, 0.5, Outcome.UNPROVEN),  # one end alone is within
        (1.0, 0.95, 1.5, 0.5, Outcome.UNPROVEN),
    ],
)
def test_a_change_is_judged_by_its_ratio_and_both_ends_of_its_interval(
    ratio: float, low: float, high: float, slower_p: float, outcome: Outcome
) -> None:
    change = Change(Measure.P95, ratio, low, high, slower_p, 1 - slower_p)
    step = StepComparison("buy", 100, 100, changes=(change,))
    (judged_step,) = judged([step], ComparisonRule(at_least=0.1))
    assert judged_step.changes[0].outcome is outcome


def test_each_bound_of_a_changed_p95_takes_the_bounds_of_both_runs_on_its_side() -> None:
    before, after = Estimate(1.0, 0.5, 1.1), Estimate(1.2, 1.1, 3.0)
    pair = PercentilePair(95.0, before, after)
    (change,) = _percentile_change(pair, (1_000, 1_000), 0.0)
    down = np.hypot(np.log(1.2 / 1.1), np.log(1.1 / 1.0))
    up = np.hypot(np.log(3.0 / 1.2), np.log(1.0 / 0.5))
    assert (change.low, change.high) == pytest.approx((1.2 / np.exp(down), 1.2 * np.exp(up)))
