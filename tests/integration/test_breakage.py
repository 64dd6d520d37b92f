"""Runs of which parts are killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.integration.command import Start, concluded, ports_of, still_there
from tests.paths import ROOT
from tests.usage_rows import figure_of, value_of

pytestmark = [pytest.mark.long, pytest.mark.stack]


@pytest.mark.core
def test_prometheus_killed_during_the_load_leaves_usage_inconclusive(
    start: Start, long_scenario: str
) -> None:
    command = start("nightly", "--scenario", long_scenario)
    command.await_exchanges("benchmark", 100)
    command.process_named("prometheus").kill()
    ended = command.wait()
    assert ended.code == 3, ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
    assert {row["verdict"] for row in ended.rows("use_counts")} == {"pass"}
    for row in ended.result["usage"]:
        if row["quantity"] == "use_counts":
            continue
        assert row["verdict"] == "inconclusive"
        assert value_of(row, "prometheus") is None
        assert "cannot be reached" in figure_of(row, "prometheus")["detail"]
        assert value_of(row, "service") == row["client"]["confirmed"]
    assert (ended.folder / "report.html").stat().st_size > 10_000


def test_cards_killed_during_the_load_fails_with_the_doubt_as_an_interval_or_settled_by_rows(
    start: Start, long_scenario: str
) -> None:
    command = start("nightly", "--scenario", long_scenario)
    command.await_exchanges("benchmark", 200)
    command.process_of("cards").kill()
    ended = command.wait()
    assert ended.code == 1, ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
    success = ended.finding("success/benchmark")
    assert success["verdict"] == "fail"
    assert sum(row["client"]["in_doubt"] for row in ended.rows("batch_requests")) > 0
    assert sum(sum((row["resolved"] or {}).values()) for row in ended.rows("cards_created")) > 0
    assert all(row["client"]["in_doubt"] == 0 for row in ended.rows("cards_created"))
    assert sum(each["count"] for each in ended.result["failures"]) > 0
    for row in ended.rows("cards_used"):
        assert row["verdict"] == "inconclusive" or row["verdict"] == "fail"
        assert value_of(row, "service") is None


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        pytest.param(number, moment, marks=[pytest.mark.core] * (number != signal.SIGTERM))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
        for moment in ("stack", "load", "settle")
    ],
)
def test_a_signal_ends_every_process(
    start: Start, long_scenario: str, number: int, moment: str
) -> None:
    scenario = long_scenario if moment == "load" else "usage_tracking"
    command = start("nightly", "--scenario", scenario)
    if moment == "stack":
        command.await_text("stack/cards.log", "")
    elif moment == "load":
        command.await_exchanges("benchmark", 50)
    else:
        command.await_text("evidence/ledger.json", "cards_used")
    own, *others = command.started()
    ports = set().union(*map(ports_of, (own, *others)))
    command.kill(number)
    command.process.wait(60)
    assert still_there(others) == []
    held = set().union(*map(ports_of, psutil.process_iter()))
    assert not ports & held
    assert (command.folder / "evidence" / "run.json").exists()
    if moment == "load":
        assert concluded(command.folder, "benchmark") >= 50
    if number != signal.SIGKILL:
        ended = command.wait()
        assert ended.code == 3, ended.stderr
        assert ended.result["partial"] is True
        assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_doctor_that_is_ended_leaves_no_process_and_at_most_until_the_next_a_folder(
    tmp_path: Path, number: int
) -> None:
    command = [sys.executable, "run.py", "doctor", "--env", "local"]
    variables = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=variables, start_new_session=True) as doctor:
        while not list(tmp_path.glob("*/cards.log")):
            assert doctor.poll() is None
            time.sleep(0.005)
        others = psutil.Process(doctor.pid).children(recursive=True)
        doctor.send_signal(number)
    assert still_there(others) == []
    if number == signal.SIGKILL:
        assert list(tmp_path.iterdir())
        subprocess.run(command, cwd=ROOT, env=variables, check=True)
    assert list(tmp_path.iterdir()) == []
