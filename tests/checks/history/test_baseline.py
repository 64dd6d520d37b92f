from dataclasses import replace

import pytest

from checks.history.baseline import Conditions, baseline, is_passing, median_entry, regression_id
from checks.verdict import Verdict
from tests.checks.history.entries import SAME, entry, nights


def test_the_baseline_is_the_last_passing_runs_on_the_same_machine_oldest_first() -> None:
    first, second, third, fourth = nights(0.1, 0.2, 0.3, 0.4)
    runs = (first, second, replace(third, machine="aarch64, 8 cores"), fourth)
    assert baseline(runs, SAME, "use", 2) == (second, fourth)
    assert baseline(runs, SAME, "use", 9) == (first, second, fourth)


UNKNOWN = replace(SAME, machine="")


def test_a_run_of_another_scenario_file_is_no_baseline() -> None:
    first, second = nights(0.1, 0.2)
    edited = replace(second, scenario_sha256="another")
    assert baseline((first, edited), SAME, "use", 9) == (first,)
    assert baseline((first, edited), Conditions(SAME.machine, "another"), "use", 9) == (edited,)


def test_an_unknown_machine_or_step_has_no_baseline() -> None:
    runs = nights(0.1, 0.2)
    assert baseline(runs, UNKNOWN, "use", 5) == ()
    assert baseline(tuple(replace(each, machine="") for each in runs), UNKNOWN, "use", 5) == ()
    assert baseline(runs, SAME, "unknown step", 5) == ()


@pytest.mark.parametrize(
    ("verdict", "passes"),
    [(Verdict.PASS, True), (Verdict.INCONCLUSIVE, True), (Verdict.FAIL, False)],
)
def test_a_run_whose_regression_could_not_be_judged_passes_a_slower_one_does_not(
    verdict: Verdict, passes: bool
) -> None:
    checks = {"usage/uses": Verdict.PASS, regression_id("use"): verdict}
    assert is_passing(entry(checks=checks)) is passes


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE])
def test_a_run_with_any_other_check_that_did_not_pass_does_not_pass(verdict: Verdict) -> None:
    assert not is_passing(entry(checks={"usage/uses": verdict}))
    assert not is_passing(entry(checks={}))
    assert not is_passing(entry(partial=True))


def test_the_median_run_is_one_of_the_runs_the_faster_of_two_in_the_middle() -> None:
    runs = nights(0.3, 0.1, 0.4, 0.2)
    assert median_entry(runs, "use") is runs[3]
    assert median_entry(runs[:3], "use") is runs[0]


def test_the_regression_of_all_steps_has_an_id_without_a_step() -> None:
    assert regression_id("") == "regression"
    assert regression_id("use cards") == "regression/use-cards/p95"
