"""Drive a load by Locust in child processes, which start together.

Each child holds the other end of a pipe: when this process ends, however it ends, they stop.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.errors import ConfigError, Problem
from config.network import parse_host_port

LOCUSTFILE = Path(__file__).parents[1] / "locustfile.py"

Progress = Callable[[int, int | None], None]

_STOP_S = 3.0
_HERE = "127.0.0.1"
_PATIENCE_S = 60
_PATIENCE_WITH_PEOPLE_S = 600


@dataclass(frozen=True)
class Workers:
    """How many worker processes share a load: some of this machine, some that come from others.

    Those are awaited at `bind`, a HOST:PORT of this machine; without one, none can come.
    """

    here: int = 0
    elsewhere: int = 0
    bind: str = ""

    def __bool__(self) -> bool:
        return self.number > 0

    @property
    def number(self) -> int:
        """How many there are in all."""
        return self.here + self.elsewhere


ALONE = Workers()


@dataclass(frozen=True)
class LoadOrder:
    """What a load process drives; `log` receives the output of Locust."""

    run_folder: Path
    scenario: Path
    environment: Path
    profile: str
    users: int
    iterations: int | None
    stem: str
    log: Path
    workers: Workers = ALONE


class LoadProcess:
    """A Locust process, with its workers, that is ready, or about to be, and begins at a word."""

    def __init__(
        self, process: subprocess.Popen[str], workers: Sequence[subprocess.Popen[str]], log: Path
    ) -> None:
        """Take processes that were started with pipes for their input and output."""
        self._process = process
        self._workers = workers
        self._log = log

    def drive(self, on_progress: Progress) -> str:
        """Start, wait for the end, and return the error of the generator, or ""."""
        troubles, begun = [], False
        for line in self._lines():
            if "ready" in line:
                begun = True
                self._begin()
            elif "error" in line:
                troubles.append(str(line["error"]))
            else:
                on_progress(int(line["ended"] or 0), line["scheduled"])
        code = self._process.wait()
        if (code not in (0, 1) or not begun) and not troubles:
            troubles.append(f"the load generator ended with code {code}; see {self._log}")
        return "; ".join(troubles)

    def stop(self) -> None:
        """End the processes, workers first, for the master to hear them out."""
        for group in (self._workers, (self._process,)):
            for each in group:
                if each.stdin:
                    each.stdin.close()
            for each in group:
                _await_end(each)

    def _begin(self) -> None:
        if self._process.stdin:
            self._process.stdin.write("g")
            self._process.stdin.flush()

    def _lines(self) -> Iterator[dict[str, int | None]]:
        for line in self._process.stdout or ():
            if line.startswith("{"):
                yield json.loads(line)


def _await_end(process: subprocess.Popen[str]) -> None:
    """Wait for a process whose input has ended, and end it by force if need be."""
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


@contextmanager
def load_process(order: LoadOrder, variables: Mapping[str, str]) -> Iterator[LoadProcess]:
    """Start Locust for an order; it makes itself ready while the caller does other things.

    Raises ConfigError where its workers could not come to it.
    """
    host, port = _where(order.workers)
    with ExitStack() as held:
        log = held.enter_context(order.log.open("ab"))

        def start(command: list[str], output: int) -> subprocess.Popen[str]:
            return subprocess.Popen(
                [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *command, "--on-order"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=log,
                env={**_patience(order.workers), **variables},
                start_new_session=True,
                text=True,
            )

        process = start([*_command(order), *_as_master(order.workers, host, port)], subprocess.PIPE)
        workers = [
            start(worker_options(host, port), log.fileno()) for _ in range(order.workers.here)
        ]
    load = LoadProcess(process, workers, order.log)
    try:
        yield load
    finally:
        load.stop()


def worker_options(host: str, port: int) -> list[str]:
    """Return Locust's options for a worker of the master there."""
    return ["--worker", "--headless", "--master-host", host, "--master-port", str(port)]


def _where(workers: Workers) -> tuple[str, int]:
    """Return where the master listens: as asked, or at a free port that others cannot reach.

    Raises ConfigError where it could not listen there.
    """
    host, port = parse_host_port(workers.bind) or (_HERE, None)
    try:
        return host, _try_to_listen(host, port or 0)
    except OSError as error:
        message = f"--bind {workers.bind}: workers cannot come there: {error.strerror}"
        raise ConfigError(Problem(None, None, message)) from error


def _try_to_listen(host: str, port: int) -> int:
    """Listen and stop again; return the port. Raises OSError."""
    everywhere = "" if host == "*" else host  # as Locust writes it
    ((family, *_, address), *_) = socket.getaddrinfo(
        everywhere, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    with socket.create_server(address[:2], family=family) as free:
        port_number: int = free.getsockname()[1]
        return port_number


def _patience(workers: Workers) -> dict[str, str]:
    """Return for how long a master awaits its workers, as a variable, so that one can say else."""
    patience_s = _PATIENCE_WITH_PEOPLE_S if workers.elsewhere else _PATIENCE_S
    return {"LOCUST_EXPECT_WORKERS_MAX_WAIT": str(patience_s)}


def _as_master(workers: Workers, host: str, port: int) -> list[str]:
    if not workers:
        return []
    return ["--master", "--master-bind-host", host, "--master-bind-port", str(port),
            "--expect-workers", str(workers.number)]  # fmt: skip


def _command(order: LoadOrder) -> list[str]:
    users, iterations = str(order.users), str(order.iterations or 0)
    return [
        *("--headless", "--only-summary", "--users", users, "--spawn-rate", users),
        *("--scenario", str(order.scenario), "--environment", str(order.environment)),
        *("--profile", order.profile, "--iterations", iterations),
        *("--evidence", str(order.run_folder), "--stem", order.stem),
    ]
