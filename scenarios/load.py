"""How does this process drive a load? By Locust in a child process, told when to begin.

The child holds the other end of a pipe: when this process ends, however it ends, the child stops.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOCUSTFILE = Path(__file__).with_name("locustfile.py")

Progress = Callable[[int, int | None], None]

_STOP_S = 3.0


@dataclass(frozen=True)
class LoadOrder:
    """What a load process shall drive; `log` takes what Locust says."""

    run_folder: Path
    scenario: Path
    environment: Path
    profile: str
    users: int
    iterations: int | None
    stem: str
    log: Path


class LoadProcess:
    """A Locust process that is ready, or about to be, and begins at a word."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        """Take a process that was started with pipes for its input and output."""
        self._process = process
        self._log = log

    def drive(self, on_progress: Progress) -> str:
        """Begin, wait for the end, and return what went wrong with the generator (or "")."""
        for line in self._lines():
            if "ready" in line:
                self._begin()
            else:
                on_progress(line["ended"] or 0, line["scheduled"])
        code = self._process.wait()
        return (
            "" if code in (0, 1) else f"the load generator ended with code {code}; see {self._log}"
        )

    def stop(self) -> None:
        """End the process: by its input's end, then by force."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _begin(self) -> None:
        if self._process.stdin:
            self._process.stdin.write("g")
            self._process.stdin.flush()

    def _lines(self) -> Iterator[dict[str, int | None]]:
        for line in self._process.stdout or ():
            if line.startswith("{"):
                yield json.loads(line)


@contextmanager
def load_process(order: LoadOrder, variables: Mapping[str, str]) -> Iterator[LoadProcess]:
    """Start Locust for an order; it makes itself ready while the caller does other things."""
    with order.log.open("ab") as log:
        process = subprocess.Popen(
            _command(order),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=dict(variables),
            start_new_session=True,
            text=True,
        )
    load = LoadProcess(process, order.log)
    try:
        yield load
    finally:
        load.stop()


def _command(order: LoadOrder) -> list[str]:
    users, iterations = str(order.users), str(order.iterations or 0)
    return [
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary"),
        *("--users", users, "--spawn-rate", users),
        *("--scenario", str(order.scenario), "--environment", str(order.environment)),
        *("--profile", order.profile, "--iterations", iterations),
        *("--evidence", str(order.run_folder)),
        *("--stem", order.stem, "--on-order"),
    ]
