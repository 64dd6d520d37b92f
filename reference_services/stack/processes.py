"""Child processes of the local stack: start, readiness and joint termination."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from reference_services.common.parent_death import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"

_START_S = 120.0  # of a busy machine; a process that ends is reported at once
_STOP_S = 1.5
_POLL_S = 0.02


class StackError(Exception):
    """The stack could not be started; the message names the reason and the remedy."""


@dataclass(frozen=True)
class StackProcess:
    """A process of the stack, with its log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    started_at: float  # time.monotonic


@dataclass(frozen=True)
class LostProcess:
    """A process of the stack that did not last: its exit code, or None if it is suspended."""

    name: str
    code: int | None


class ProcessGroup:
    """Processes of one local stack; `stop` stops every process that was started."""

    def __init__(self, folder: Path, hold: AbstractContextManager[None]) -> None:
        """Start nothing yet; logs go to the folder.

        `hold` defers termination signals within its block: without it, a signal could arrive
        between the start of a process and its registration, and leave an orphan.
        """
        self._folder = folder
        self._hold = hold
        self._started: list[StackProcess] = []

    def start(
        self,
        name: str,
        command: list[str],
        environ: Mapping[str, str] = os.environ,
        descriptor: int | None = None,
    ) -> StackProcess:
        """Start a process that inherits the descriptor and logs to `<name>.log`."""
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
                preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - takes no lock
            )
            started = StackProcess(name, process, log, time.monotonic())
            self._started.append(started)
        return started

    def start_module(
        self,
        name: str,
        module: str,
        *arguments: str,
        listener: socket.socket,
        environ: Mapping[str, str] = os.environ,
    ) -> StackProcess:
        """Start a module of `reference_services` that serves a listening socket as `--fd`."""
        descriptor = listener.fileno()
        command = [sys.executable, "-m", f"reference_services.{module}", *arguments]
        return self.start(name, [*command, "--fd", str(descriptor)], environ, descriptor)

    def lost(self) -> list[LostProcess]:
        """Return the processes that have ended or are suspended."""
        found = [find_lost(each.name, each.process) for each in self._started]
        return [each for each in found if each]

    def stop(self) -> None:
        """Send SIGTERM to every process, and SIGKILL to those that do not end in time."""
        for started in self._started:
            started.process.terminate()
        deadline = time.monotonic() + _STOP_S
        for started in self._started:
            try:
                started.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                started.process.kill()
                started.process.wait()


def find_lost(name: str, process: subprocess.Popen[bytes]) -> LostProcess | None:
    """Return a process of a name as lost if it has ended or is suspended."""
    code = process.poll()
    if code is None and psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
        return None
    return LostProcess(name, code)


def open_listener() -> socket.socket:
    """Open a socket that listens on a free port of the loopback address."""
    return socket.create_server((HOST, 0))


def address_of(listener: socket.socket) -> str:
    """Return the address of a socket as HOST:PORT."""
    host, port = listener.getsockname()
    return f"{host}:{port}"


def url_of(listener: socket.socket) -> str:
    """Return the HTTP URL of a socket."""
    return f"http://{address_of(listener)}"


def ports_of(started: StackProcess) -> list[int]:
    """Return the TCP ports on which a process listens."""
    connections = psutil.Process(started.process.pid).net_connections("tcp")
    return [found.laddr.port for found in connections if found.status == psutil.CONN_LISTEN]


def is_up(url: str) -> bool:
    """Return whether a GET of the URL returns 200 within a second."""
    try:
        with urlopen(url, timeout=1) as response:  # noqa: S310 - an address of our own
            return bool(response.status == HTTPStatus.OK)
    except (URLError, OSError):
        return False


def wait_until(started: StackProcess, condition: Callable[[], bool]) -> None:
    """Wait until a condition holds. Raises StackError if the process ends or time is up."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if started.process.poll() is not None:
            raise StackError(f"{started.name} ended while starting; see {started.log}")
        if condition():
            return
        time.sleep(_POLL_S)
    raise StackError(f"{started.name} not ready within {_START_S:g} s; see {started.log}")


def find_prometheus() -> str:
    """Return the Prometheus binary: $PROMETHEUS, the one linked by `make setup`, or from PATH.

    Raises StackError if there is none.
    """
    linked = ROOT / ".cache" / "prometheus"
    linked_path = str(linked) if linked.exists() else None
    named = os.environ.get("PROMETHEUS")
    if named and not shutil.which(named):
        raise StackError(f"PROMETHEUS={named} is not an executable file; correct or unset it")
    found = named or linked_path or shutil.which("prometheus")
    if not found:
        raise StackError(
            "no Prometheus binary found: in a checkout, run make setup; otherwise install "
            "Prometheus, or set PROMETHEUS to its path"
        )
    return found
