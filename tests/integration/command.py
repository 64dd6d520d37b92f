"""What the integration tests share: the real command, as a process, and what it leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from scenarios.evidence.recording import Recording
from scenarios.evidence.recording_reader import read_recordings
from tests.paths import ROOT


@dataclass(frozen=True)
class Ended:
    """A command that has ended, and what it left."""

    code: int
    stdout: str
    stderr: str
    folder: Path

    @property
    def result(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "result.json").read_bytes())
        return content

    def finding(self, check: str) -> dict[str, Any]:
        return next(each for each in self.result["findings"] if each["id"] == check)

    def rows(self, quantity: str) -> list[dict[str, Any]]:
        return [each for each in self.result["usage"] if each["quantity"] == quantity]

    def recordings(self, profile: str = "load") -> tuple[Recording, ...]:
        return recordings_of(self.folder, profile)

    def says_nothing_wrong(self) -> bool:
        """Return whether a load ended without a traceback anywhere."""
        log = (self.folder / "load.log").read_text()
        return "Traceback" not in self.stdout + self.stderr + log


class Command:
    """One `run.py` in a process group of its own."""

    def __init__(self, runs: Path, *arguments: str, **variables: str) -> None:
        self.runs = runs
        self.process = subprocess.Popen(
            [sys.executable, "run.py", *arguments, "--runs", str(runs)],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    @property
    def folder(self) -> Path:
        return (self.runs / "latest").resolve()

    def wait(self) -> Ended:
        stdout, stderr = self.process.communicate(timeout=240)
        return Ended(self.process.returncode, stdout, stderr, self.folder)

    def started(self) -> list[psutil.Process]:
        """Return every process that came of the command, itself included."""
        try:
            own = psutil.Process(self.process.pid)
            return [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def await_text(self, name: str, text: str, times: int = 1, within_s: float = 90) -> None:
        """Wait until a file of the run's folder holds a text so often."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            path = self.runs / "latest" / name
            if path.exists() and path.read_text(errors="replace").count(text) >= times:
                return
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.005)
        raise AssertionError(f"{name} never held {text!r} {times} times")

    def await_exchanges(self, profile: str, number: int, within_s: float = 90) -> None:
        """Wait until so many requests of a profile are concluded."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if concluded(self.runs / "latest", profile) >= number:
                return
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.005)
        raise AssertionError(f"{profile} never had {number} exchanges")

    def process_of(self, service: str) -> psutil.Process:
        """Return the process that listens at a service's address."""
        run = json.loads((self.folder / "evidence" / "run.json").read_bytes())
        port = urlsplit(run["services"][service]).port
        return next(each for each in self.started() if port in ports_of(each))

    def process_named(self, name: str) -> psutil.Process:
        return next(each for each in self.started() if each.name() == name)

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)


def client_figure(confirmed: int) -> dict[str, object]:
    """Return what the client knows of a row of the balance if nothing is in doubt."""
    return {
        "confirmed": confirmed,
        "in_doubt": 0,
        "after_hang_up": 0,
        "is_partial": False,
        "is_unbounded": False,
        "is_at_least": False,
    }


def recordings_of(run: Path, profile: str) -> tuple[Recording, ...]:
    return read_recordings(run / "evidence" / "exchanges", profile)


def concluded(run: Path, profile: str) -> int:
    """Count the requests of a profile of which it is known by now what came of them."""
    return sum(len(each.exchanges) - each.unconcluded for each in recordings_of(run, profile))


def ports_of(process: psutil.Process) -> set[int]:
    try:
        connections = process.net_connections("tcp")
    except psutil.Error:
        return set()
    return {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}


def still_there(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those of the processes that do not end, however long one waits: a minute will do."""
    _, alive = psutil.wait_procs(processes, timeout=60)
    return [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]


Start = Callable[..., Command]
