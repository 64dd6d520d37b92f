"""A load that several processes share, also when it loses some of them."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from scenarios.driver.worker_key import KEY
from scenarios.evidence.recording import StopReason
from scenarios.evidence.recording_reader import read_recordings
from tests.integration.command import (
    Command,
    Ended,
    Start,
    client_figure,
    recordings_of,
    still_there,
)
from tests.integration.load_shop import OpenShop, Shop
from tests.paths import ROOT
from tests.secured_servers import free_port
from tests.usage_rows import value_of

KEYED = {KEY: "a key of enough characters"}
OPEN = "{rate: 40/s, duration: 5s}"


@pytest.fixture
def come(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start workers as another machine does, with the shop as their environment."""
    started: list[subprocess.Popen[str]] = []

    def worker(master: str, **variables: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "run.py", "worker", "--master", master,
                 "--env", str(tmp_path / "shop.yaml"), "--runs", str(tmp_path)],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, env={**os.environ, **variables},
            )
        )  # fmt: skip
        return started[-1]

    yield worker
    for each in started:
        each.kill()
        each.communicate()


def workers_of(command: Command) -> list[psutil.Process]:
    """Return the workers, in the order in which they were started."""
    found = [each for each in command.started() if "--worker" in each.cmdline()]
    return sorted(found, key=lambda each: each.create_time())


def spool_of(worker: psutil.Process) -> Path:
    """Return the folder that a worker records in."""
    return next(Path(each.path).parent for each in worker.open_files() if ".rows" in each.path)


def name_of(worker: psutil.Process) -> str:
    return next(Path(each.path).stem for each in worker.open_files() if ".rows" in each.path)


@pytest.mark.core
@pytest.mark.long
@pytest.mark.stack
def test_two_workers_share_a_load_exactly_and_it_balances_over_both(start: Start) -> None:
    ended = start("load", "--workers", "2").wait()
    assert ended.code == 0, ended.stdout + ended.stderr
    recordings = ended.recordings("benchmark")
    assert [each.start.generator for each in recordings] == ["benchmark-w1", "benchmark-w2"]
    assert [each.start.users for each in recordings] == [5, 5]
    assert [each.start.scheduled for each in recordings] == [50, 50]
    assert [each.end.started for each in recordings if each.end] == [50, 50]
    assert all(len(each.exchanges) == 150 for each in recordings)
    assert value_of(ended.rows("sessions")[0], "database") == 100
    assert all(row["verdict"] == "pass" for row in ended.result["usage"])
    page = (ended.folder / "report.html").read_text()
    assert all(name in page for name in ("benchmark-w1", "benchmark-w2"))
    assert [each["started"] for each in ended.result["generator"]["workers"]] == [50, 50]


def without_a_worker(start: Start, shop: Shop, *, removes_spool: bool) -> tuple[str, Ended]:
    """Kill a worker in mid-load, and its spool perhaps; return its name, and the run."""
    command = start("load", *shop.files(OPEN), "--workers", "2")
    command.await_exchanges("load", 100)
    worker = workers_of(command)[0]
    name, spool = name_of(worker), spool_of(worker)
    worker.kill()
    if removes_spool:
        shutil.rmtree(spool)
    return name, command.wait()


@pytest.mark.core
@pytest.mark.long
def test_a_worker_that_is_killed_here_leaves_exact_counts_and_no_verdict(
    start: Start, open_shop: OpenShop, tmp_path: Path
) -> None:
    shop = open_shop("--delay", "0.05")
    name, ended = without_a_worker(start, shop, removes_spool=False)
    assert ended.code == 3, ended.stdout + ended.stderr
    observed = ended.finding("validity/iterations-add-up/load")["observed"]
    assert f"the worker {name} was lost; its recording was recovered" in observed
    assert f"the generator {name} did not end by itself" in observed
    (row,) = ended.rows("orders")
    assert row["verdict"] == "pass"
    assert row["client"] == client_figure(shop.orders())
    lost, other = sorted(ended.recordings(), key=lambda each: each.start.generator != name)
    assert lost.end is None
    assert other.end is not None
    assert (other.end.started, other.missing) == (100, 0)
    assert ended.says_nothing_wrong()


