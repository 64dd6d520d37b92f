import json
import os
import signal
from pathlib import Path

import pytest

from checks.result_document import render_result
from checks.verdict import Verdict, exit_code
from tests.reports.results import empty_result, failing_result, good_result
from tests.scripts.conftest import Start
from tests.scripts.fake_run import NAME
from tests.scripts.script_process import LOAD_TEST, harness_arguments, run_script
from tests.speed import unproven

ANSWERS = {0: good_result(), 1: failing_result(), 3: empty_result()}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "a place" / "runs"


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    return tmp_path / "answer.json"


def test_the_default_is_a_hundred_requests_of_ten_users_to_the_local_stack(
    runs: Path,
) -> None:
    run_script(LOAD_TEST, "--runs", runs)
    assert harness_arguments(runs) == [
        "load", "--env", "local", "--scenario", "onboarding_load", "--users", "10",
        "--iterations", "100", "--runs", str(runs), "--json",
    ]  # fmt: skip


def test_arguments_are_passed_on_and_paths_are_relative_to_the_callers_folder(
    tmp_path: Path,
) -> None:
    run_script(LOAD_TEST, "--requests", "7", "--concurrency=3", "--env", "my env.yaml",
         "--runs", "my runs", cwd=tmp_path)  # fmt: skip
    assert harness_arguments(tmp_path / "my runs")[2] == str(tmp_path / "my env.yaml")
    assert harness_arguments(tmp_path / "my runs")[5:9] == ["--users", "3", "--iterations", "7"]


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize("code", ANSWERS)
def test_the_table_shows_the_verdict_and_the_exit_code_is_that_of_the_run(
    runs: Path, answer: Path, code: int
) -> None:
    result = ANSWERS[code]
    answer.write_text(render_result(result))
    ended = run_script(LOAD_TEST, "--runs", runs, FAKE_ANSWER=str(answer), FAKE_EXIT=str(code))
    assert ended.returncode == code
    assert ended.stdout.split()[0] == result.verdict.upper()
    assert f"report     {runs}/{result.run_id}/report.html\n" in ended.stdout
    assert ended.stderr == ""


def test_a_refused_run_prints_no_table(runs: Path, answer: Path) -> None:
    answer.write_text(json.dumps({"exit_code": 2, "problems": ["no such environment"]}))
    ended = run_script(LOAD_TEST, "--runs", runs, FAKE_ANSWER=str(answer), FAKE_EXIT="2")
    assert (ended.returncode, ended.stdout) == (2, "")


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [("", 0, 3), ("Killed", 137, 137), ('{"verdict": "pass"}', 0, 3), ("[]", 1, 1)],
)
def test_unreadable_output_is_inconclusive_unless_the_run_failed(
    runs: Path, answer: Path, text: str, code: int, expected: int
) -> None:
    answer.write_text(text)
    ended = run_script(LOAD_TEST, "--runs", runs, FAKE_ANSWER=str(answer), FAKE_EXIT=str(code))
    assert (ended.returncode, ended.stdout) == (expected, "")
    assert ended.stderr == "load test: run.py's result cannot be read, so nothing is proven\n"


@pytest.mark.core
@pytest.mark.long
def test_control_c_reaches_the_run_once_and_its_partial_result_is_shown(
    runs: Path, answer: Path, start: Start
) -> None:
    answer.write_text(render_result(empty_result()))
    ours, theirs = os.openpty()
    waiting = start(
        "setsid", "--ctty", LOAD_TEST, "--runs", runs, stdin=theirs, FAKE_EXIT="3",
        FAKE_ANSWER=str(answer),
    )  # fmt: skip
    os.write(ours, b"\x03")
    code, stdout, _ = waiting.end()
    os.close(ours)
    os.close(theirs)
    assert (runs / NAME / "signals.json").read_text() == '["SIGTERM"]'
    assert (code, stdout.split()[0]) == (3, "INCONCLUSIVE")


def test_no_file_is_left_in_the_temporary_folder(runs: Path, tmp_path: Path, start: Start) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    waiting = start(LOAD_TEST, "--runs", runs, TMPDIR=str(temporary))
    assert list(temporary.iterdir())
    waiting.process.send_signal(signal.SIGTERM)
    waiting.end()
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--request", "5"], ["5"], ["--requests"], ["--requests", "0"], ["--requests", "1e3"],
        ["--requests", "-5"], ["--concurrency", "ten"], ["--concurrency="], ["--env", ""],
        ["--requests", "99999999999999999999"], ["--requests", "5; true"],
    ],
)  # fmt: skip
def test_a_wrong_command_is_reported_in_one_line_and_nothing_is_sent(
    runs: Path, arguments: list[str]
) -> None:
    ended = run_script(LOAD_TEST, "--runs", runs, *arguments)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert not runs.exists()


def test_the_help_names_every_option() -> None:
    text = run_script(LOAD_TEST, "--help").stdout
    assert all(name in text for name in ("--requests", "--concurrency", "--env", "--runs"))


@pytest.mark.long
@pytest.mark.stack
def test_a_real_load_test_creates_every_card(runs: Path, tmp_path: Path) -> None:
    ended = run_script(LOAD_TEST, "--requests", "20", "--concurrency", "4", "--runs", runs,
                 cwd=tmp_path, HARNESS="")  # fmt: skip
    assert (runs / "latest" / "report.html").exists(), ended.stdout + ended.stderr
    result = json.loads((runs / "latest" / "result.json").read_bytes())
    assert unproven(result) == {}, ended.stdout + ended.stderr
    assert ended.returncode == exit_code(Verdict(result["verdict"]))
    assert "80/80 (100.00 %)" in ended.stdout
