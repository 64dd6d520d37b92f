"""How far an interrupted run came, and what it left, in the finding that becomes its headline."""

from dataclasses import replace
from pathlib import Path

import pytest

from checks.case import Case, read_case
from checks.interruption import judge_interruption
from checks.result import Finding
from checks.suite import judge
from checks.verdict import Verdict
from scenarios.evidence.recording import RecordingEnd, StopReason
from scenarios.evidence.run_folder import Cause, Interruption, Stage
from tests.evidence_factory import (
    GOOD,
    REFUSED,
    SCENARIO,
    STOPPED,
    Load,
    Made,
    case_of,
    exposition,
    write_agreeing_witnesses,
    write_expositions,
    write_prometheus,
    write_rows,
    write_run,
)
from witnesses.prometheus.collection import CollectionRecord

LEFT_ONE = RecordingEnd(
    3, 0, 0.1, 1.0, stop_reason=StopReason.INTERRUPTED, stopped="any words", not_started=1
)
THREE_OF_FOUR = Load((GOOD,) * 3, end=LEFT_ONE)


def finding_of(case: Case) -> Finding:
    assert case.run.early_end
    return judge_interruption(case, case.run.early_end)


@pytest.mark.parametrize(
    ("load", "observed"),
    [
        (THREE_OF_FOUR, "interrupted after 3 of 4 iterations"),
        (Load((), end=replace(LEFT_ONE, started=0)), "interrupted after 0 of 4 iterations"),
        (Load((GOOD,), "while", None, replace(LEFT_ONE, wall_s=0.4, window_from_s=0.2)),
         "interrupted after 0.6 s of 1 s"),
        (Load((GOOD,), "while", None, None), "interrupted after 1 iterations"),
    ],
    ids=["iterations", "none of them", "a time", "a time, and killed"],
)  # fmt: skip
def test_it_says_how_much_of_the_load_was_done(tmp_path: Path, load: Load, observed: str) -> None:
    finding = finding_of(case_of(tmp_path, load, interruption=STOPPED))
    assert (finding.observed, finding.verdict) == (observed, Verdict.INCONCLUSIVE)
    assert finding.detail == "By SIGINT. What was done is judged."


def test_with_several_profiles_it_names_the_last_and_what_was_not_driven(tmp_path: Path) -> None:
    case = case_of(tmp_path, THREE_OF_FOUR, interruption=STOPPED)
    case = replace(case, run=replace(case.run, profiles=("load", "while")))
    finding = finding_of(case)
    assert finding.observed == "interrupted after 3 of 4 iterations of load"
    assert finding.detail.endswith("Not driven: while.")


@pytest.mark.parametrize(
    ("end", "observed", "detail"),
    [
        (Interruption(Stage.SETUP, Cause.SIGNAL, "SIGTERM"),
         "interrupted before the first request", "By SIGTERM. Nothing was sent."),
        (Interruption(Stage.SETUP, Cause.FAULT, "OSError: no"),
         "the harness failed before the first request",
         "The reason: OSError: no. Nothing was sent."),
    ],
)  # fmt: skip
def test_a_run_that_sent_nothing_says_so_and_judges_nothing_else(
    tmp_path: Path, end: Interruption, observed: str, detail: str
) -> None:
    (finding,) = judge(write_run(tmp_path, interruption=end)).findings
    assert (finding.observed, finding.detail) == (observed, detail)


def test_a_run_that_was_killed_says_so(tmp_path: Path) -> None:
    finding = finding_of(case_of(tmp_path, Load(end=None), finished=False))
    assert finding.observed == "interrupted while settling, after 4 iterations"
    assert finding.detail.startswith("The process ended without a record of why.")


def test_the_witnesses_that_were_not_asked_after_the_load_are_named(tmp_path: Path) -> None:
    end = Interruption(Stage.SETTLE, Cause.SIGNAL, "SIGINT")
    folder = write_run(tmp_path, Load(), interruption=end)
    write_expositions(folder, "before", {"shop-0": exposition({})})
    write_rows(folder, "before", {"uses": {"rows": []}})
    write_prometheus(folder, {}, collection=CollectionRecord(begin=1_000.0))
    finding = finding_of(read_case(folder))
    assert finding.observed == "interrupted while settling, after 4 iterations"
    named = "Not asked after the load: service, prometheus and database:main."
    assert finding.detail.endswith(named)
    assert {row.verdict for row in judge(folder).usage} == {Verdict.INCONCLUSIVE}


@pytest.mark.parametrize(
    ("last", "verdict"), [(GOOD, Verdict.INCONCLUSIVE), (REFUSED, Verdict.FAIL)]
)
def test_what_was_done_is_compared_exactly_and_a_failure_stays_one(
    tmp_path: Path, last: tuple[Made, ...], verdict: Verdict
) -> None:
    folder = write_run(
        tmp_path, Load((GOOD, GOOD, last), end=LEFT_ONE), interruption=STOPPED,
        scenario=SCENARIO.replace("success_rate: 75%", "success_rate: 100%"),
    )  # fmt: skip
    write_agreeing_witnesses(folder, 3 if last is GOOD else 2)
    result = judge(folder)
    assert result.verdict is verdict
    assert result.partial
    assert result.interruption == STOPPED
    assert {row.verdict for row in result.usage if row.quantity == "uses"} == {Verdict.PASS}
    not_passed = {each.id for each in result.findings if each.verdict is Verdict.INCONCLUSIVE}
    assert not_passed == {"validity/run-complete"}


def test_a_count_that_was_lost_before_the_interruption_is_a_failure(tmp_path: Path) -> None:
    folder = write_run(tmp_path, THREE_OF_FOUR, interruption=STOPPED)
    write_agreeing_witnesses(folder, 2)
    assert judge(folder).verdict is Verdict.FAIL
