from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.case import Case, read_case
from checks.history.baseline import is_passing, regression_id
from checks.history.machine import machine_here
from checks.history.regression import judge_regression, judge_step
from checks.history.store import ComparableRuns, history_path, keep_history, write_entry
from checks.result import Finding
from checks.timings import NO_TIMINGS, Timings
from checks.verdict import Verdict
from config.errors import ConfigError
from scenarios.language.objectives import Regression
from scenarios.language.reader import read_scenario
from tests.checks.history.entries import HERE, STEPS, entry, nights, step_entry
from tests.evidence_factory import SCENARIO, Load, Made, write_run

RULE = Regression.model_validate({"p95": "20%", "runs": 5})
FIVE = (0.20, 0.19, 0.30, 0.21, 0.18)
SHA256 = entry().scenario_sha256


def _timings(*drawn: tuple[float, bool]) -> Timings:
    """Put response times, and whether there was a response, into columns."""
    served, timed_out = ([each for each, is_served in drawn if is_served is wanted]
                         for wanted in (True, False))  # fmt: skip
    return Timings(np.array(served), np.array(timed_out), np.empty(0))


def _judged(p95_s: float, *before: Any, rule: Regression = RULE, **changes: Any) -> Finding:
    """Judge a hundred values of which all are alike."""
    timings = _timings(*[(p95_s, True)] * 100)
    kept = ComparableRuns(HERE, before or nights(*FIVE))
    return judge_step("iteration", timings, rule, kept, **{"sha256": SHA256, **changes})


@pytest.mark.parametrize(
    ("p95_s", "verdict"), [(0.1, Verdict.PASS), (0.24, Verdict.PASS), (0.241, Verdict.FAIL)]
)
def test_a_p95_may_be_so_much_over_the_median_of_those_before(
    p95_s: float, verdict: Verdict
) -> None:
    assert _judged(p95_s).verdict is verdict


def test_the_finding_prints_the_rule_and_both_numbers() -> None:
    finding = _judged(0.251)
    assert finding.id == "regression/iteration/p95"
    assert finding.expected == (
        "p95 at most 0.240 s: 20 % over 0.200 s, the median of the last 5 passing runs"
    )
    assert finding.observed == "0.251 s"


@given(st.lists(st.floats(0.00001, 100), min_size=3, max_size=8), st.floats(0.00001, 200))
def test_the_numbers_that_are_printed_stand_to_each_other_as_the_verdict_says(
    before: list[float], now: float
) -> None:
    finding = _judged(now, *nights(*before))
    limit = float(finding.expected.removeprefix("p95 at most ").split(" s")[0])
    observed = float(finding.observed.removesuffix(" s"))
    assert (observed > limit) is (finding.verdict is Verdict.FAIL)


@given(st.lists(st.floats(0.01, 10), min_size=5, max_size=12), st.floats(0.01, 10))
def test_only_the_last_runs_count_and_half_of_them_were_at_most_the_median(
    before: list[float], now: float
) -> None:
    last = sorted(before[-5:])
    expected = Verdict.FAIL if now > last[2] * (1 + RULE.p95) else Verdict.PASS
    assert _judged(now, *nights(*before)).verdict is expected


def test_of_four_runs_the_median_is_one_that_was_measured() -> None:
    finding = _judged(0.1, *nights(0.1, 0.2, 0.3, 0.4))
    assert "20 % over 0.200 s, the median of the last 4 passing runs" in finding.expected
    assert "The rule asks for 5 runs; there are 4 on this machine." in finding.detail


def test_two_runs_are_too_few_to_judge_by() -> None:
    finding = _judged(0.1, *nights(0.2, 0.2))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.expected == "p95 at most 20 % over the median of the last 5 passing runs"
    assert finding.observed == "2 of 3 earlier passing runs on this machine"


@pytest.mark.parametrize(
    "changes",
    [
        {"machine": "aarch64, 8 cores"},
        {"machine": ""},
        {"partial": True},
        {"checks": {}},
        {"checks": {"usage/uses": Verdict.FAIL}},
        {"checks": {"usage/uses": Verdict.INCONCLUSIVE}},
        {"checks": {"latency": Verdict.INCONCLUSIVE, regression_id("iteration"): Verdict.PASS}},
        {"latency": {"open": step_entry(0.2)}},
    ],
    ids=str,
)
def test_a_run_is_no_baseline_with(changes: dict[str, Any]) -> None:
    finding = _judged(0.1, *nights(0.2, 0.2), entry(9, **changes))
    assert finding.observed == "2 of 3 earlier passing runs on this machine"


def test_nothing_is_compared_on_a_machine_that_is_not_known() -> None:
    kept = ComparableRuns("", nights(*FIVE, machine=""))
    finding = judge_step("iteration", _timings((0.1, True)), RULE, kept, SHA256)
    assert finding.observed == "0 of 3 earlier passing runs on this machine"


@pytest.mark.parametrize(
    ("verdict", "passes"),
    [(Verdict.PASS, True), (Verdict.INCONCLUSIVE, True), (Verdict.FAIL, False)],
)
def test_a_run_passed_unless_it_was_found_slower(verdict: Verdict, passes: bool) -> None:
    own = {regression_id(step): verdict for step in STEPS}
    assert is_passing(entry(checks={"success rate": Verdict.PASS, **own})) is passes


def test_a_run_of_which_only_the_regression_was_checked_did_not_pass() -> None:
    assert not is_passing(entry(checks={regression_id(step): Verdict.PASS for step in STEPS}))


def test_a_query_named_like_a_regression_is_none() -> None:
    checks = {"success rate": Verdict.PASS, regression_id("a query's name"): Verdict.INCONCLUSIVE}
    assert not is_passing(entry(checks=checks))


