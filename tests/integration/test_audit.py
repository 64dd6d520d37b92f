"""The audit seeds faults into real runs, and leaves nothing running."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.command import Command, Ended, Start, still_there
from tests.patience import HANGS_S

pytestmark = pytest.mark.stack

FAULTS = ("lost-usage-increment", "double-count-on-retry")
ONLY = [word for fault in FAULTS for word in ("--only", fault)]


def folder_of(runs: Path) -> Path:
    return next(runs.glob("audit-*"))


def written(runs: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder_of(runs) / "audit.json").read_bytes())
    return content


def wait(command: Command) -> Ended:
    """Wait for five runs, which take longer than one."""
    stdout, stderr = command.process.communicate(timeout=HANGS_S)
    return Ended(command.process.returncode, stdout, stderr, folder_of(command.runs))


def await_file(command: Command, pattern: str, within_s: float = 600) -> Path:
    """Wait until the audit's folder holds a file like this."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = list(command.runs.glob(f"audit-*/{pattern}"))
        if found:
            return found[0]
        assert command.process.poll() is None, command.process.communicate()
        time.sleep(0.02)
    raise AssertionError(f"{pattern} was never there")


@pytest.mark.core
@pytest.mark.long
@pytest.mark.timeout(HANGS_S)
def test_an_audit_of_two_faults_catches_both_and_leaves_every_report(start: Start) -> None:
    command = start("audit", "--json", *ONLY, GITHUB_STEP_SUMMARY=os.devnull)
    ended = wait(command)
    assert ended.code == 0, ended.stdout + ended.stderr
    document = json.loads(ended.stdout)
    assert document == written(command.runs)
    assert (document["verdict"], document["planned"]) == ("pass", 5)
    assert [run["fault"] for run in document["runs"]] == ["", FAULTS[0], "", FAULTS[1], ""]
    assert all(run["caught"] and run["duration_s"] > 0 for run in document["runs"])
    folder = folder_of(command.runs)
    page = (folder / "audit.html").read_text()
    for run in document["runs"]:
        assert (folder / run["folder"] / "report.html").exists()
        assert f'href="./{run["folder"]}/report.html"' in page
    assert "5 of 5 " in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.long
@pytest.mark.timeout(HANGS_S)
def test_an_audit_that_misses_a_fault_goes_on_and_exits_1(start: Start, tmp_path: Path) -> None:
    """Without a Prometheus no run can come to anything, and every one is made."""
    command = start("audit", *ONLY, PROMETHEUS=str(tmp_path / "there is none"), COLUMNS="100")
    ended = wait(command)
    assert ended.code == 1, ended.stdout + ended.stderr
    assert "FAIL  2 faults missed, 3 clean runs failed" in ended.stdout
    document = written(command.runs)
    assert [run["caught"] for run in document["runs"]] == [False] * 5
    for run in document["runs"]:
        assert "without a result" in run["errors"][0]
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_audit_leaves_what_was_done_and_nothing_running(
    start: Start, number: int
) -> None:
    command = start("audit", "--only", FAULTS[0])
    await_file(command, "02-*/*/evidence/exchanges/benchmark.jsonl")
    own, *others = command.started()
    assert len(others) > 5
    command.kill(number)
    code = command.process.wait(60)
    assert still_there(others) == []
    assert not psutil.pid_exists(own.pid) or own.status() == psutil.STATUS_ZOMBIE
    document = written(command.runs)
    assert (document["verdict"], document["planned"]) == ("inconclusive", 4)
    assert [(run["fault"], run["caught"]) for run in document["runs"]] == [("", True)]
    assert "Not finished" in (folder_of(command.runs) / "audit.html").read_text()
    if number != signal.SIGKILL:
        ended = command.wait()
        assert code == ended.code == 3
        assert "INCONCLUSIVE  The audit was not finished" in ended.stdout
        assert "Traceback" not in ended.stderr


@pytest.mark.core
@pytest.mark.long
def test_an_unknown_fault_is_one_sentence_that_names_the_known(start: Start) -> None:
    ended = start("audit", "--only", "lost-usage-increment", "--only", "lost-usage").wait()
    assert ended.code == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert "unknown fault 'lost-usage'" in ended.stderr
    assert all(fault in ended.stderr for fault in FAULTS)


@pytest.mark.core
@pytest.mark.long
def test_a_folder_that_cannot_be_made_is_one_sentence(start: Start, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    ended = start("audit", "--json").wait()
    assert ended.code == 2
    assert len(ended.stderr.splitlines()) == 1
    assert json.loads(ended.stdout)["exit_code"] == 2
