"""Drive a load by Locust in child processes, over their standard input and output.

    this process                        Locust (`scenarios.engine.parent_channel`)
      ── starts ─────────────────────→   imports, reads the scenario, awaits its workers
      ←────────────── {"ready": true} ──
      ── g ──────────────────────────→   the load starts
      ←─ {"ended": …, "scheduled": …} ──   repeatedly; {"error": …} if the generator fails
      ── s ──────────────────────────→   starts no further iteration, and ends with the last one
      ── end of input ───────────────→   stops at once: also when this process ends, however it ends

Lines of output that are not JSON objects are ignored.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from config.clock import anchor_environment
from config.errors import ConfigError, Problem
from config.network import parse_host_port
from config.redaction import Secrets

LOCUSTFILE = Path(__file__).parents[1] / "locustfile.py"

OnProgress = Callable[[int, int | None], None]  # iterations ended, and scheduled if known

# Between the end of its input and being killed, a worker sends the rest of its recording:
#     this process   ends the input ├────────────── _STOP_S ──────────────┤ kills
#     a worker       waits for confirmations, 1.5 s │ grace, 1 s │ exits
_STOP_S = 3.0
_LOOPBACK = "127.0.0.1"
# how long the master waits for all of its workers to connect
_WAIT_FOR_LOCAL_S = 60
_WAIT_FOR_REMOTE_S = 600  # people start them by hand


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
    """What a load process drives; `log` receives the output of Locust.

    `secrets` learn what responses brought.
    """

    run_folder: Path
    scenario: Path
    environment: Path
    profile: str
    users: int
    iterations: int | None
    stem: str
    log: Path
    workers: Workers = ALONE
    secrets: Secrets = field(default_factory=Secrets, compare=False, repr=False)


class LoadProcess:
    """A Locust process and its local workers, which wait for the start of the load."""

    def __init__(
        self, process: subprocess.Popen[str], workers: Sequence[subprocess.Popen[str]], log: Path,
        secrets: Secrets | None = None,
    ) -> None:  # fmt: skip
        """Take processes that were started with pipes for their input and output.

        `secrets` learn what responses to the load brought.
        """
        self._secrets = secrets or Secrets()
        self._process = process
        self._workers = workers
        self._log = log
        self._has_started = self._is_stopped = False

    def drive(self, on_progress: OnProgress) -> str:
        """Start the load when Locust is ready, wait for its end, and return its error, or ""."""
        errors = []
        lines = self._process.stdout or ()
        for event in (json.loads(line) for line in lines if line.startswith("{")):
            if "ready" in event:
                self._has_started = True
                self._send(b"g")
            elif "learned" in event:
                for secret in event["learned"]:
                    self._secrets.learn(secret)
            elif "error" in event:
                errors.append(str(event["error"]))
            else:
                on_progress(int(event["ended"] or 0), event["scheduled"])
        code = self._process.wait()
        if self._is_stopped and not self._has_started:
            return ""
        # Locust ends with 1 if any request failed, which the checks decide about
        if (code not in (0, 1) or not self._has_started) and not errors:
            errors.append(f"the load generator ended with code {code}; see {self._log}")
        return "; ".join(errors)

    def stop_load(self) -> None:
        """Have no further iteration started; `drive` returns when the running ones have ended.

        A load that has not been started is not waited for. A signal handler may call this.
        """
        self._is_stopped = True
        if self._has_started:
            self._send(b"s")
        else:
            self._process.kill()

    def stop(self) -> None:
        """End the processes: workers first, so that the master receives their last batches."""
        for group in (self._workers, (self._process,)):
            for process in group:
                if process.stdin:
                    process.stdin.close()
            for process in group:
                try:
                    process.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                if process.stdout:
                    process.stdout.close()

    def _send(self, order: bytes) -> None:
        if self._process.stdin:
            # without a buffer, so that nothing is left to write if the process has just died: its
            # code is reported then
            with suppress(BrokenPipeError):
                os.write(self._process.stdin.fileno(), order)


@contextmanager
def load_process(settings: LoadSettings, variables: Mapping[str, str]) -> Iterator[LoadProcess]:
    """Start Locust, without waiting until it is ready; stop it afterwards.

    `variables` are its environment. Raises ConfigError if the address for workers cannot be bound.
    """
    host, port = _listen_address(settings.workers)
    wait_s = _WAIT_FOR_REMOTE_S if settings.workers.elsewhere else _WAIT_FOR_LOCAL_S
    with ExitStack() as held:
        log = held.enter_context(settings.log.open("ab"))

        def start(command: list[str], output: int) -> subprocess.Popen[str]:
            return subprocess.Popen(
                [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *command, "--on-order"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=log,
                # of Locust's master; `variables` come last, so that users can override it
                env={
                    "LOCUST_EXPECT_WORKERS_MAX_WAIT": str(wait_s),
                    **variables,
                    **anchor_environment(),
                },
                start_new_session=True,
                text=True,
            )

        process = start(_command(settings, host, port), subprocess.PIPE)
        workers = [
            start(worker_options(host, port), log.fileno()) for _ in range(settings.workers.here)
        ]
    load = LoadProcess(process, workers, settings.log, settings.secrets)
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
    wildcard = "" if host == "*" else host  # Locust writes * for every interface
    try:
        ((family, *_, address), *_) = socket.getaddrinfo(
            wildcard, port or 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.create_server(address[:2], family=family) as free:
            return host, int(free.getsockname()[1])
    except OSError as error:
        message = f"--bind {workers.bind}: cannot listen there: {error.strerror}"
        raise ConfigError(Problem(None, None, message)) from error


def _command(settings: LoadSettings, host: str, port: int) -> list[str]:
    users, iterations = str(settings.users), str(settings.iterations or 0)
    as_master = ["--master", "--master-bind-host", host, "--master-bind-port", str(port),
                 "--expect-workers", str(settings.workers.number)]  # fmt: skip
    return [
        *("--headless", "--only-summary", "--users", users, "--spawn-rate", users),
        *("--scenario", str(settings.scenario), "--environment", str(settings.environment)),
        *("--profile", settings.profile, "--iterations", iterations),
        *("--evidence", str(settings.run_folder), "--stem", settings.stem),
        *(as_master if settings.workers else ()),
    ]
