"""Services as processes, started as an operator starts them."""

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
# For a Python outside of the virtual environment.
PACKAGES = sysconfig.get_path("purelib")
_STOP_S = 60


@dataclass(frozen=True)
class ServiceProcess:
    """A service as one process, or as a parent with workers."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Send a GET on a new connection, so that any worker may answer."""
        return httpx.get(self.url + path, headers=headers, timeout=60)

    def scrape(self) -> Scrape:
        """Scrape `/metrics`."""
        return Scrape(self.get("/metrics").text)

    def workers(self) -> list[psutil.Process]:
        """Return the running workers, without multiprocessing's resource tracker."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [each for each in children if is_alive(each) and _is_worker(each)]

    def stop(self) -> int:
        """Send SIGTERM and return the exit code: 0, or minus the signal."""
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
    """Run a service in the folder within the block."""
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
    # The socket listens already, so the request waits until it is served.
    with _ending(process):
        try:
            assert started.get("/health").status_code == 200
        except httpx.TransportError as error:
            raise AssertionError(f"it did not start: {log.read_text()}") from error
        yield started


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; a zombie does not."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "spawn_main" in " ".join(process.cmdline())
    return False


def refusal(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Start a service that must fail to start, and return the finished process."""
    return subprocess.run(
        [sys.executable, *SERVE, *arguments],
        env=environ_of(**variables),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def environ_of(**variables: str) -> dict[str, str]:
    """Return an environment with these variables and the import path only."""
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
