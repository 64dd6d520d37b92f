from pathlib import Path

import pytest

from checks.latency import judge_latency
from checks.result import Finding
from checks.success import completed, judge_success
from checks.verdict import Verdict
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import RecordingEnd, StopReason
from scenarios.evidence.run_folder import Interruption
from tests.evidence_factory import (
    GOOD,
    NOT_SENT,
    REFUSED,
    SCENARIO,
    STOPPED,
    TIMED_OUT,
    Load,
    Made,
    case_of,
)

_UNFINISHED = (Made("open"), Made("use", concluded=False))


def _judged(
    place: Path, load: Load, interruption: Interruption | None = None, rate: str = "75%"
) -> dict[str, Finding]:
    scenario = SCENARIO.replace("success_rate: 75%", f"success_rate: {rate}")
    case = case_of(place, load, interruption=interruption, scenario=scenario)
    return {each.id: each for each in judge_success(case).findings}


def test_a_run_in_which_all_went_well_passes(tmp_path: Path) -> None:
    findings = _judged(tmp_path, Load())
    assert {name: each.verdict for name, each in findings.items()} == {
        "flow/open": Verdict.PASS,
        "flow/use": Verdict.PASS,
        "success/load": Verdict.PASS,
    }


def test_a_share_of_failures_within_the_rate_passes(tmp_path: Path) -> None:
    findings = _judged(tmp_path, Load((GOOD, GOOD, GOOD, REFUSED)))
    assert {each.verdict for each in findings.values()} == {Verdict.PASS}


@pytest.mark.parametrize("bad", [REFUSED, TIMED_OUT, NOT_SENT])
def test_more_failures_than_the_rate_allows_fail(tmp_path: Path, bad: tuple[Made, ...]) -> None:
    findings = _judged(tmp_path, Load((GOOD, GOOD, bad, bad)))
    assert findings["success/load"].verdict is Verdict.FAIL
    assert findings["success/load"].observed.startswith("2 of 4 iterations; 2 ")
    assert bad[-1].reason in findings["success/load"].observed
    assert bad[-1].reason in findings["success/load"].reason


def test_a_step_says_what_came_of_the_others(tmp_path: Path) -> None:
    use = _judged(tmp_path, Load((GOOD, REFUSED, TIMED_OUT, TIMED_OUT)))["flow/use"]
    *counts, last = [each.split(" (first at ")[0] for each in use.observed.split("; ")]
    assert counts == ["1 of 4 as expected", "2 unknown: read timeout"]
    assert last == "1 rejected: status 409, expected 200"
    assert use.reason == "use: read timeout (2 of 4)"
    assert use.verdict is Verdict.FAIL


def test_a_step_that_nothing_reached_is_inconclusive(tmp_path: Path) -> None:
    findings = _judged(tmp_path, Load((NOT_SENT,) * 4))
    assert findings["flow/use"].verdict is Verdict.INCONCLUSIVE
    assert findings["flow/use"].observed == "no request of this step was sent"
    assert findings["flow/open"].verdict is Verdict.FAIL
    assert findings["flow/open"].reason == "open: could not connect (4 of 4)"


def test_dropped_iterations_count_against_the_rate(tmp_path: Path) -> None:
    findings = _judged(tmp_path, Load((GOOD, GOOD), end=RecordingEnd(2, 2, 0.1, 1.0)))
    assert findings["success/load"].verdict is Verdict.FAIL


def test_what_could_not_be_recorded_is_not_held_against_the_services(tmp_path: Path) -> None:
    end = RecordingEnd(2, 2, 0.1, 1.0, stop_reason=StopReason.CANNOT_RECORD, stopped="any words")
    load = Load((GOOD, GOOD), end=end)
    assert _judged(tmp_path, load)["success/load"].verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("reason", [None, *StopReason])
def test_what_a_stop_is_called_does_not_excuse_the_services(
    tmp_path: Path, reason: StopReason | None
) -> None:
    end = RecordingEnd(
        2, 2, 0.1, 1.0, stop_reason=reason, stopped="the recording cannot be written"
    )
    is_failed = _judged(tmp_path, Load((GOOD, GOOD), end=end))["success/load"].verdict is (
        Verdict.FAIL
    )
    assert is_failed is (reason is not StopReason.CANNOT_RECORD)


