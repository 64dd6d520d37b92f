"""Tests of the comparison with the last runs of a history."""

from dataclasses import replace

import numpy as np
import pytest

from checks.comparison import ComparisonRule, Measure, NotJudged, Outcome
from checks.history.entry import Entry
from checks.history.prediction import compare_with_history, run_noise
from checks.verdict import Verdict
from tests.checks.history.entries import SAME, entry, nights

RULE = ComparisonRule()
QUIET = (0.20, 0.21, 0.20, 0.205, 0.2)


def outcomes(runs: tuple[Entry, ...], p95_s: float, last: int = 5) -> set[Outcome]:
    found = compare_with_history(runs, entry(90, p95_s), last, RULE)
    return {change.outcome for step in found for change in step.changes}


def test_a_run_beyond_what_the_last_runs_predict_is_slower() -> None:
    assert outcomes(nights(*QUIET), 0.4) == {Outcome.SLOWER}
    assert outcomes(nights(*QUIET), 0.1) == {Outcome.FASTER}


def test_a_run_within_their_spread_is_not_proven_to_be_slower() -> None:
    assert outcomes(nights(0.1, 0.3, 0.2, 0.15, 0.25), 0.4) == {Outcome.UNPROVEN}


def test_the_prediction_is_around_the_median() -> None:
    step = compare_with_history(nights(*QUIET), entry(90, 0.2), 5, RULE)[0]
    (p95,) = [each for each in step.percentiles if each.percentile == 95]
    assert p95.before.value_s == pytest.approx(0.2)
    assert [each.measure for each in step.changes] == [Measure.P50, Measure.P95]


def test_runs_that_failed_or_ran_elsewhere_predict_nothing() -> None:
    failed = nights(*QUIET, checks={"success": Verdict.FAIL})
    for runs in (failed, nights(*QUIET, machine="elsewhere"), nights(0.2, 0.2)):
        found = compare_with_history(runs, entry(90), 5, RULE)
        assert {each.not_judged for each in found} == {NotJudged.TOO_FEW_RUNS}


def test_only_the_last_runs_predict() -> None:
    assert outcomes(nights(9.0, 9.0, *QUIET), 0.4) == {Outcome.SLOWER}


@pytest.mark.parametrize("last", [3, 5, 10, 30])
def test_at_most_5_percent_of_runs_of_one_build_are_slower(last: int) -> None:
    generator, slower = np.random.default_rng(4), 0
    for _ in range(400):
        values = 0.2 * np.exp(generator.normal(0, 0.1, last + 1))
        slower += Outcome.SLOWER in outcomes(nights(*values[:-1].tolist()), float(values[-1]), last)
    assert slower <= 0.05 * 400


def test_the_noise_between_runs_is_found_beside_a_release_that_was_slower() -> None:
    values = 0.2 * np.exp(np.random.default_rng(2).normal(0, 0.03, 30))
    values[15:] *= 1.5
    noise = run_noise(nights(*values.tolist()), SAME, "use", 30)
    assert noise is not None
    assert noise.p95 == pytest.approx(0.03, rel=0.4)


def test_few_runs_show_no_noise() -> None:
    assert run_noise(nights(0.2, 0.3, 0.2, 0.3), SAME, "use", 30) is None


def test_a_time_of_zero_is_no_error() -> None:
    runs = [replace(each, latency={}) for each in nights(*QUIET)]
    assert compare_with_history(runs, replace(entry(90), latency={}), 5, RULE) == ()
    assert outcomes(nights(0.0, 0.0, 0.0), 0.0) == {Outcome.ALIKE}
