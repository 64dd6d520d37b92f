"""Real processes: a service as an operator starts it, from a shell of its own."""

import os
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.paths import ROOT
from tests.reference_services.services import Scrape

SERVE = ("-m", "reference_services.serve")
# For an interpreter that is not the environment's own.
PACKAGES = sysconfig.get_path("purelib")
_STOP_S = 10


@dataclass(frozen=True)
class ServiceProcess:
    """One service that runs as a process, or as a parent and its workers."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask on a connection of its own: any worker may answer."""
        return httpx.get(self.url + path, headers=headers, timeout=20)

    def scrape(self) -> Scrape:
        """Take the metrics."""
        return Scrape(self.get("/metrics").text)

    def workers(self) -> list[psutil.Process]:
        """Return the workers that run; multiprocessing's tracker is none."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [each for each in children if is_alive(each) and _is_worker(each)]

    def stop(self) -> int:
        """End it as an operator does, and return its exit code: 0, or the signal's own."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_STOP_S)


@contextmanager
def running(
    service: str,
    folder: Path,
    variables: Mapping[str, str] | None = None,
    *,
    workers: int | None = None,
    python: str = sys.executable,
    user: int | None = None,
) -> Iterator[ServiceProcess]:
    """Run a service within the block, in the folder; its port is free as soon as it has ended."""
    log = folder / f"{service}.log"
    arguments = [] if workers is None else ["--workers", str(workers)]
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("wb") as output:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = subprocess.Popen(
            [python, *SERVE, service, "--fd", str(listener.fileno()), *arguments],
            pass_fds=[listener.fileno()],
            env=environ_of(**(variables or {})),
            cwd=folder,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdout=output,
            stderr=output,
        )
    started = ServiceProcess(process, url, log)
    # The socket listens already: this waits until somebody serves it.
    with _ending(process):
        try:
            assert started.get("/health").status_code == 200
        except httpx.TransportError as error:
            raise AssertionError(f"it did not start: {log.read_text()}") from error
        yield started


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process runs; one that nobody has buried yet does not."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "spawn_main" in " ".join(process.cmdline())
    return False


def refusal(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Start a service that ought not to start, and return how it ended."""
    return subprocess.run(
        [sys.executable, *SERVE, *arguments],
        env=environ_of(**variables),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def environ_of(**variables: str) -> dict[str, str]:
    """Write the environment of a process that knows nothing but this."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{PACKAGES}", **variables}


@contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    family: list[psutil.Process] = []
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
