"""A service that is killed and comes back: a real process, each time on the same port."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.reference_services.processes import SERVE, environ_of
from tests.reference_services.services import Scrape

_START_S = 90.0


class Restartable:
    """One service that does not run until it is started, and may be killed any time."""

    def __init__(self, name: str, folder: Path, **variables: str) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._folder = folder
        self._environ = environ_of(LOG_LEVEL="WARNING", **variables)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = str(listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *SERVE, self.name, "--port", self._port],
                env=self._environ,
                cwd=self._folder,
                stdout=output,
                stderr=output,
            )
        ends_at = time.monotonic() + _START_S
        while not self._is_answering():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < ends_at, self.log.read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        """End it with no warning, if it runs, and wait until it is gone."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def scrape(self) -> Scrape:
        """Take its metrics."""
        return Scrape(httpx.get(f"{self.url}/metrics", timeout=20).text)

    def _is_answering(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=5).is_success
        except httpx.TransportError:
            return False


@contextmanager
def restartable(name: str, folder: Path, **variables: str) -> Iterator[Restartable]:
    """Run the service within the block; what the test left running is killed after it."""
    service = Restartable(name, folder, **variables)
    try:
        service.start()
        yield service
    finally:
        service.kill()
