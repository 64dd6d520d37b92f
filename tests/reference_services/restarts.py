"""A service process that can be killed and restarted on the same port."""

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
    """A service that the test starts, kills and starts again."""

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
        """Start the process and wait until it is healthy."""
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
        """Kill the process, if it runs, and wait for its end."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def scrape(self) -> Scrape:
        """Scrape `/metrics`."""
        return Scrape(httpx.get(f"{self.url}/metrics", timeout=60).text)

    def _is_answering(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=60).is_success
        except httpx.TransportError:
            return False


@contextmanager
def restartable(name: str, folder: Path, **variables: str) -> Iterator[Restartable]:
    """Start the service, and kill it after the block if it still runs."""
    service = Restartable(name, folder, **variables)
    try:
        service.start()
        yield service
    finally:
        service.kill()
