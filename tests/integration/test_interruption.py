"""What does a signal leave of a run, by when it comes and how often? By real processes."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import StopReason
from scenarios.evidence.recording_reader import read_recordings
from tests.integration.command import Command, Ended, Start, client_figure, still_there
from tests.integration.load_shop import OpenShop, Shop
from tests.paths import ROOT
from tests.usage_rows import value_of

ONE_USER = "{users: 1, iterations: 100000}"
PROFILES = {
    "open model": "{rate: 40/s, duration: 3600s}",
    "iterations": "{users: 4, iterations: 100000}",
    "a time": "{users: 4, duration: 3600s}",
    "think time": "{users: 4, duration: 3600s, think: 20ms to 40ms}",
}


def interrupted(command: Command, exchanges: int, number: int = signal.SIGINT) -> Ended:
    """Send a signal in mid-load; return the run, which leaves no process behind."""
    command.await_exchanges("load", exchanges)
    _, *others = command.started()
    command.kill(number)
    ended = command.wait()
    assert still_there(others) == []
    return ended


def assert_judged_by_what_was_done(ended: Ended, shop: Shop) -> None:
    """Assert that the interruption is all that is open, and that every count agrees."""
    assert ended.code == 3, ended.stdout + ended.stderr
    open_findings = [each["id"] for each in ended.result["findings"] if each["verdict"] != "pass"]
    assert open_findings == ["validity/run-complete"]
    (row,) = ended.rows("orders")
    assert row["client"] == client_figure(shop.orders())
    assert value_of(row, "database") == shop.orders() > 0
    ends = [each.end for each in ended.recordings()]
    assert {end and end.stop_reason for end in ends} == {StopReason.INTERRUPTED}
    assert sum(end.started for end in ends if end) == shop.orders()
    assert "Traceback" not in ended.stdout + ended.stderr


def checked(ended: Ended) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "run.py", "check", str(ended.folder), "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_load_stops_it_and_what_was_done_is_judged(
    start: Start, open_shop: OpenShop, number: int
) -> None:
    shop = open_shop()
    ended = interrupted(start("load", *shop.files(ONE_USER)), 20, number)
    assert_judged_by_what_was_done(ended, shop)
    headline = f"Interrupted after {shop.orders():,} of 100,000 iterations"
    assert headline in ended.stdout
    assert headline in (ended.folder / "summary.md").read_text().splitlines()[0]
    assert headline in (ended.folder / "report.html").read_text()
    assert headline.lower() in (ended.folder / "junit.xml").read_text().lower()
    assert ended.result["interruption"] == {
        "stage": "load", "cause": "signal", "detail": signal.Signals(number).name,
    }  # fmt: skip
    assert checked(ended).returncode == 3


@pytest.mark.long
@pytest.mark.parametrize("workers", [[], ["--workers", "2"]], ids=["alone", "two workers"])
@pytest.mark.parametrize("profile", PROFILES)
def test_a_load_of_any_model_is_stopped_and_its_running_iterations_end(
    start: Start, open_shop: OpenShop, profile: str, workers: list[str], tmp_path: Path
) -> None:
    shop = open_shop("--delay", "0.2")
    options = [*shop.files(PROFILES[profile]), *workers]
    ended = interrupted(start("load", *options, TMPDIR=str(tmp_path)), 60)
    assert_judged_by_what_was_done(ended, shop)
    assert len(ended.recordings()) == (2 if workers else 1)
    assert ended.says_nothing_wrong()
    done = r"[\d.]+ s of 3600 s" if "time" in profile else r"[\d,]+ of 1\d\d,000 iterations"
    assert re.search(rf"Interrupted after {done}\n", ended.stdout), ended.stdout


@pytest.mark.long
def test_a_failure_before_the_interruption_stays_one(start: Start, open_shop: OpenShop) -> None:
    shop = open_shop("--breaks-after", "10")
    ended = interrupted(start("load", *shop.files(ONE_USER)), 60)
    assert ended.code == 1, ended.stdout
    assert re.search(r"Interrupted after \d+ of 100,000 iterations\. By SIGINT\.", ended.stdout)
    assert ended.finding("usage/orders")["verdict"] == "pass"


@pytest.mark.long
def test_a_request_that_gets_no_response_is_waited_for_until_its_timeout(
    start: Start, open_shop: OpenShop
) -> None:
    shop = open_shop("--delay", "30")  # the step's timeout is 2 s
    command = start("load", *shop.files("{users: 4, iterations: 100000}"))
    command.await_text("evidence/exchanges/load.jsonl", '"reason"')
    ended = interrupted(command, 4)
    assert ended.code == 1, ended.stdout
    (recording,) = ended.recordings()
    assert recording.unconcluded == 0
    assert {each.reason for each in recording.exchanges} == {"no response within 2 s"}


@pytest.mark.long
def test_control_c_in_a_terminal_and_a_background_job_are_one_signal_too(
    start: Start, open_shop: OpenShop
) -> None:
    """A terminal signals the whole process group; a background job has SIGINT ignored."""
    shop = open_shop("--delay", "0.05")
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        command = start("load", *shop.files(PROFILES["iterations"]))
    finally:
        signal.signal(signal.SIGINT, before)
    command.await_exchanges("load", 60)
    os.killpg(command.process.pid, signal.SIGINT)
    assert_judged_by_what_was_done(command.wait(), shop)


AROUND = """\
setup:
  - step: open account
    request: POST shop /orders
    json: {owner: "{{ unique }}"}
    expect: {status: 201}
    save: {state: state}
    counts: {orders: 1}
