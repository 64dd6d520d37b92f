"""Who starts the local stack, and who stops it? One process that dies with its parent.

    python -m reference_services.supervisor FOLDER [FAULT]

It starts the three services and a Prometheus on free ports of the loopback address, prints one
JSON object with their addresses when all of them answer, and stops them all when its standard
input ends: at the parent's wish, or by the parent's death, however that came about.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

import psutil

ROOT = Path(__file__).resolve().parents[1]
SERVICES = ("cards", "onboarding", "workflow")
SCRAPE_INTERVAL = "1s"

_HOST = "127.0.0.1"
_START_S = 20.0
_STOP_S = 1.5
_POLL_S = 0.02


class StackError(Exception):
    """The stack could not be started; the text says why, and what to do."""


@dataclass(frozen=True)
class Started:
    """One process of the stack, and where it answers."""

    name: str
    process: subprocess.Popen[bytes]
    url: str
    log: Path


class Stack:
    """The processes of one local stack. Whatever was started is stopped by `stop`."""

    def __init__(self, folder: Path, fault: str | None, hold: AbstractContextManager[None]) -> None:
        """Start nothing yet; databases, logs and samples go to the folder.

        Inside `hold` nothing interrupts, so no process is started and forgotten.
        """
        self._folder = folder
        self._hold = hold
        self._fault = fault
        self._started: list[Started] = []

    def start(self) -> dict[str, str]:
        """Start everything, wait until it answers, and return the variables of its addresses.

        Raises StackError.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            listening = {
                name: held.enter_context(socket.create_server((_HOST, 0))) for name in SERVICES
            }
            # Prometheus first: it takes 5 s from its start to its first scrape
            prometheus = self._start_prometheus(listening)
            cards = self._start_service("cards", listening, {})
            variables = {"CARDS_URL": cards.url}
            others = [self._start_service(name, listening, variables) for name in SERVICES[1:]]
        services = [cards, *others]
        for service in services:
            _wait_until(service, partial(_answers, f"{service.url}/health"))
        _wait_until(prometheus, lambda: bool(_ports_of(prometheus)))
        prometheus_url = f"http://{_HOST}:{_ports_of(prometheus)[0]}"
        _wait_until(prometheus, partial(_answers, f"{prometheus_url}/-/ready"))
        return {**self._addresses(services), "PROMETHEUS_URL": prometheus_url}

    def stop(self) -> None:
        """Stop every process, politely and then by force, and drop Prometheus' samples."""
        for started in self._started:
            started.process.terminate()
        deadline = time.monotonic() + _STOP_S
        for started in self._started:
            try:
                started.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                started.process.kill()
                started.process.wait()
        shutil.rmtree(self._folder / "prometheus", ignore_errors=True)

    def _addresses(self, services: list[Started]) -> dict[str, str]:
        addresses = {}
        for service in services:
            name = service.name.upper()
            addresses[f"{name}_URL"] = service.url
            addresses[f"{name}_DATABASE_URL"] = self._database_url(service.name)
            addresses[f"{name}_PID"] = str(service.process.pid)
        return addresses

    def _database_url(self, name: str) -> str:
        return f"sqlite:///{(self._folder / f'{name}.db').resolve()}"

    def _start_service(
        self, name: str, listening: Mapping[str, socket.socket], variables: Mapping[str, str]
    ) -> Started:
        descriptor = listening[name].fileno()
        command = [
            *(sys.executable, "-m", "reference_services.serve", name, "--fd", str(descriptor)),
        ]
        settings = {"DATABASE_URL": self._database_url(name), "FAULT": self._fault or ""}
        environ = {**os.environ, **settings, **variables}
        return self._spawn(
            name, command, f"http://{_address(listening[name])}", environ, descriptor
        )

    def _start_prometheus(self, listening: Mapping[str, socket.socket]) -> Started:
        configuration = self._folder / "prometheus.json"
        configuration.write_text(json.dumps(_prometheus_configuration(listening)))
        command = [
            find_prometheus(),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={self._folder / 'prometheus'}",
            f"--web.listen-address={_HOST}:0",
        ]
        return self._spawn("prometheus", command, "", os.environ, None)

    def _spawn(
        self,
        name: str,
        command: list[str],
        url: str,
        environ: Mapping[str, str],
        descriptor: int | None,
    ) -> Started:
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
            started = Started(name, process, url, log)
            self._started.append(started)
        return started


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


def _prometheus_configuration(listening: Mapping[str, socket.socket]) -> dict[str, object]:
    return {
        "global": {"scrape_interval": SCRAPE_INTERVAL, "scrape_timeout": SCRAPE_INTERVAL},
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [_address(each)]}]}
            for name, each in listening.items()
        ],
    }


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()
    return f"{host}:{port}"


def _ports_of(started: Started) -> list[int]:
    connections = psutil.Process(started.process.pid).net_connections("tcp")
    return [each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN]


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1) as answer:  # noqa: S310 - an address of our own
            return bool(answer.status == HTTPStatus.OK)
    except (URLError, OSError):
        return False


def _wait_until(started: Started, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if started.process.poll() is not None:
            raise StackError(f"{started.name} ended while starting; see {started.log}")
        if is_so():
            return
        time.sleep(_POLL_S)
    raise StackError(f"{started.name} did not answer within {_START_S:g} s; see {started.log}")


def _end_with_input() -> None:
    """Turn the end of standard input into the signal that ends this process."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


class _Leave:
    """The signal's handler: end at once, but never between a start and its being noted."""

    def __init__(self) -> None:
        self._wanted = False
        self._holds = 0

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self._wanted = True
        self._go()

    def __enter__(self) -> None:
        self._holds += 1

    def __exit__(self, *_: object) -> None:
        self._holds -= 1
        self._go()

    def _go(self) -> None:
        if self._wanted and not self._holds:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self._wanted = False
            raise SystemExit(0)


def main(folder: str, fault: str | None = None) -> None:
    """Run a stack until standard input ends."""
    leave = _Leave()
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_input()
    stack = Stack(Path(folder), fault, hold=leave)
    try:
        print(json.dumps(stack.start()), flush=True)
        while True:
            signal.pause()
    except StackError as error:
        print(json.dumps({"error": str(error)}), flush=True)
    finally:
        stack.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