@pytest.mark.long
def test_a_worker_that_is_lost_with_its_recording_makes_counts_a_range_and_never_a_failure(
    start: Start, open_shop: OpenShop, tmp_path: Path
) -> None:
    shop = open_shop("--delay", "0.05")
    name, ended = without_a_worker(start, shop, removes_spool=True)
    assert ended.code == 3, ended.stdout + ended.stderr
    observed = ended.finding("validity/iterations-add-up/load")["observed"]
    assert f"the worker {name} was lost" in observed
    assert "was recovered" not in observed
    assert re.search(r"what it sent after exchange \d+, \d+\.\d{3} s after its start, is missing",
                     observed)  # fmt: skip
    assert re.search(r"\d+ of its 100 iterations are unaccounted for", observed)
    verdicts = {each["verdict"] for each in ended.result["findings"]}
    assert verdicts == {"pass", "inconclusive"}
    (row,) = ended.rows("orders")
    assert row["verdict"] == "inconclusive"
    assert row["client"]["confirmed"] <= value_of(row, "database") == shop.orders()
    assert ended.says_nothing_wrong()


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """Make a folder a disk with room for a run's papers and for no rows; not everybody may."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no small disk can be made here: {made.stderr}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.long
@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["alone", "workers"])
def test_a_full_disk_stops_a_load_and_nothing_is_sent_that_is_not_recorded(
    start: Start, open_shop: OpenShop, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    shop = open_shop()
    with small_disk(tmp_path / "runs"):
        command = start("load", *shop.files("{users: 4, iterations: 100}"), *workers)
        ended = command.wait()
        assert ended.code == 3, ended.stdout + ended.stderr
        observed = ended.finding("validity/iterations-add-up/load")["observed"]
        assert "the recording cannot be written: the disk is full: " in observed
        assert ended.finding("success/load")["verdict"] == "inconclusive"
        assert shop.orders() == 0
        assert ended.says_nothing_wrong()


@pytest.mark.long
def test_a_master_that_is_killed_leaves_no_worker_and_a_run_that_says_so(
    start: Start, open_shop: OpenShop, tmp_path: Path
) -> None:
    shop = open_shop("--delay", "0.05")
    profile = "{rate: 40/s, duration: 3600s}"
    command = start("load", *shop.files(profile), "--workers", "2")
    command.await_exchanges("load", 100)
    master = next(each for each in command.started() if "--master" in each.cmdline())
    workers = workers_of(command)
    assert len(workers) == 2
    master.kill()
    assert still_there(workers) == []
    ended = command.wait()
    assert ended.code == 3, ended.stdout + ended.stderr
    assert (
        "the load generator was ended by SIGKILL"
        in ended.finding("validity/iterations-add-up/load")["observed"]
    )
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.long
def test_a_run_that_is_killed_leaves_no_worker_and_both_recordings(
    start: Start, open_shop: OpenShop, tmp_path: Path
) -> None:
    shop = open_shop("--delay", "0.05")
    files = shop.files("{rate: 40/s, duration: 3600s}")
    command = start("load", *files, "--workers", "2")
    command.await_exchanges("load", 100)
    _, *others = command.started()
    assert len(workers_of(command)) == 2
    command.kill()
    assert still_there(others) == []
    command.process.wait()
    recordings = recordings_of(command.folder, "load")
    assert len(recordings) == 2
    assert sum(len(each.exchanges) for each in recordings) >= 100


@pytest.mark.long
def test_a_worker_from_elsewhere_takes_its_part_and_ends_with_the_load(
    start: Start, open_shop: OpenShop, come: Callable[[str], subprocess.Popen[str]], tmp_path: Path
) -> None:
    shop, place = open_shop("--delay", "0.02"), f"127.0.0.1:{free_port()}"
    worker = come(place, **KEYED)
    profile = "{users: 5, iterations: 101}"
    ended = start("load", *shop.files(profile), "--workers", "1", "--expect", "1", "--bind", place,
                  **KEYED).wait()  # fmt: skip
    assert ended.code == 0, ended.stdout + ended.stderr
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0
    assert "Traceback" not in output
    assert sorted(each.start.scheduled or 0 for each in ended.recordings()) == [50, 51]
    assert shop.orders() == 101
    assert ended.says_nothing_wrong()
    assert not list(tmp_path.glob("workers/*"))


@pytest.mark.long
def test_a_signal_to_the_run_stops_a_worker_from_elsewhere_with_all_that_it_did(
    start: Start, open_shop: OpenShop, come: Callable[[str], subprocess.Popen[str]], tmp_path: Path
) -> None:
    shop, place = open_shop("--delay", "0.2"), f"127.0.0.1:{free_port()}"
    worker = come(place)
    command = start("load", *shop.files("{rate: 40/s, duration: 3600s}"), "--workers", "1",
                    "--expect", "1", "--bind", place)  # fmt: skip
    command.await_exchanges("load", 60)
    command.kill(signal.SIGINT)
    ended = command.wait()
    output, _ = worker.communicate(timeout=60)
    assert (ended.code, worker.returncode) == (3, 0), ended.stdout + output
    assert "Traceback" not in output
    (row,) = ended.rows("orders")
    assert row["client"] == client_figure(shop.orders())
    assert row["verdict"] == "pass"
    assert [each.end and each.end.stop_reason for each in ended.recordings()] == [
        StopReason.INTERRUPTED, StopReason.INTERRUPTED,
    ]  # fmt: skip
    assert not list(tmp_path.glob("workers/*"))


@pytest.mark.long
def test_a_signal_to_a_worker_from_elsewhere_is_named_and_makes_no_count_wrong(
    start: Start, open_shop: OpenShop, come: Callable[[str], subprocess.Popen[str]], tmp_path: Path
) -> None:
    shop, place = open_shop("--delay", "0.05"), f"127.0.0.1:{free_port()}"
    worker = come(place)
    command = start("load", *shop.files("{users: 4, iterations: 200}"), "--workers", "1",
                    "--expect", "1", "--bind", place)  # fmt: skip
    command.await_exchanges("load", 40)
    worker.send_signal(signal.SIGINT)
    output, _ = worker.communicate(timeout=60)
    ended = command.wait()
    assert "Traceback" not in output
    assert ended.code == 3, ended.stdout
    observed = ended.finding("validity/iterations-add-up/load")["observed"]
    assert "the worker was interrupted" in observed
    assert "could not be started in time" not in observed
    assert ended.rows("orders")[0]["verdict"] in ("pass", "inconclusive")
    assert ended.says_nothing_wrong()


@pytest.mark.long
def test_a_worker_from_elsewhere_ends_soon_after_its_master_was_killed(
    start: Start, open_shop: OpenShop, come: Callable[[str], subprocess.Popen[str]]
) -> None:
    shop, place = open_shop("--delay", "0.05"), f"127.0.0.1:{free_port()}"
    worker = come(place)
    profile = "{rate: 40/s, duration: 3600s}"
    command = start("load", *shop.files(profile), "--expect", "1", "--bind", place)
    command.await_exchanges("load", 50)
    next(each for each in command.started() if "--master" in each.cmdline()).kill()
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 1
    found = re.search(r"lost the master; this worker stops; its recording is in (.*)$",
                      output, re.MULTILINE)  # fmt: skip
    assert found, output
    assert "Traceback" not in output
    (own,) = read_recordings(Path(found[1]), "load")
    assert own.end is not None
    assert own.end.stop_reason is StopReason.MASTER_LOST
    assert own.unconcluded == 0
    orders = own.exchanges.of_step("order")
    assert orders.ok.sum() <= shop.orders() <= (orders.ok | orders.cut_off).sum()
    assert command.wait().code == 3


@pytest.mark.long
def test_a_worker_that_never_comes_is_told_in_one_sentence(
    start: Start, open_shop: OpenShop
) -> None:
    shop, place = open_shop(), f"127.0.0.1:{free_port()}"
    ended = start("load", *shop.files(OPEN), "--workers", "1", "--expect", "1", "--bind", place,
                  LOCUST_EXPECT_WORKERS_MAX_WAIT="4").wait()  # fmt: skip
    assert ended.code == 3, ended.stdout + ended.stderr
    observed = ended.finding("validity/iterations-add-up/load")["observed"]
    assert "1 of 2 workers connected within 4 s" in observed
    assert ended.says_nothing_wrong()
    assert shop.orders() == 0


@pytest.mark.long
@pytest.mark.parametrize("key", ["", "another key of enough characters"])
def test_a_worker_without_the_key_takes_no_part(
    start: Start, open_shop: OpenShop, come: Callable[..., subprocess.Popen[str]], key: str
) -> None:
    shop, place = open_shop(), f"127.0.0.1:{free_port()}"
    come(place, **{KEY: key})
    ended = start("load", *shop.files(OPEN), "--expect", "1", "--bind", place,
                  LOCUST_EXPECT_WORKERS_MAX_WAIT="8", **KEYED).wait()  # fmt: skip
    assert ended.code == 3, ended.stdout + ended.stderr
    observed = ended.finding("validity/iterations-add-up/load")["observed"]
    assert "0 of 1 workers connected within 8 s" in observed
    assert shop.orders() == 0


@pytest.mark.long
def test_a_worker_with_another_environment_is_named_and_nothing_is_sent(
    start: Start, open_shop: OpenShop, come: Callable[..., subprocess.Popen[str]]
) -> None:
    shop, place = open_shop(), f"127.0.0.1:{free_port()}"
    come(place)
    options = shop.files(OPEN)
    own = shop.folder / "own.yaml"
    own.write_text(shop.environment.read_text() + "tenant: other\n")
    options[options.index("--env") + 1] = str(own)
    ended = start("load", *options, "--expect", "1", "--bind", place).wait()
    assert ended.code == 3, ended.stdout + ended.stderr
    observed = ended.finding("validity/iterations-add-up/load")["observed"]
    assert "differs from the environment of the master" in observed
    assert shop.orders() == 0


@pytest.mark.core
@pytest.mark.long
def test_workers_of_other_machines_are_refused_without_a_key(start: Start, tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    options = ["--expect", "1", "--bind", "0.0.0.0:5557"]
    ended = start("load", *shop.files(OPEN), *options, **{KEY: ""}).wait()
    assert ended.code == 2
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith(f"workers at 0.0.0.0 need a key; set {KEY}")


@pytest.mark.core
@pytest.mark.long
def test_a_worker_of_another_machine_is_refused_without_a_key() -> None:
    ended = subprocess.run(
        [sys.executable, "run.py", "worker", "--master", "192.0.2.1:5557"],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=60, env={**os.environ, KEY: ""},
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"workers at 192.0.2.1 need a key; set {KEY}")


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--workers", "-1"], "--workers: '-1' is not a whole number of at least 0"),
        (["--workers", "6"], "load has 5 users, too few for 6 workers"),
    ],
)
def test_workers_that_cannot_be_are_refused_and_nothing_is_sent(
    start: Start, tmp_path: Path, options: list[str], words: str
) -> None:
    shop = Shop(tmp_path)
    ended = start("load", *shop.files("{users: 5, iterations: 10}"), *options).wait()
    assert ended.code == 2, ended.stdout + ended.stderr
    assert words in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.long
@pytest.mark.parametrize(
    ("host", "words"),
    [("127.0.0.1", "Address already in use"), ("192.0.2.1", "Cannot assign requested address"),
     ("nowhere.invalid", "")],
)  # fmt: skip
def test_a_place_where_workers_cannot_come_is_one_sentence_and_nothing_is_sent(
    start: Start, open_shop: OpenShop, host: str, words: str
) -> None:
    shop = open_shop()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"{host}:{taken.getsockname()[1]}"
        options = ["--expect", "1", "--bind", place]
        ended = start("load", *shop.files(OPEN), *options, **KEYED).wait()
    assert ended.code == 2, ended.stdout + ended.stderr
    (sentence,) = (line for line in ended.stderr.splitlines() if "--bind" in line)
    assert sentence.startswith(f"--bind {place}: cannot listen there: {words}")
    assert "Traceback" not in ended.stderr
    assert shop.orders() == 0


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize("master", ["127.0.0.1:99999", "nowhere.invalid:5557"])
def test_a_master_that_is_no_place_is_one_sentence_and_not_awaited(master: str) -> None:
    ended = subprocess.run(
        [sys.executable, "run.py", "worker", "--master", master],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith(f"--master {master}")