def test_an_interrupted_run_is_inconclusive_about_what_it_did_not_see(tmp_path: Path) -> None:
    load = Load((GOOD, GOOD, _UNFINISHED), end=RecordingEnd(3, 1, 0.1, 1.0))
    findings = _judged(tmp_path, load, STOPPED)
    assert findings["success/load"].verdict is Verdict.INCONCLUSIVE
    assert findings["flow/use"].verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("iterations", "dropped", "verdict"),
    [
        ((GOOD, GOOD), 0, Verdict.PASS),
        ((GOOD, GOOD, REFUSED), 0, Verdict.FAIL),
        ((GOOD, GOOD), 1, Verdict.FAIL),
        ((), 0, Verdict.INCONCLUSIVE),
    ],
    ids=["all well", "one refused", "one dropped", "nothing begun"],
)
def test_an_interrupted_run_is_judged_by_what_it_did_and_not_by_what_it_left(
    tmp_path: Path, iterations: tuple[tuple[Made, ...], ...], dropped: int, verdict: Verdict
) -> None:
    begun = len(iterations)
    end = RecordingEnd(
        begun, dropped, 0.1, 1.0, stop_reason=StopReason.INTERRUPTED, stopped="any words",
        not_started=4 - begun - dropped,
    )  # fmt: skip
    finding = _judged(tmp_path, Load(iterations, end=end), STOPPED)["success/load"]
    assert finding.verdict is verdict
    counts, *others = finding.observed.split("; ")
    assert counts.endswith(f"of {begun + dropped} iterations begun")
    assert "any words" not in others


@pytest.mark.parametrize(
    ("iterations", "verdict"), [((GOOD, GOOD), Verdict.PASS), ((GOOD, REFUSED), Verdict.FAIL)]
)
def test_a_load_that_ended_with_its_data_rows_is_judged_by_what_it_did(
    tmp_path: Path, iterations: tuple[tuple[Made, ...], ...], verdict: Verdict
) -> None:
    end = RecordingEnd(2, 0, 0.1, 1.0, stop_reason=StopReason.DATA_USED_UP, stopped="any words",
                       not_started=2)  # fmt: skip
    finding = _judged(tmp_path, Load(iterations, end=end))["success/load"]
    assert finding.verdict is verdict
    assert "of 2 iterations begun" in finding.observed


@pytest.mark.parametrize("reason", StopReason)
def test_only_a_load_that_aborted_itself_holds_what_it_left_against_the_services(
    tmp_path: Path, reason: StopReason
) -> None:
    end = RecordingEnd(2, 0, 0.1, 1.0, stop_reason=reason, stopped="any words", not_started=2)
    finding = _judged(tmp_path, Load((GOOD, GOOD), end=end))["success/load"]
    expected = {StopReason.ABORTED: Verdict.FAIL, StopReason.DATA_USED_UP: Verdict.PASS}
    assert finding.verdict is expected.get(reason, Verdict.INCONCLUSIVE)


def test_an_interrupted_run_fails_where_the_rest_cannot_save_it(tmp_path: Path) -> None:
    load = Load((REFUSED, REFUSED), end=None)
    findings = _judged(tmp_path, load, STOPPED)
    assert findings["success/load"].verdict is Verdict.FAIL


def test_a_profile_for_a_time_is_judged_on_what_it_began(tmp_path: Path) -> None:
    load = Load((GOOD, GOOD), profile="while", scheduled=None, end=RecordingEnd(2, 0, 0.1, 1.0))
    assert _judged(tmp_path, load)["success/while"].observed == "2 of 2 iterations"


def test_a_profile_that_began_nothing_is_inconclusive(tmp_path: Path) -> None:
    load = Load((), profile="while", scheduled=None, end=RecordingEnd(0, 0, 0.1, 1.0))
    findings = _judged(tmp_path, load)
    assert {each.verdict for each in findings.values()} == {Verdict.INCONCLUSIVE}


def test_an_iteration_that_stopped_half_way_is_not_completed(tmp_path: Path) -> None:
    case = case_of(tmp_path, Load((GOOD, (Made("open"),), REFUSED, GOOD)))
    assert completed(case.driven[0]) == 2


LEFT_OUT = SCENARIO.replace(
    """  - step: open
    request: POST shop /open
    counts: {visits: 1}
  - step: use
    request: POST shop /use
    counts: {uses: {tea: 1, coffee: 2}}
""",
    """  - if: "{{ unique == 'x' }}"
    steps: [{step: open, request: POST shop /open, counts: {visits: 1}}]
  - {step: use, request: POST shop /use, counts: {uses: {tea: 1, coffee: 2}}}
""",
)