def test_runs_that_were_found_slower_never_become_what_is_usual() -> None:
    slow = {"success rate": Verdict.PASS, regression_id("iteration"): Verdict.FAIL}
    before = nights(*FIVE, *[0.5] * 9)
    runs = (*before[:5], *(replace(each, checks=slow) for each in before[5:]))
    assert _judged(0.5, *runs).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("p95_s", "message"), [(0.2, "overlaps that of the median run"), (0.3, "does not overlap")]
)
def test_the_detail_says_whether_the_difference_may_be_chance(p95_s: float, message: str) -> None:
    assert message in _judged(p95_s).detail


def test_few_values_bound_nothing_and_the_detail_says_so() -> None:
    before = nights(0.2, 0.2, 0.2, latency={"iteration": step_entry(0.2, p95_high=None)})
    finding = judge_step(
        "iteration", _timings((9.0, True)), RULE, ComparableRuns(HERE, before), SHA256
    )
    assert finding.verdict is Verdict.PASS
    assert "1 of 1 value over: nothing is proven, not judged." in finding.detail
    assert "not bounded by so few values, overlaps that of the median run, 0.192 s or more" in (
        finding.detail
    )


def test_runs_of_another_version_of_the_scenario_are_not_compared() -> None:
    changed = [replace(each, scenario_sha256="another") for each in nights(0.2, 0.2)]
    finding = _judged(0.1, *changed, entry(5))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.observed == (
        "1 of 3 earlier passing runs on this machine; 2 of another scenario file are not compared"
    )


def test_requests_without_an_answer_that_could_tip_it_leave_it_open() -> None:
    timings = _timings(*[(0.1, True)] * 90, *[(0.1, False)] * 10)
    finding = judge_step("iteration", timings, RULE, ComparableRuns(HERE, nights(*FIVE)), SHA256)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "10 without a response" in finding.detail


def test_a_busy_generator_leaves_it_open_and_says_why() -> None:
    finding = _judged(0.9, bottleneck_reason="95% of a core used")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.detail.startswith("The load generator was saturated: 95% of a core used.")


def _case(place: Path, rule: str = "regression: {p95: 20%}", duration_s: float = 0.1) -> Case:
    """Write a run of which each step took so long, after five that took 0.1 s."""
    slow = (Made("open", duration_s=duration_s), Made("use", duration_s=duration_s))
    scenario = SCENARIO.replace("  success_rate", f"  {rule}\n  success_rate")
    folder = write_run(place, Load((slow,) * 4), scenario=scenario)
    latency = {"open": step_entry(0.1), "use": step_entry(0.1), "iteration": step_entry(0.2)}
    for each in nights(*[0.1] * 5, machine=machine_here(), latency=latency):
        write_entry(history_path(folder), each)
    keep_history(history_path(folder), folder, folder.read_run())
    return read_case(folder)


def test_without_the_rule_nothing_is_judged(tmp_path: Path) -> None:
    case = _case(tmp_path, rule="", duration_s=9.0)
    assert judge_regression(case).findings == ()


@pytest.mark.parametrize(("duration_s", "verdict"), [(0.11, Verdict.PASS), (0.13, Verdict.FAIL)])
def test_every_step_and_the_iteration_are_judged(
    tmp_path: Path, duration_s: float, verdict: Verdict
) -> None:
    findings = judge_regression(_case(tmp_path, duration_s=duration_s)).findings
    assert {each.id: each.verdict for each in findings} == {
        regression_id(step): verdict for step in STEPS
    }


def test_only_the_steps_that_are_named_are_judged(tmp_path: Path) -> None:
    case = _case(tmp_path, rule="regression: {p95: 20%, steps: [use, iteration]}")
    checks = [each.id for each in judge_regression(case).findings]
    assert checks == ["regression/use/p95", "regression/iteration/p95"]


def test_a_step_that_was_not_sent_is_inconclusive() -> None:
    finding = judge_step("none", NO_TIMINGS, RULE, ComparableRuns(HERE, nights(*FIVE)), SHA256)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.observed == "no request of this step was sent"


def test_a_run_without_a_history_in_its_evidence_is_inconclusive(tmp_path: Path) -> None:
    case = _case(tmp_path)
    (case.folder.evidence / "history.json").unlink()
    findings = judge_regression(case).findings
    assert {each.verdict for each in findings} == {Verdict.INCONCLUSIVE}
    assert {each.observed for each in findings} == {"no history was kept with this run"}


def test_a_run_without_a_phase_is_inconclusive(tmp_path: Path) -> None:
    scenario = SCENARIO.replace("  success_rate", "  regression: {p95: 20%}\n  success_rate")
    case = read_case(write_run(tmp_path, scenario=scenario))
    assert [each.verdict for each in judge_regression(case).findings] == [Verdict.INCONCLUSIVE]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{p95: 0%}", "a margin below 1% is within the noise"),
        ("{p95: 120%}", "not a percentage"),
        ("{p95: 0.2}", "not a percentage"),
        ("{runs: 5}", "'checks.regression.p95' is missing"),
        ("{p95: 20%, runs: 2}", "greater than or equal to 3"),
        ("{p95: 20%, runs: 31}", "less than or equal to 30"),
        ("{p95: 20%, steps: []}", "at least 1 item"),
        ("{p95: 20%, step: use}", "did you mean steps?"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(tmp_path: Path, rule: str, message: str) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(SCENARIO.replace("  success_rate", f"  regression: {rule}\n  success_rate"))
    with pytest.raises(ConfigError) as error:
        read_scenario(path)
    assert message in str(error.value)


def test_it_is_off_unless_the_scenario_asks_for_it(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(SCENARIO)
    assert read_scenario(path).checks.regression is None
