"""A worker, in a process of its own: it becomes another program."""

import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from commands.worker import address_of
from config.errors import ConfigError
from scenarios.driver.load_process import LOCUST
from tests.paths import ROOT

HANGS_S = 120
LOCUSTFILE = str(ROOT / "scenarios" / "locustfile.py")
NO_ADDRESS = "is not HOST or HOST:PORT; write for example 10.0.0.5:5557"


def command(master: str) -> list[str]:
    return [sys.executable, "run.py", "worker", "--master", master]


@pytest.mark.core
@pytest.mark.long
def test_a_worker_that_does_not_start_prints_one_sentence() -> None:
    ended = subprocess.run(
        command("x:y:z"), cwd=ROOT, capture_output=True, text=True, check=False, timeout=HANGS_S
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"--master x:y:z {NO_ADDRESS}\n"


@pytest.mark.parametrize(
    "master", ["x:y:z", "", "::1", "[::1", "http://load.example", "one two", "localhost:",
               "localhost:0", "localhost:65536", "localhost:-1"],
)  # fmt: skip
def test_what_is_not_host_or_host_and_port_is_refused_in_one_sentence(master: str) -> None:
    with pytest.raises(ConfigError) as refused:
        address_of(master)
    assert str(refused.value) == f"--master {master} {NO_ADDRESS}"


@pytest.mark.parametrize("master", ["nowhere.invalid", "nowhere.invalid:6000"])
def test_a_host_that_is_unknown_is_refused_in_one_sentence(master: str) -> None:
    with pytest.raises(ConfigError) as refused:
        address_of(master)
    printed = str(refused.value)
    assert printed.startswith(f"--master {master} has no address (")
    assert printed.endswith("; name the machine that runs load --expect")
    assert len(printed.splitlines()) == 1


@pytest.mark.parametrize(
    ("master", "host", "port"),
    [
        ("127.0.0.1", "127.0.0.1", 5557),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("[::1]:65535", "::1", 65535),
    ],
)
def test_a_master_is_named_by_host_or_by_host_and_port(master: str, host: str, port: int) -> None:
    assert address_of(master) == (host, port)


@pytest.mark.core
@pytest.mark.long
def test_the_process_becomes_a_worker_of_the_master_that_is_named() -> None:
    with subprocess.Popen(command("[::1]:65535"), cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            became = psutil.Process(process.pid)
            while "locust" not in (words := became.cmdline()):
                assert process.poll() is None
                time.sleep(0.01)
        finally:
            process.kill()
    assert (*words[1:6],) == LOCUST[1:] == ("-P", "-m", "locust", "-f", LOCUSTFILE)
    options = "--worker", "--headless", "--master-host", "::1", "--master-port", "65535"
    evidence = "--evidence", str(ROOT / "runs")
    assert (*words[6:14],) == (*options, *evidence)
    assert words[14] == "--environment"


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize("is_connected", [False, True], ids=["imports", "waits for the master"])
def test_an_interrupt_before_the_load_ends_the_worker_in_silence(is_connected: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as master:
        master.settimeout(HANGS_S)
        address = f"127.0.0.1:{master.getsockname()[1]}"
        with subprocess.Popen(
            command(address), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as worker:
            try:
                while "locust" not in psutil.Process(worker.pid).cmdline():
                    assert worker.poll() is None
                    time.sleep(0.01)
                if is_connected:
                    master.accept()[0].close()
                worker.send_signal(signal.SIGINT)
                printed, _ = worker.communicate(timeout=HANGS_S)
            finally:
                worker.kill()
    assert worker.returncode == -signal.SIGINT
    assert "Traceback" not in printed
    assert "KeyboardInterrupt" not in printed
