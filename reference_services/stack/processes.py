"""How is a process of the local stack started, waited for, and ended with all the others?"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"

_START_S = 20.0
_STOP_S = 1.5
_POLL_S = 0.02


class StackError(Exception):
    """The stack could not be started; the text says why, and what to do."""


@dataclass(frozen=True)
class Started:
    """One process of the stack."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    started_at: float  # on the monotonic clock


class Processes:
    """The processes of one local stack. Whatever was started is stopped by `stop`."""

    def __init__(self, folder: Path, hold: AbstractContextManager[None]) -> None:
        """Start nothing yet; logs go to the folder.

        Inside `hold` nothing interrupts, so no process is started and forgotten.
        """
        self._folder = folder
        self._hold = hold
        self._started: list[Started] = []

    def start(
        self,
        name: str,
        command: list[str],
        environ: Mapping[str, str] = os.environ,
        descriptor: int | None = None,
    ) -> Started:
        """Start a process that inherits the descriptor and writes to the log of its name."""
        log = self._folder / f"{name}.log"
        with log.open("ab") as output, self._hold:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environ),
                cwd=ROOT,
                pass_fds=() if descriptor is None else (descriptor,),
            )
            started = Started(name, process, log, time.monotonic())
            self._started.append(started)
        return started

    def start_module(
        self,
        name: str,
        module: str,
        *arguments: str,
        listener: socket.socket,
        environ: Mapping[str, str] = os.environ,
    ) -> Started:
        """Start a module of ours that serves a listening socket, which it is given as `--fd`."""
        descriptor = listener.fileno()
        command = [sys.executable, "-m", f"reference_services.{module}", *arguments]
        return self.start(name, [*command, "--fd", str(descriptor)], environ, descriptor)

    def stop(self) -> None:
        """Stop every process, politely and then by force."""
        for started in self._started:
            started.process.terminate()
        deadline = time.monotonic() + _STOP_S
        for started in self._started:
            try:
                started.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                started.process.kill()
                started.process.wait()


def listen() -> socket.socket:
    """Return a socket that listens on a free port."""
    return socket.create_server((HOST, 0))


def address_of(listener: socket.socket) -> str:
    """Return where a socket listens, as HOST:PORT."""
    host, port = listener.getsockname()
    return f"{host}:{port}"


def url_of(listener: socket.socket) -> str:
    """Return the address of what is served at a socket."""
    return f"http://{address_of(listener)}"


def ports_of(started: Started) -> list[int]:
    """Return the ports that a process listens on by now."""
    connections = psutil.Process(started.process.pid).net_connections("tcp")
    return [each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN]


def answers(url: str) -> bool:
    """Ask whether an address answers with 200."""
    try:
        with urlopen(url, timeout=1) as answer:  # noqa: S310 - an address of our own
            return bool(answer.status == HTTPStatus.OK)
    except (URLError, OSError):
        return False


def wait_until(started: Started, is_so: Callable[[], bool]) -> None:
    """Wait for something that the process must bring about. Raises StackError."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if started.process.poll() is not None:
            raise StackError(f"{started.name} ended while starting; see {started.log}")
        if is_so():
            return
        time.sleep(_POLL_S)
    raise StackError(f"{started.name} did not answer within {_START_S:g} s; see {started.log}")


def find_prometheus() -> str:
    """Return the Prometheus binary: $PROMETHEUS, what `make setup` found, or one on the PATH.

    Raises StackError.
    """
    linked = ROOT / ".cache" / "prometheus"
    linked_path = str(linked) if linked.exists() else None
    found = os.environ.get("PROMETHEUS") or linked_path or shutil.which("prometheus")
    if not found:
        raise StackError("there is no Prometheus here; run make setup, or set PROMETHEUS")
    return found
