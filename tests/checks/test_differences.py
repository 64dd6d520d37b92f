"""Tests of the comparison of two whole runs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checks.comparison import (
    Change,
    ComparisonRule,
    Measure,
    NotJudged,
    Outcome,
    StepComparison,
)
from checks.differences import (
    Comparison,
    ErrorChange,
    JudgedRun,
    Obstacle,
    compare_runs,
    compare_with_last,
    without_assumed_proof,
)
from checks.result import Finding, Kind
from checks.verdict import Verdict
from scenarios.evidence.recording import RecordingEnd
from tests.checks.history.entries import entry, nights
from tests.evidence_factory import REFUSED, Load, Made, case_of
from tests.reports.results import figures, good_result, usage_row

RULE = ComparisonRule()
COUNT = 200


def iterations(factor: float = 1.0) -> tuple[tuple[Made, ...], ...]:
    # the same response times for all blocks, in an order without a trend
    times_s = [0.1 * factor * (1 + (number * 37 % 100) / 200) for number in range(COUNT)]
    return tuple((Made("open", duration_s=each), Made("use", duration_s=each)) for each in times_s)


def run_of(
    place: Path, name: str, factor: float = 1.0, load: Load | None = None, **changes: Any
) -> JudgedRun:
    (place / name).mkdir()
    end = RecordingEnd(COUNT, 0, 0.1, 1.0, 0.01)
    load = load or Load(iterations(factor), scheduled=COUNT, end=end)
    return JudgedRun(good_result(run_id=name, **changes), case_of(place / name, load))


def compared(place: Path, factor: float = 1.0, **changes: Any) -> Comparison:
    return compare_runs(run_of(place, "a"), run_of(place, "b", factor, **changes), RULE)


def test_a_slower_build_fails(tmp_path: Path) -> None:
    comparison = compared(tmp_path, 1.3)
    assert comparison.verdict is Verdict.FAIL
    outcomes = {step.step: {each.outcome for each in step.changes} for step in comparison.steps}
    assert outcomes == {step: {Outcome.SLOWER} for step in ("open", "use", "iteration")}


def test_runs_alike_pass_without_any_difference(tmp_path: Path) -> None:
    comparison = compared(tmp_path)
    assert comparison.verdict is Verdict.PASS
    assert (comparison.findings, comparison.quantities, comparison.errors,
            comparison.settings) == ((), (), (), ())  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [({"scenario": "other"}, Obstacle.OTHER_SCENARIO),
     ({"profile": "benchmark with 50 users"}, Obstacle.OTHER_PROFILE),
     ({"load": Load(())}, Obstacle.NO_EXCHANGES)],
)  # fmt: skip
def test_other_work_or_no_work_is_inconclusive(
    tmp_path: Path, changes: dict[str, Any], obstacle: Obstacle
) -> None:
    comparison = compared(tmp_path, **changes)
    assert (comparison.verdict, comparison.obstacles) == (Verdict.INCONCLUSIVE, (obstacle,))


def test_the_response_times_of_a_saturated_generator_are_not_compared(tmp_path: Path) -> None:
    busy = Load(iterations(2.0), scheduled=COUNT, end=RecordingEnd(COUNT, 0, 0.99, 1.0, 5.0))
    comparison = compared(tmp_path, load=busy)
    assert (comparison.verdict, comparison.obstacles) == (
        Verdict.INCONCLUSIVE, (Obstacle.SATURATED,),
    )  # fmt: skip


def test_too_few_exchanges_are_inconclusive(tmp_path: Path) -> None:
    comparison = compared(tmp_path, load=Load())
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert {each.not_judged for each in comparison.steps} == {NotJudged.TOO_FEW}


def finding(kind: Kind, verdict: Verdict) -> Finding:
    return Finding("a/check", "a check", kind, verdict, "all", "some")


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [(Kind.USAGE, Verdict.FAIL), (Kind.SUCCESS, Verdict.FAIL), (Kind.FLOW, Verdict.FAIL),
     (Kind.LATENCY, Verdict.PASS), (Kind.HEALTH, Verdict.PASS)],
)  # fmt: skip
def test_a_count_that_agreed_and_fails_now_is_a_regression_and_a_latency_limit_is_not(
    tmp_path: Path, kind: Kind, verdict: Verdict
) -> None:
    before = run_of(tmp_path, "a", findings=(finding(kind, Verdict.PASS),))
    after = run_of(tmp_path, "b", findings=(finding(kind, Verdict.FAIL),))
    comparison = compare_runs(before, after, RULE)
    (change,) = comparison.findings
    assert (change.before, change.after) == (Verdict.PASS, Verdict.FAIL)
    assert comparison.verdict is verdict


def test_what_failed_before_and_passes_now_is_no_regression(tmp_path: Path) -> None:
    before = run_of(tmp_path, "a", findings=(finding(Kind.USAGE, Verdict.FAIL),))
    after = run_of(tmp_path, "b", findings=(finding(Kind.USAGE, Verdict.PASS),))
    comparison = compare_runs(before, after, RULE)
    assert (len(comparison.findings), comparison.verdict) == (1, Verdict.PASS)


def test_a_row_of_the_balance_with_another_distance_is_shown(tmp_path: Path) -> None:
    before = run_of(tmp_path, "a", usage=(usage_row("uses", 9, labels={"kind": "tea"}),))
    row = usage_row("uses", 9, labels={"kind": "tea"}, figures=figures(7, 9, 9))
    comparison = compare_runs(before, run_of(tmp_path, "b", usage=(row,)), RULE)
    (change,) = comparison.quantities
    assert change.before is not None
    assert change.after is not None
    assert (change.quantity, change.before.distance, change.after.distance) == (
        "uses kind=tea", 0.0, -2.0,
    )  # fmt: skip


def test_errors_are_counted_by_step_and_reason(tmp_path: Path) -> None:
    load = Load((*iterations()[:-1], REFUSED), scheduled=COUNT,
                end=RecordingEnd(COUNT, 0, 0.1, 1.0, 0.01))  # fmt: skip
    (error,) = compared(tmp_path, load=load).errors
    assert error == ErrorChange("use", "status 409, expected 200", 0, COUNT, 1, COUNT)


def test_versions_and_machine_that_differ_are_shown(tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "versions": {"shop": "1.5"},
        "machine": "elsewhere",
        "scenario_sha256": "00",
    }
    names = {each.name for each in compared(tmp_path, **changes).settings}
    assert names >= {"version of shop", "machine of the load generator", "scenario file (SHA-256)"}


def test_the_noise_that_the_history_shows_is_used(tmp_path: Path) -> None:
    runs = nights(*[0.2, 0.5] * 10)
    after = run_of(tmp_path, "b", 1.3, machine=runs[0].machine)
    after = replace(after, result=replace(after.result, latency=tuple(
        replace(each, step="use") for each in after.result.latency[:1])))  # fmt: skip
    comparison = compare_runs(run_of(tmp_path, "a"), after, RULE, runs)
    assert comparison.measured_noise["use"].p95 > 0.5
    (use,) = [each for each in comparison.steps if each.step == "use"]
    assert {each.outcome for each in use.changes} == {Outcome.UNPROVEN}


def test_the_last_runs_are_compared_with_their_newest(tmp_path: Path) -> None:
    runs = nights(*[0.2] * 6, checks={"a/check": Verdict.PASS})
    after = run_of(tmp_path, "b", findings=(finding(Kind.USAGE, Verdict.FAIL),))
    comparison = compare_with_last(runs, after, 5, RULE)
    assert len(comparison.before) == 5
    assert [each.is_regression for each in comparison.findings] == [True]
    assert comparison.verdict is Verdict.FAIL


def test_without_earlier_runs_nothing_can_be_said(tmp_path: Path) -> None:
    comparison = compare_with_last((), run_of(tmp_path, "b"), 5, RULE)
    assert (comparison.verdict, comparison.before) == (Verdict.INCONCLUSIVE, ())
    assert compare_with_last([entry()], run_of(tmp_path, "c"), 5, RULE).verdict is (
        Verdict.INCONCLUSIVE
    )


def test_a_difference_is_proven_only_where_the_noise_between_runs_was_measured() -> None:
    changes = tuple(
        Change(Measure.SHIFT, 1.3, 1.2, 1.4, 0.0, 1.0, outcome=each)
        for each in (Outcome.SLOWER, Outcome.FASTER, Outcome.ALIKE)
    )
    steps = [StepComparison(name, 1000, 1000, changes=changes) for name in ("known", "unknown")]
    known, unknown = without_assumed_proof(steps, {"known"})
    assert known == steps[0]
    assert [each.outcome for each in unknown.changes] == [
        Outcome.PERHAPS_SLOWER, Outcome.PERHAPS_FASTER, Outcome.ALIKE,
    ]  # fmt: skip