user_setup:
  - step: log in
    request: POST shop /orders
    json: {owner: "{{ unique }} {{ state }}"}
    expect: {status: 201}
    counts: {orders: 1}
teardown:
  - step: close account
    request: POST shop /orders
    json: {owner: "{{ state }}"}
    expect: {status: 201}
    counts: {orders: 1}
flow:
"""


@pytest.mark.parametrize(
    "users",
    [pytest.param(1, id="alone"), pytest.param(4, id="in a load", marks=pytest.mark.long)],
)
def test_the_teardown_runs_after_a_signal_and_all_of_it_is_counted(
    start: Start, open_shop: OpenShop, users: int
) -> None:
    shop = open_shop("--delay", "0.05")
    files = shop.files(f"{{users: {users}, iterations: 100000}}")
    scenario = Path(files[files.index("--scenario") + 1])
    scenario.write_text(scenario.read_text().replace("flow:\n", AROUND, 1))
    ended = interrupted(start("load", *files, "--json"), exchanges=8)
    assert ended.code == 3, ended.stdout + ended.stderr
    around = {
        exchange.step: exchange.outcome
        for name in ("setup", "teardown")
        for recording in read_recordings(ended.folder / "evidence" / "exchanges", name)
        for exchange in recording.exchanges
    }
    assert around == {"open account": Outcome.OK, "close account": Outcome.OK}
    (row,) = ended.rows("orders")
    assert row["client"]["confirmed"] == value_of(row, "database") == shop.orders()
    begun = sum(recording.end.started for recording in ended.recordings() if recording.end)
    assert shop.orders() == begun + users + 2


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_leaves_at_once_a_run_that_can_be_judged(
    start: Start, open_shop: OpenShop, second: int
) -> None:
    shop = open_shop("--delay", "1.5")  # the first one waits for so long
    command = start("load", *shop.files("{users: 4, iterations: 100000}"), "--json")
    command.await_exchanges("load", 8)
    _, *others = command.started()
    command.kill(signal.SIGINT)
    assert command.process.stderr
    while "interrupted: no further iteration starts" not in command.process.stderr.readline():
        assert command.process.poll() is None
    command.kill(second)
    ended = command.wait()
    document = json.loads(ended.stdout)
    assert (ended.code, document["exit_code"]) == (130, 130)
    assert "interrupted" in document["problems"][0]
    assert not (ended.folder / "result.json").exists()
    assert still_there(others) == []
    again = checked(ended)
    assert again.returncode == 3
    result = json.loads(again.stdout)
    assert result["interruption"]["stage"] == "load"
    assert "Traceback" not in ended.stderr + again.stderr


@pytest.mark.long
@pytest.mark.stack
@pytest.mark.parametrize(
    ("arrive", "headline"),
    [
        (lambda command: command.await_text("evidence/run.json", "run_id"),
         "interrupted before the first request"),
        (lambda command: command.await_text("stack/cards.log", ""),
         "interrupted before the first request"),
        (lambda command: command.await_text("evidence/witnesses/health-before.json", "cards"),
         "interrupted before the first request"),
        (lambda command: command.await_text("evidence/ledger.json", "cards_used"),
         "interrupted while settling, after 100 iterations"),
    ],
    ids=["at the start", "stack", "baseline", "settle"],
)  # fmt: skip
def test_a_signal_outside_of_the_load_ends_the_run_with_one_document(
    start: Start, arrive: Callable[[Command], None], headline: str
) -> None:
    command = start("load", "--json")
    arrive(command)
    command.kill(signal.SIGINT)
    ended = command.wait()
    assert ended.code == 3, ended.stderr
    assert json.loads(ended.stdout) == ended.result
    assert ended.finding("validity/run-complete")["observed"] == headline
    assert "Traceback" not in ended.stderr
    if "settling" in headline:
        detail = ended.finding("validity/run-complete")["detail"]
        assert "Not asked after the load: service, prometheus, database:" in detail
    else:
        assert len(ended.result["findings"]) == 1


@pytest.mark.long
@pytest.mark.stack
def test_the_profiles_after_the_interrupted_one_are_not_driven(
    start: Start, long_scenario: str
) -> None:
    command = start("nightly", "--scenario", long_scenario, "--json")
    command.await_exchanges("benchmark", 50)
    command.kill(signal.SIGTERM)
    ended = command.wait()
    assert ended.code == 3, ended.stderr
    run_complete = ended.finding("validity/run-complete")
    assert re.fullmatch(
        r"interrupted after \d+ of 300 iterations of benchmark", run_complete["observed"]
    )
    assert {row["verdict"] for row in ended.result["usage"]} == {"pass"}
    assert [each["profile"] for each in ended.result["phases"]] == ["e2e", "benchmark"]