def test_a_step_that_iterations_left_out_as_they_may_passes_and_says_so(tmp_path: Path) -> None:
    use = (Made("use"),)
    case = case_of(tmp_path, Load((use,) * 4), scenario=LEFT_OUT)
    findings = {each.id: each for each in (*judge_success(case).findings,
                                           *judge_latency(case).findings)}  # fmt: skip
    assert findings["flow/open"].verdict is Verdict.PASS
    assert "no iteration came to it" in findings["flow/open"].observed
    assert not any(name.startswith("latency/open") for name in findings)
    named = LEFT_OUT.replace("{step: iteration, p50: 3s}", "{step: open, p50: 3s}")
    (tmp_path / "named").mkdir()
    case = case_of(tmp_path / "named", Load((use,) * 4), scenario=named)
    assert Verdict.INCONCLUSIVE in {each.verdict for each in judge_latency(case).findings}


def test_a_step_that_may_be_left_out_is_open_where_no_iteration_came_to_its_end(
    tmp_path: Path,
) -> None:
    refused = (Made("use", Outcome.REJECTED, 500, "status 500, expected 200"),)
    case = case_of(tmp_path, Load((refused,) * 4), scenario=LEFT_OUT)
    findings = {each.id: each for each in judge_success(case).findings}
    assert findings["flow/open"].verdict is Verdict.INCONCLUSIVE


def test_exactly_the_asked_share_passes_whatever_binary_fractions_say(tmp_path: Path) -> None:
    scheduled = SCENARIO.replace("iterations: 4", "iterations: 100")
    scenario = scheduled.replace("success_rate: 75%", "success_rate: 55%")
    load = Load((GOOD,) * 55 + (REFUSED,) * 45, scheduled=100, end=RecordingEnd(100, 0, 0.1, 1.0))
    findings = judge_success(case_of(tmp_path, load, scenario=scenario)).findings
    assert findings[-1].verdict is Verdict.PASS


@pytest.mark.parametrize(("profile", "count"), [("load", 4), ("while", 2)])
def test_a_load_that_aborted_itself_is_blamed_on_what_failed(
    tmp_path: Path, profile: str, count: int
) -> None:
    stopped = "aborted: 0 of 12 iterations in the last 10 s succeeded, at least 10 % required"
    end = RecordingEnd(2, 0, 0.1, 1.0, stop_reason=StopReason.ABORTED, stopped=stopped,
                       not_started=2)  # fmt: skip
    load = Load((REFUSED, REFUSED), profile=profile, end=end)
    success = _judged(tmp_path, load)[f"success/{profile}"]
    assert success.verdict is Verdict.FAIL
    assert f"2 not started; {stopped}; 2 rejected: status 409" in success.observed
    assert success.reason == f"use: status 409, expected 200 (2 of {count})"


@pytest.mark.parametrize(
    ("errors", "verdicts"),
    [
        ("[{step: use, at_most: 50%}]", (Verdict.PASS, Verdict.PASS)),
        ("[{step: use, at_most: 49%}]", (Verdict.PASS, Verdict.FAIL)),
        ("[{at_most: 50%}]", (Verdict.PASS, Verdict.PASS)),
        ("[{at_most: 0%}, {step: use, at_most: 50%}]", (Verdict.PASS, Verdict.PASS)),
        ("[{step: open, at_most: 0%}]", (Verdict.PASS, Verdict.FAIL)),
    ],
)
def test_the_errors_of_a_step_are_judged_by_its_own_limit_in_place_of_the_success_rate(
    tmp_path: Path, errors: str, verdicts: tuple[Verdict, Verdict]
) -> None:
    scenario = SCENARIO.replace("checks:\n", f"checks:\n  errors: {errors}\n")
    case = case_of(tmp_path, Load((GOOD, GOOD, REFUSED, REFUSED)), scenario=scenario)
    findings = {each.id: each for each in judge_success(case).findings}
    assert (findings["flow/open"].verdict, findings["flow/use"].verdict) == verdicts
    assert findings["success/load"].verdict is Verdict.FAIL


def test_requests_that_were_cut_off_leave_the_errors_of_a_step_open(tmp_path: Path) -> None:
    scenario = SCENARIO.replace("checks:\n", "checks:\n  errors: [{step: use, at_most: 40%}]\n")
    cut_off = (Made("open"), Made("use", concluded=False))
    case = case_of(tmp_path, Load((GOOD, GOOD, REFUSED, cut_off), end=None), scenario=scenario)
    finding = next(each for each in judge_success(case).findings if each.id == "flow/use")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.expected == "at most 40 % errors"
