"""Drive a load by Locust in child processes, over their standard input and output.

    this process                        Locust (`scenarios.engine.parent_channel`)
      ── starts ─────────────────────→   imports, reads the scenario, awaits its workers
      ←────────────── {"ready": true} ──
      ── {"name": 1} ────────────────→   the load starts, with what the set-up saved
      ←─ {"ended": …, "scheduled": …} ──   repeatedly; {"error": …} if the generator fails
      ── s ──────────────────────────→   starts no further iteration, and ends with the last one
      ── end of input ───────────────→   stops at once: also when this process ends, however it ends

Lines of output that are not JSON objects are ignored.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from select import select
from typing import Any

from config.clock import anchor_environment
from config.errors import ConfigError, Problem
from config.network import parse_host_port
from config.program import ROOT
from config.redaction import Secrets
from config.signals import signal_name
from scenarios.driver.parent_death import dies_with_parent
from scenarios.driver.worker_key import KEY
from scenarios.evidence.recording import ROWS

# Locust imports from the current folder, and reads settings there. With -P and the folder of this
# program as the current one, it finds neither a user's packages nor a user's locust.conf.
LOCUST = (sys.executable, "-P", "-m", "locust", "-f", str(ROOT / "scenarios" / "locustfile.py"))

OnProgress = Callable[[int, int | None], None]  # iterations ended, and scheduled if known

# Between the end of its input and being killed, a worker sends the rest of its recording:
#     this process   ends the input ├────────────── _STOP_S ──────────────┤ kills
#     a worker       waits for confirmations, 1.5 s │ grace, 1 s │ exits
_STOP_S = 3.0
# A load reports its progress four times a second, and its end takes half a minute at most.
_SILENCE_S = 60.0
_PIECE_BYTES = 65_536
_MAX_WAIT = "LOCUST_EXPECT_WORKERS_MAX_WAIT"
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

    A rate and a duration replace those of the profile. `earlier` are the iterations of the
    profiles before. `secrets` learn what responses brought.
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
    earlier: tuple[int, ...] = ()
    rate_per_s: float | None = None
    duration_s: float | None = None
    secrets: Secrets = field(default_factory=Secrets, compare=False, repr=False)


@dataclass(frozen=True)
class Timeouts:
    """How long a load process may take for its first line, for each further one, and to end."""

    first_s: float = _WAIT_FOR_LOCAL_S + _SILENCE_S
    silence_s: float = _SILENCE_S
    exit_s: float = 10.0


class LoadProcess:
    """A Locust process and its local workers, which wait for the start of the load."""

    def __init__(
        self, process: subprocess.Popen[bytes], workers: Sequence[subprocess.Popen[bytes]],
        log: Path, secrets: Secrets | None = None, timeouts: Timeouts = Timeouts(),
    ) -> None:  # fmt: skip
        """Take processes that were started with pipes for their input and output.

        `secrets` learn what responses to the load brought.
        """
        self._secrets = secrets or Secrets()
        self._process = process
        self._workers = workers
        self._log = log
        self._timeouts = timeouts
        self.dropped = 0  # iterations so far
        self._has_started = self._is_stopped = False

    def drive(self, on_progress: OnProgress, variables: Mapping[str, Any] = {}) -> str:
        """Start the load when Locust is ready, wait for its end, and return its error, or "".

        `variables` are those that the set-up saved.
        """
        errors = []
        for event in (json.loads(line) for line in self._lines() if line.startswith(b"{")):
            if "ready" in event:
                self._has_started = True
                self._send(json.dumps(variables).encode() + b"\n")
            elif "learned" in event:
                self._secrets.learn(event["learned"])
            elif "error" in event:
                errors.append(str(event["error"]))
            else:
                self.dropped = int(event.get("dropped") or 0)
                on_progress(int(event["ended"] or 0), event["scheduled"])
        error = self._error_at_end()
        if self._is_stopped and not self._has_started:
            return ""
        return "; ".join(errors) or error

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

    def _lines(self) -> Iterator[bytes]:
        """Yield the lines of the process until it closes its output or is silent for too long."""
        output, received = self._process.stdout, b""
        limit_s = self._timeouts.first_s
        while output and select([output], [], [], limit_s)[0]:
            if not (piece := os.read(output.fileno(), _PIECE_BYTES)):
                break
            *lines, received = (received + piece).split(b"\n")
            yield from lines
            limit_s = self._timeouts.silence_s

    def _error_at_end(self) -> str:
        """Wait until the process has ended, or end it; return what went wrong, or ""."""
        try:
            code = self._process.wait(self._timeouts.exit_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            silence_s = self._timeouts.silence_s
            return (f"the load generator has not written anything for {silence_s:g} s: suspended? "
                    f"It was killed; see {self._log}")  # fmt: skip
        if code < 0:
            return f"the load generator was ended by {signal_name(-code)}; see {self._log}"
        # Locust ends with 1 if any request failed, which the checks decide about
        is_wrong = code not in (0, 1) or not self._has_started
        return f"the load generator ended with code {code}; see {self._log}" if is_wrong else ""

    def _send(self, order: bytes) -> None:
        if self._process.stdin:
            # without a buffer, so that nothing is left to write if the process has just died: its
            # code is reported then
            with suppress(BrokenPipeError):
                while order:
                    order = order[os.write(self._process.stdin.fileno(), order) :]


@contextmanager
def load_process(settings: LoadSettings, variables: Mapping[str, str]) -> Iterator[LoadProcess]:
    """Start Locust, without waiting until it is ready; stop it afterwards.

    `variables` are its environment. Raises ConfigError if the address for workers cannot be bound.
    """
    host, port = _listen_address(settings.workers)
    # of Locust's master; users can set it
    default_s = _WAIT_FOR_REMOTE_S if settings.workers.elsewhere else _WAIT_FOR_LOCAL_S
    wait_s = float(variables.get(_MAX_WAIT) or default_s)
    if not settings.workers.elsewhere:
        variables = {KEY: token_hex(), **variables}
    with ExitStack() as held:
        log = held.enter_context(settings.log.open("ab"))

        def start(command: list[str], output: int) -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [*LOCUST, *command, "--on-order"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=log,
                env={_MAX_WAIT: str(default_s), **variables, **anchor_environment()},
                start_new_session=True,
                preexec_fn=dies_with_parent(),  # noqa: PLW1509 - it takes no lock
            )

        process = start(_command(settings, host, port), subprocess.PIPE)
        workers = [
            start(
                worker_options(host, port, settings.run_folder, settings.environment), log.fileno()
            )
            for _ in range(settings.workers.here)
        ]
    timeouts = Timeouts(first_s=wait_s + _SILENCE_S)
    load = LoadProcess(process, workers, settings.log, settings.secrets, timeouts)
    try:
        yield load
    finally:
        load.stop()
        remove_unused(settings.run_folder / "workers")


def remove_unused(recordings: Path) -> None:
    """Remove the folders of workers that recorded nothing; a recording left there is evidence."""
    folders = list(recordings.glob("*")) if recordings.is_dir() else []
    for folder in folders:
        if not any(folder.glob(f"*{ROWS}")):
            shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        recordings.rmdir()


def worker_options(host: str, port: int, runs: Path, environment: Path) -> list[str]:
    """Return Locust's options for a worker of the master at an address.

    It keeps its recording in the folder `workers` of `runs` until the master has all of it.
    """
    return [
        *("--worker", "--headless", "--master-host", host, "--master-port", str(port)),
        *("--evidence", str(runs.resolve()), "--environment", str(environment.absolute())),
    ]


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
        *("--scenario", str(settings.scenario.absolute())),
        *("--environment", str(settings.environment.absolute())),
        *("--profile", settings.profile, "--iterations", iterations),
        *("--earlier", ",".join(map(str, settings.earlier))),
        *("--rate", str(settings.rate_per_s or 0.0), "--duration", str(settings.duration_s or 0.0)),
        *("--evidence", str(settings.run_folder.resolve()), "--stem", settings.stem),
        *(as_master if settings.workers else ()),
    ]
