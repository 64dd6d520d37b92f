"""Drive a load by Locust in child processes, over their standard input and output.

    this process                        Locust (`scenarios.engine.parent_channel`)
      ── starts ─────────────────────→   imports, reads the scenario, awaits its workers
      ←────────────── {"ready": true} ──
      ── g ──────────────────────────→   the load starts
      ←─ {"ended": …, "scheduled": …} ──   repeatedly; {"error": …} if the generator fails
      ── end of input ───────────────→   stops: also when this process ends, however it ends

Lines of output that are not JSON objects are ignored.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from config.errors import ConfigError, Problem
from config.network import parse_host_port

LOCUSTFILE = Path(__file__).parents[1] / "locustfile.py"

OnProgress = Callable[[int, int | None], None]  # iterations ended, and scheduled if known

_STOP_S = 3.0
_LOOPBACK = "127.0.0.1"
_LOCAL_WORKERS_TIMEOUT_S = 60
_REMOTE_WORKERS_TIMEOUT_S = 600  # people start them by hand


@dataclass(frozen=True)
class Workers:
    """The number of worker processes that share a load: local and remote ones.

    `here` are started on this machine; `elsewhere` are started by people on other machines, and
    connect to `bind`, a HOST:PORT of this machine.
    """

    here: int = 0
    elsewhere: int = 0
    bind: str = ""

    def __bool__(self) -> bool:
        return self.number > 0

    @property
    def number(self) -> int:
        """The number of all workers."""
        return self.here + self.elsewhere


ALONE = Workers()


@dataclass(frozen=True)
class LoadSettings:
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
    """A Locust process and its local workers, which wait for the start of the load."""

    def __init__(
        self, process: subprocess.Popen[str], workers: Sequence[subprocess.Popen[str]], log: Path
    ) -> None:
        """Take processes that were started with pipes for their input and output."""
        self._process = process
        self._workers = workers
        self._log = log

    def drive(self, on_progress: OnProgress) -> str:
        """Start the load when Locust is ready, wait for its end, and return its error, or ""."""
        errors, started = [], False
        for line in self._lines():
            if "ready" in line:
                started = True
                self._start()
            elif "error" in line:
                errors.append(str(line["error"]))
            else:
                on_progress(int(line["ended"] or 0), line["scheduled"])
        code = self._process.wait()
        # Locust ends with 1 if any request failed, which the checks decide about
        if (code not in (0, 1) or not started) and not errors:
            errors.append(f"the load generator ended with code {code}; see {self._log}")
        return "; ".join(errors)

    def stop(self) -> None:
        """End the processes: workers first, so that the master receives their last batches."""
        for group in (self._workers, (self._process,)):
            for process in group:
                if process.stdin:
                    process.stdin.close()
            for process in group:
                _wait_or_kill(process)

    def _start(self) -> None:
        if self._process.stdin:
            # without a buffer, so that nothing is left to write if the process has just died: its
            # code is reported then
            with suppress(BrokenPipeError):
                os.write(self._process.stdin.fileno(), b"g")

    def _lines(self) -> Iterator[dict[str, int | None]]:
        for line in self._process.stdout or ():
            if line.startswith("{"):
                yield json.loads(line)


def _wait_or_kill(process: subprocess.Popen[str]) -> None:
    """Wait for a process whose input has been closed; kill it after some seconds."""
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


@contextmanager
def load_process(settings: LoadSettings, variables: Mapping[str, str]) -> Iterator[LoadProcess]:
    """Start Locust, without waiting until it is ready; stop it afterwards.

    `variables` are its environment. Raises ConfigError if the address for workers cannot be bound.
    """
    host, port = _listen_address(settings.workers)
    with ExitStack() as held:
        log = held.enter_context(settings.log.open("ab"))

        def start(command: list[str], output: int) -> subprocess.Popen[str]:
            return subprocess.Popen(
                [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *command, "--on-order"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=log,
                env={**_worker_timeout(settings.workers), **variables},
                start_new_session=True,
                text=True,
            )

        process = start(
            [*_command(settings), *_master_options(settings.workers, host, port)], subprocess.PIPE
        )
        workers = [
            start(worker_options(host, port), log.fileno()) for _ in range(settings.workers.here)
        ]
    load = LoadProcess(process, workers, settings.log)
    try:
        yield load
    finally:
        load.stop()


def worker_options(host: str, port: int) -> list[str]:
    """Return Locust's options for a worker of the master at an address."""
    return ["--worker", "--headless", "--master-host", host, "--master-port", str(port)]


def _listen_address(workers: Workers) -> tuple[str, int]:
    """Return where the master listens: at `bind`, or at a free port that only this machine reaches.

    Raises ConfigError if it cannot listen there.
    """
    host, port = parse_host_port(workers.bind) or (_LOOPBACK, None)
    try:
        return host, _try_to_listen(host, port or 0)
    except OSError as error:
        message = f"--bind {workers.bind}: cannot listen there: {error.strerror}"
        raise ConfigError(Problem(None, None, message)) from error


def _try_to_listen(host: str, port: int) -> int:
    """Listen at an address for a moment; return the port. Raises OSError."""
    wildcard = "" if host == "*" else host  # Locust writes * for every interface
    ((family, *_, address), *_) = socket.getaddrinfo(
        wildcard, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    with socket.create_server(address[:2], family=family) as free:
        port_number: int = free.getsockname()[1]
        return port_number


def _worker_timeout(workers: Workers) -> dict[str, str]:
    """Return how long Locust's master waits for workers, as a variable that users can override."""
    timeout_s = _REMOTE_WORKERS_TIMEOUT_S if workers.elsewhere else _LOCAL_WORKERS_TIMEOUT_S
    return {"LOCUST_EXPECT_WORKERS_MAX_WAIT": str(timeout_s)}


def _master_options(workers: Workers, host: str, port: int) -> list[str]:
    if not workers:
        return []
    return ["--master", "--master-bind-host", host, "--master-bind-port", str(port),
            "--expect-workers", str(workers.number)]  # fmt: skip


def _command(settings: LoadSettings) -> list[str]:
    users, iterations = str(settings.users), str(settings.iterations or 0)
    return [
        *("--headless", "--only-summary", "--users", users, "--spawn-rate", users),
        *("--scenario", str(settings.scenario), "--environment", str(settings.environment)),
        *("--profile", settings.profile, "--iterations", iterations),
        *("--evidence", str(settings.run_folder), "--stem", settings.stem),
    ]
