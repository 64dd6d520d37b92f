"""What does a load do, and what is left of it when something goes wrong? By real processes."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import Recording
from scenarios.evidence.recording_reader import read_recordings
from tests.integration.command import Ended, Start, client_figure, still_there
from tests.integration.load_shop import OpenShop, opened_shop
from tests.paths import ROOT
from tests.secured_servers import free_port
from tests.speed import unproven
from tests.usage_rows import value_of

pytestmark = pytest.mark.long

RATE_PER_S, DURATION_S, WARM_UP_S = 30, 5, 1


def recorded(ended: Ended) -> Recording:
    (recording,) = ended.recordings()
    return recording


def checked_again(ended: Ended) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "run.py", "check", str(ended.folder)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.fixture(scope="module")
def open_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, int]:
    """Drive an open model; return the run, and how many orders the shop has after it."""
    folder = tmp_path_factory.mktemp("open")
    with opened_shop(folder, "--delay", "0.05") as shop:
        profile = f"{{rate: {RATE_PER_S}/s, duration: {DURATION_S}s, warm_up: {WARM_UP_S}s}}"
        ran = subprocess.run(
            [sys.executable, "run.py", "load", *shop.files(profile), "--runs", f"{folder}/runs"],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        latest = (folder / "runs" / "latest").resolve()
        return Ended(ran.returncode, ran.stdout, ran.stderr, latest), shop.orders()


@pytest.mark.core
def test_an_open_model_drives_what_was_scheduled_and_balances(
    open_model: tuple[Ended, int],
) -> None:
    ended, orders = open_model
    assert unproven(ended.result) == {}, ended.stdout + ended.stderr
    (phase,) = ended.result["phases"]
    assert (phase["model"], phase["scheduled"], phase["completed"]) == ("open", 150, 150)
    assert orders == 150
    assert value_of(ended.rows("orders")[0], "database") == 150
    assert (
        "150 scheduled, 150 begun, 0 dropped"
        in ended.finding("validity/iterations-add-up/load")["observed"]
    )
    assert "open model" in (ended.folder / "report.html").read_text()
    assert ended.says_nothing_wrong()


def test_each_arrival_is_due_as_planned_and_sent_on_time(open_model: tuple[Ended, int]) -> None:
    exchanges = recorded(open_model[0]).exchanges
    first = exchanges[exchanges.iterations.first]
    due_s = first.column("due_s")
    assert np.allclose(due_s - due_s[0], np.arange(150) / RATE_PER_S, rtol=0, atol=1e-9)
    late_s = first.column("sent_s") - due_s
    answered_s = first.column("done_s") - first.column("sent_s")
    assert late_s.min() >= 0
    # The shop takes longer than arrivals are apart: who waited for it would be later and later.
    later_s = np.median(answered_s) - 1 / RATE_PER_S
    assert later_s > 0
    assert np.median(late_s) < np.median(np.arange(150) * later_s) / 2


@pytest.mark.core
def test_the_warm_up_is_counted_and_outside_the_measured_window(
    open_model: tuple[Ended, int],
) -> None:
    result = open_model[0].result
    (phase,) = result["phases"]
    measured = RATE_PER_S * (DURATION_S - WARM_UP_S)
    assert phase["measured"] == measured
    assert {row["count"] for row in result["latency"]} == {measured}
    assert phase["counts"]["orders"]["confirmed"] == RATE_PER_S * DURATION_S
    assert DURATION_S - WARM_UP_S - 0.1 < phase["elapsed_s"] <= DURATION_S - WARM_UP_S


def test_arrivals_that_find_no_user_are_dropped_and_latency_is_inconclusive(
    start: Start, open_shop: OpenShop
) -> None:
    shop = open_shop("--delay", "0.2")
    ended = start("load", *shop.files("{rate: 40/s, duration: 3s, max_users: 2}")).wait()
    (phase,) = ended.result["phases"]
    begun = shop.orders()
    assert 0 < begun <= 40  # two users at 0.2 s an order, for 3 s
    assert (phase["scheduled"], phase["dropped"]) == (120, 120 - begun)
    end = recorded(ended).end
    assert end is not None
    assert (end.started, end.dropped) == (begun, 120 - begun)
    latency = ended.finding("latency/order/p95")
    assert latency["verdict"] == "inconclusive"
    reason = f"{120 - begun} of 120 arrivals found none of 2 users free"
    assert reason in latency["observed"] + latency["detail"]
    assert ended.finding("success/load")["verdict"] == "fail"
    assert ended.finding("usage/orders")["verdict"] == "pass"
    assert ended.code == 1
    assert reason in (ended.folder / "report.html").read_text()


@pytest.mark.parametrize(("success_rate", "code"), [("100%", 1), ("1%", 3)])
def test_a_load_that_collapses_stops_itself_and_can_be_judged_again(
    start: Start, open_shop: OpenShop, success_rate: str, code: int
) -> None:
    shop = open_shop("--delay", "0.02", "--breaks-after", "50")
    profile = "{users: 5, duration: 3600s, abort: {success_rate: 50%, over: 1s}}"
    ended = start("load", *shop.files(profile, success_rate)).wait()
    assert ended.code == code, ended.stdout
    balance = ended.finding("validity/iterations-add-up/load")
    assert balance["verdict"] == "inconclusive"
    assert re.search(r"aborted: \d+ of \d+ iterations in the last 1 s succeeded, at least "
                     "50 % required", balance["observed"])  # fmt: skip
    recording = recorded(ended)
    assert recording.end is not None
    assert recording.unconcluded == 0
    assert int(recording.exchanges.of_step("order").ok.sum()) == 50
    assert value_of(ended.rows("orders")[0], "database") == 50
    assert ended.finding("usage/orders")["verdict"] == "pass"
    again, before = checked_again(ended), ended.result
    assert again.returncode == code
    assert ended.result == before


@pytest.mark.core
def test_what_a_killed_target_did_not_get_and_what_it_did_not_answer_are_told_apart(
    start: Start, open_shop: OpenShop
) -> None:
    shop = open_shop("--delay", "0.2")
    command = start("load", *shop.files("{rate: 40/s, duration: 5s}"))
    command.await_exchanges("load", 100)
    shop.kill()
    time.sleep(1)  # the shop is away for that long
    shop.begin()
    ended = command.wait()
    assert ended.code == 1, ended.stdout
    (phase,) = ended.result["phases"]
    assert (phase["scheduled"], phase["dropped"]) == (200, 0)
    balance = ended.finding("validity/iterations-add-up/load")
    assert (balance["verdict"], balance["observed"][:29]) == (
        "pass",
        "200 scheduled, 200 begun, 0 d",
    )
    exchanges = recorded(ended).exchanges
    reported = {each.outcome: each.reason for each in exchanges if each.outcome is not Outcome.OK}
    assert reported[Outcome.NOT_SENT].startswith("could not connect: ")
    assert reported[Outcome.NOT_SENT].endswith("Connection refused")
    assert reported[Outcome.UNKNOWN].startswith("the connection broke: ")
    unknown, not_sent = phase["exchanges"]["unknown"], phase["exchanges"]["not sent"]
    assert unknown > 0 < not_sent
    page = (ended.folder / "report.html").read_text()
    assert f"{unknown} unknown" in page
    assert f"{not_sent} not sent" in page
    (row,) = ended.rows("orders")
    done, undone = row["resolved"]["done"], row["resolved"]["not_done"]
    assert done + undone == sum(
        each.outcome is Outcome.UNKNOWN for each in exchanges if each.step == "order"
    )
    assert row["client"] == client_figure(shop.orders())
    assert row["verdict"] == "pass"


def test_a_run_that_was_killed_is_judged_by_what_it_did(start: Start, open_shop: OpenShop) -> None:
    shop = open_shop("--delay", "0.02")
    command = start("load", *shop.files("{rate: 40/s, duration: 3600s}"))
    command.await_exchanges("load", 50)
    _, *others = command.started()
    command.kill(signal.SIGKILL)
    assert still_there(others) == []
    ended = command.wait()
    judged = checked_again(ended)
    run_complete = ended.finding("validity/run-complete")
    begun = ended.result["phases"][0]["begun"]
    assert run_complete["observed"] == f"interrupted after {begun} of 144,000 iterations"
    assert run_complete["detail"].startswith("The process ended without a record of why.")
    verdicts = {each["verdict"] for each in ended.result["findings"]}
    assert verdicts == {"pass", "inconclusive"}
    assert judged.returncode == 3


ITERATIONS = 100

Process = subprocess.Popen[str]
Plain = Callable[..., tuple[list[dict[str, Any]], list[Recording]]]


@pytest.fixture
def plain_locust(open_shop: OpenShop) -> Iterator[Plain]:
    """Run plain Locust with so many workers; return its statistics and the recordings."""
    folders: list[Path] = []

    def run(
        workers: int, *options: str, meanwhile: Callable[[list[Process]], None] = lambda _: None
    ) -> tuple[list[dict[str, Any]], list[Recording]]:
        shop = open_shop("--delay", "0.02")
        _, env, _, scenario, *_ = shop.files(f"{{users: 4, iterations: {ITERATIONS}}}")
        port = str(free_port())
        locust = [sys.executable, "-m", "locust", "-f", "scenarios/locustfile.py", "--headless"]
        mine = [*locust, "--users", "4", "--spawn-rate", "4", "--environment", env,
                "--scenario", scenario, "--json", "--only-summary", *options]  # fmt: skip
        if workers:
            mine += ["--master", "--expect-workers", str(workers), "--master-bind-port", port]
        theirs = [
            subprocess.Popen([*locust, "--worker", "--master-port", port], cwd=ROOT,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
            for _ in range(workers)
        ]  # fmt: skip
        try:
            ours = subprocess.Popen(mine, cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
            output, reported = [], None
            while not reported and ours.stderr and (line := ours.stderr.readline()):
                output.append(line)
                reported = re.search(r": recording to (.*)$", line)
            meanwhile(theirs)
            stdout, stderr = ours.communicate(timeout=60)
            output += [stderr, *(each.communicate(timeout=60)[1] for each in theirs)]
        finally:
            for each in (ours, *theirs):
                each.kill()
                each.communicate()
        assert reported, output
        folders.append(Path(reported[1]))
        assert f"run.py check {reported[1]}" in "".join(output)
        assert "Traceback" not in "".join(output)
        assert ours.returncode == 0, output
        exchanges = folders[-1] / "evidence" / "exchanges"
        read = [each for path in sorted(exchanges.glob("*.jsonl"))
                for each in read_recordings(exchanges, path.stem)]  # fmt: skip
        return json.loads(stdout), read

    yield run
    for folder in folders:
        shutil.rmtree(folder)


def seen(recordings: list[Recording], step: str) -> int:
    """Count the exchanges of a step that were not cut off by the end."""
    return sum(int((~each.exchanges.of_step(step).cut_off).sum()) for each in recordings)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("options", [["--profile", "load"], ["--run-time", "8s"]],
                         ids=["a profile", "until stopped"])  # fmt: skip
def test_plain_locust_shows_what_is_recorded(
    plain_locust: Plain, workers: int, options: list[str]
) -> None:
    if options[0] == "--profile":
        options = [*options, "--run-time", "8s"]
    statistics, recordings = plain_locust(workers, *options)
    assert len(recordings) == max(workers, 1)
    assert all(each.end is not None and not each.missing for each in recordings)
    assert all(each.unconcluded == 0 for each in recordings)
    shown = {each["name"]: each["num_requests"] for each in statistics}
    assert shown == {step: seen(recordings, step) for step in ("order", "look")}
    if "--profile" in options:
        assert sum(each.end.started for each in recordings if each.end) == ITERATIONS
        assert shown == {"order": ITERATIONS, "look": ITERATIONS}
    else:
        assert shown["order"] > ITERATIONS


def test_plain_locust_waits_for_what_a_worker_brings_late(plain_locust: Plain) -> None:
    """One stands still while the load ends; Locust's master would leave half a second later."""

    def hold_one_up(workers: list[Process]) -> None:
        time.sleep(2.4)
        workers[0].send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        workers[0].send_signal(signal.SIGCONT)

    _, recordings = plain_locust(2, "--run-time", "3s", meanwhile=hold_one_up)
    assert [each.end is not None and not each.missing for each in recordings] == [True, True]
