"""Tests of the child processes of the local stack."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest

from reference_services.stack import processes
from reference_services.stack.processes import (
    ProcessGroup,
    StackError,
    address_of,
    find_prometheus,
    is_up,
    open_listener,
    ports_of,
    url_of,
    wait_until,
)

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
SERVE_HTTP = """
import socket, sys
from http.server import HTTPServer, SimpleHTTPRequestHandler
server = HTTPServer(("", 0), SimpleHTTPRequestHandler, bind_and_activate=False)
server.socket = socket.socket(fileno=int(sys.argv[1]))
server.serve_forever()
"""


@pytest.fixture
def group(tmp_path: Path) -> Iterator[ProcessGroup]:
    """Create a group whose processes are stopped after the test."""
    created = ProcessGroup(tmp_path, nullcontext())
    yield created
    created.stop()


def test_a_stopped_group_leaves_no_process_even_if_one_ignores_sigterm(group: ProcessGroup) -> None:
    ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True);"
    polite = group.start("polite", SLEEP)
    stubborn = group.start("stubborn", [sys.executable, "-c", f"{ignore} time.sleep(600)"])
    wait_until(stubborn, lambda: "ready" in stubborn.log.read_text())
    group.stop()
    assert polite.process.returncode == -15
    assert stubborn.process.returncode == -9


def test_a_process_inherits_the_listening_socket_and_writes_to_its_log(
    group: ProcessGroup, tmp_path: Path
) -> None:
    with open_listener() as listener:
        descriptor = listener.fileno()
        command = [sys.executable, "-c", SERVE_HTTP, str(descriptor)]
        started = group.start("http", command, descriptor=descriptor)
        url = url_of(listener)
    wait_until(started, lambda: is_up(url))
    assert ports_of(started) == [httpx.URL(url).port]
    assert "GET / HTTP" in (tmp_path / "http.log").read_text()


def test_waiting_for_a_process_that_has_ended_names_its_log(group: ProcessGroup) -> None:
    ended = group.start("broken", [sys.executable, "-c", "raise SystemExit(1)"])
    with pytest.raises(StackError, match=r"broken ended while starting; see .*broken\.log"):
        wait_until(ended, lambda: False)


def test_an_address_without_a_server_is_not_up() -> None:
    with open_listener() as listener:
        url = url_of(listener)
        assert url == f"http://{address_of(listener)}"
    assert not is_up(url)


def test_the_variable_prometheus_wins_over_every_other_binary(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    binary = tmp_path / "prometheus"
    binary.touch(0o755)
    monkeypatch.setenv("PROMETHEUS", str(binary))
    assert find_prometheus() == str(binary)


def test_the_variable_prometheus_that_names_no_binary_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROMETHEUS", str(tmp_path / "none"))
    with pytest.raises(StackError, match=r"none is not an executable file; correct or unset it"):
        find_prometheus()


def test_a_missing_prometheus_is_an_error_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PROMETHEUS", raising=False)
    monkeypatch.setattr(processes, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        StackError,
        match="run make setup; otherwise install Prometheus",
    ):
        find_prometheus()
