"""The audit reports each difference between what a run must come to and what it came to."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from checks.audit import (
    CLEAN,
    EXPECTATIONS,
    LOCAL,
    OF_OTHER_ENVIRONMENTS,
    Audit,
    AuditedRun,
    Expectation,
    audit_json,
    judge_run,
    parse_result,
    planned_runs,
)
from checks.observations import Generator
from checks.result import Code, Finding, Kind, Result
from checks.result_document import render_result
from checks.verdict import Verdict, exit_code
from reference_services.faults.catalog import FAULTS

AT = datetime(2026, 11, 22, 17, 50, tzinfo=UTC)
USED = "usage/cards_used"
LOST = Expectation("lost", Verdict.FAIL, {USED: Code.LOST_COUNT}, ("the counter missed",))
CLEAN_RUN = Expectation(CLEAN, Verdict.PASS, {})


def finding(check: str = USED, code: Code | None = Code.LOST_COUNT, **changes: str) -> Finding:
    texts = {"observed": "98", "detail": "the counter missed what was done", **changes}
    return Finding(
        check, check, Kind.USAGE, Verdict.FAIL, "101", texts["observed"], texts["detail"], code
    )


def result_of(*findings: Finding, verdict: Verdict = Verdict.FAIL, partial: bool = False) -> Result:
    fine = replace(finding("usage/sessions", None), verdict=Verdict.PASS)
    return Result(
        run_id="20261122-175000-7f3a", verdict=verdict, environment="local", scenario="one",
        profile="e2e", started_at=AT, finished_at=AT, findings=(fine, *findings), usage=(),
        latency=(), generator=Generator(None, None, None, None), versions={}, partial=partial,
    )  # fmt: skip


def judged(
    result: Result | None, code: int = 1, expected: Expectation = LOST, duration_s: float = 14.0
) -> AuditedRun:
    return judge_run(expected, "Forget to count.", code, result, duration_s, "02-lost/1")


def audit(*runs: AuditedRun, planned: int) -> Audit:
    return Audit(AT, AT + timedelta(minutes=6), runs, planned, {"python": "3.11"}, "run.py audit")


def test_every_fault_has_one_expectation_and_every_expectation_a_fault() -> None:
    assert sorted(each.fault for each in EXPECTATIONS) == sorted(FAULTS)


def test_every_fault_is_described_in_a_sentence() -> None:
    assert all(fault.sentence.endswith(".") for fault in FAULTS.values())


def test_faults_are_seeded_where_witnesses_are_absent_too_under_names_of_their_own() -> None:
    assert {each.environment for each in EXPECTATIONS} == {LOCAL}
    assert all(each.environment != LOCAL for each in OF_OTHER_ENVIRONMENTS)
    assert {each.fault for each in OF_OTHER_ENVIRONMENTS} <= FAULTS.keys()
    names = [each.name for each in (*EXPECTATIONS, *OF_OTHER_ENVIRONMENTS)]
    assert len(names) == len({*names})


@pytest.mark.parametrize(
    "expected", [*EXPECTATIONS, *OF_OTHER_ENVIRONMENTS], ids=lambda each: each.name
)
def test_no_fault_is_expected_to_go_unnoticed(expected: Expectation) -> None:
    assert expected.verdict is not Verdict.PASS
    assert expected.findings


def test_a_run_that_comes_to_what_it_must_is_caught() -> None:
    caught = judged(result_of(finding()))
    assert caught.is_caught
    assert caught.verdict is Verdict.FAIL
    assert caught.findings == {USED: Code.LOST_COUNT}
    assert caught.explanation == f"{USED}: 98 the counter missed what was done"


def test_a_clean_run_is_caught_by_passing() -> None:
    assert judged(result_of(verdict=Verdict.PASS), 0, CLEAN_RUN).is_caught
    assert not judged(result_of(finding()), 1, CLEAN_RUN).is_caught


OTHER = finding("usage/cards_fetched", Code.LOST_ROW)


@pytest.mark.parametrize(
    ("result", "code", "errors"),
    [
        (result_of(finding(), verdict=Verdict.INCONCLUSIVE), 3,
         ["the verdict is inconclusive, not fail"]),
        (result_of(), 1, [f"{USED} passed", "no explanation has 'the counter missed'"]),
        (result_of(finding(), OTHER), 1, ["usage/cards_fetched did not pass"]),
        (result_of(finding(code=Code.LOST_ROW)), 1,
         [f"{USED} has the code LOST_ROW, not LOST_COUNT"]),
        (result_of(finding(code=None)), 1, [f"{USED} has the code None, not LOST_COUNT"]),
        (result_of(finding(detail="it differs")), 1, ["no explanation has 'the counter missed'"]),
        (None, 2, ["the run ended with exit code 2 and without a result"]),
        (None, -9, ["the run ended with exit code -9 and without a result"]),
        (result_of(finding()), 0, ["the exit code 0 is not that of the verdict fail"]),
        (result_of(finding(), partial=True), 1, ["the run is partial"]),
    ],
    ids=["verdict", "missing", "too many", "code", "no code", "explanation", "no result",
         "killed", "exit code", "partial"],
)  # fmt: skip
def test_each_error_is_found_and_no_other(
    result: Result | None, code: int, errors: list[str]
) -> None:
    audited = judged(result, code)
    assert list(audited.errors) == errors
    assert not audited.is_caught


def test_a_finding_that_must_have_no_code_may_not_have_one() -> None:
    slow = Expectation("slow", Verdict.FAIL, {USED: None})
    assert judged(result_of(finding(code=None)), expected=slow).is_caught
    assert not judged(result_of(finding()), expected=slow).is_caught


@pytest.mark.parametrize("faults", [[], ["stall"], ["stall", "slow-tail"], list(FAULTS)])
def test_clean_runs_stand_at_both_ends_and_between(faults: list[str]) -> None:
    planned = [each.fault for each in planned_runs(faults)]
    assert sorted(each for each in planned if each != CLEAN) == sorted(faults)
    places = [place for place, fault in enumerate(planned) if fault == CLEAN]
    assert len(places) == 3
    assert (places[0], places[2]) == (0, len(planned) - 1)
    assert abs(places[1] - (places[0] + places[2]) / 2) <= 0.5


def test_each_environment_without_a_witness_has_a_clean_run_first() -> None:
    planned = planned_runs([each.name for each in OF_OTHER_ENVIRONMENTS])
    assert [each.fault for each in planned[:3]] == [CLEAN] * 3
    environments = [each.environment for each in planned[3:]]
    assert environments == sorted(environments, key=environments.index)
    for environment in {*environments}:
        of_it = [each for each in planned if each.environment == environment]
        assert of_it[0].fault == CLEAN
        assert all(each.fault != CLEAN for each in of_it[1:])
    names = [each.name for each in planned]
    assert {each.name for each in OF_OTHER_ENVIRONMENTS} < {*names}


def test_clean_runs_must_pass_without_a_finding() -> None:
    clean = planned_runs([])[0]
    assert (clean.verdict, clean.findings) == (Verdict.PASS, {})


CAUGHT, MISSED = judged(result_of(finding())), judged(None)


@pytest.mark.parametrize(
    ("runs", "planned", "verdict"),
    [
        ((CAUGHT, CAUGHT), 2, Verdict.PASS),
        ((CAUGHT,), 2, Verdict.INCONCLUSIVE),
        ((), 2, Verdict.INCONCLUSIVE),
        ((), 0, Verdict.INCONCLUSIVE),
        ((CAUGHT, MISSED), 2, Verdict.FAIL),
        ((MISSED,), 2, Verdict.FAIL),
    ],
    ids=["all", "not all", "none", "nothing planned", "one missed", "one missed, not all"],
)
def test_only_an_audit_that_is_whole_and_as_expected_passes(
    runs: tuple[AuditedRun, ...], planned: int, verdict: Verdict
) -> None:
    audited = audit(*runs, planned=planned)
    assert audited.verdict is verdict
    assert (exit_code(audited.verdict) == 0) == (verdict is Verdict.PASS)


@pytest.mark.parametrize(
    "stdout",
    [b"", b"Killed", b"\xff", b'{"exit_code": 2, "problems": ["no"]}', b"null", b"[]",
     render_result(result_of()).encode()[:-2], render_result(result_of()).encode() * 2],
)  # fmt: skip
def test_what_is_no_result_is_none(stdout: bytes) -> None:
    assert parse_result(stdout) is None


def test_a_printed_result_is_read_back() -> None:
    result = result_of(finding(), OTHER)
    assert parse_result(render_result(result).encode()) == result


def test_the_document_says_what_was_caught_and_what_was_missed() -> None:
    document = json.loads(audit_json(audit(CAUGHT, MISSED, planned=3)))
    assert (document["verdict"], document["planned"]) == ("fail", 3)
    first, second = document["runs"]
    assert (first["caught"], second["caught"]) == (True, False)
    assert first["findings"] == first["expected"]["findings"] == {USED: "LOST_COUNT"}
    assert second["verdict"] is None
    assert second["errors"] == ["the run ended with exit code 1 and without a result"]
    assert document["started_at"].startswith("2026-11-22T17:50:00")
    assert document["schema_version"] == 1


def test_findings_that_pass_are_not_among_those_found() -> None:
    found: Mapping[str, Code | None] = judged(result_of(finding())).findings
    assert "usage/sessions" not in found
