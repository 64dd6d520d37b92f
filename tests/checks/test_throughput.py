from dataclasses import replace
from pathlib import Path

import pytest

from checks.result import Finding
from checks.throughput import judge_throughput
from checks.verdict import Verdict
from scenarios.evidence.recording import RecordingEnd
from tests.evidence_factory import GOOD, REFUSED, SCENARIO, Load, Made, case_of

# Iteration n is due at second n, and done 0.2 s later; the window is the first ten seconds.
END = RecordingEnd(20, 0, 0.1, 10.0, 0.01)


def judged(place: Path, objective: str, *loads: Load) -> list[Finding]:
    checks = f"checks:\n  throughput: {objective}\n"
    case = case_of(place, *loads, scenario=SCENARIO.replace("checks:\n", checks))
    return list(judge_throughput(case).findings)


def load(count: int = 20, end: RecordingEnd | None = END, kind: tuple[Made, ...] = GOOD) -> Load:
    return Load((kind,) * count, scheduled=count, end=end)


@pytest.mark.parametrize(
    ("at_least", "verdict"), [("0.9/s", Verdict.PASS), ("0.91/s", Verdict.FAIL)]
)
def test_what_was_completed_in_the_measured_window_is_judged(
    tmp_path: Path, at_least: str, verdict: Verdict
) -> None:
    (finding,) = judged(tmp_path, f"{{at_least: {at_least}}}", load())
    assert finding.id == "throughput/iteration"
    assert finding.verdict is verdict
    assert finding.observed.endswith("/s: 9 completed in 10.0 s")


def test_what_ended_in_the_warm_up_does_not_count(tmp_path: Path) -> None:
    end = replace(END, window_from_s=3.0, wall_s=7.0)
    (finding,) = judged(tmp_path, "{at_least: 1/s}", load(end=end))
    assert finding.observed == "1.0/s: 7 completed in 7.0 s"
    assert finding.verdict is Verdict.PASS


def test_only_complete_iterations_count_and_of_a_step_its_expected_responses(
    tmp_path: Path,
) -> None:
    objectives = "[{at_least: 0.5/s}, {step: open, at_least: 0.5/s}, {step: use, at_least: 1/m}]"
    findings = judged(tmp_path, objectives, load(kind=REFUSED))
    assert {each.id: each.verdict for each in findings} == {
        "throughput/iteration": Verdict.FAIL,
        "throughput/open": Verdict.PASS,
        "throughput/use": Verdict.FAIL,
    }
    assert findings[0].reason == "iteration 0.0/s, at least 0.5/s required"


def test_a_saturated_generator_may_have_set_the_throughput_but_reached_what_it_reached(
    tmp_path: Path,
) -> None:
    end = replace(END, cpu_s=9.9)
    (too_low,) = judged(tmp_path, "{at_least: 2/s}", load(end=end))
    assert too_low.verdict is Verdict.INCONCLUSIVE
    assert too_low.detail.startswith("The load generator was saturated: 99% of a core used")


def test_a_saturated_generator_that_reached_it_passes(tmp_path: Path) -> None:
    (reached,) = judged(tmp_path, "{at_least: 0.5/s}", load(end=replace(END, cpu_s=9.9)))
    assert reached.verdict is Verdict.PASS


def test_without_a_measured_window_nothing_is_judged(tmp_path: Path) -> None:
    (finding,) = judged(tmp_path, "{at_least: 0.1/s}", load(end=None))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.observed == "no generator recorded a measured window"


def test_one_iteration_is_no_load_whose_throughput_could_be_judged(tmp_path: Path) -> None:
    scenario = SCENARIO.replace("iterations: 4", "iterations: 1").replace(
        "checks:\n", "checks:\n  throughput: {at_least: 50/s}\n"
    )
    case = case_of(tmp_path, Load((GOOD,), scheduled=1, end=END), scenario=scenario)
    assert judge_throughput(case).findings == ()
