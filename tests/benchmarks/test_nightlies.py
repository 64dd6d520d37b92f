import subprocess

import pytest

from benchmarks.nightlies import NightlyResult, read_result
from checks.result import Kind
from checks.result_document import render_result
from checks.verdict import Verdict
from tests.reports.results import finding, good_result


def ended(code: int, stdout: str, stderr: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], code, stdout, stderr)


def test_only_findings_that_did_not_pass_are_failures() -> None:
    wrong = {"verdict": Verdict.FAIL, "observed": "3", "detail": "expected 4"}
    findings = (finding("usage", Kind.USAGE, **wrong), finding("p95", Kind.LATENCY))
    output = render_result(good_result(verdict=Verdict.FAIL, findings=findings))
    assert read_result(ended(1, output), 40.0, is_busy=False) == NightlyResult(
        "fail", ("usage: 3 expected 4",), 40.0, is_busy=False
    )


@pytest.mark.parametrize("output", ["", "Traceback", "{}"])
def test_a_run_without_a_result_is_reported_with_its_exit_code_and_errors(output: str) -> None:
    result = read_result(ended(2, output, "no such environment\n"), 0.5, is_busy=True)
    assert (result.verdict, result.failures) == ("exit 2", ("no such environment",))


def test_the_line_of_a_result_says_whether_a_core_was_busy() -> None:
    assert NightlyResult("pass", (), 41.23, is_busy=False).line == "pass 41.2 s"
    assert NightlyResult("fail", ("a", "b"), 41.0, is_busy=True).line == (
        "fail 41.0 s with a busy core a; b"
    )
