"""Watch an environment for a long time: probe its health, and run its flow again and again.

Every probe and exchange is on disk at once, so that a watch can be resumed after any end. Each time
that it is resumed, it writes a recording of its own.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.clock import CLOCK
from config.environment import Environment
from config.errors import ConfigError, Problem
from scenarios.driver.data import NO_DATA, DataRows
from scenarios.driver.flow import Flow
from scenarios.driver.iteration import run_iteration
from scenarios.driver.prober import OnChange, probers, probing
from scenarios.driver.setup import Outside, set_up, set_up_user, tear_down
from scenarios.evidence.recording import Recorder, RecordingEnd
from scenarios.evidence.run_folder import Run, RunFolder, Watch
from scenarios.http.client import HttpClient

STEM = "watch-*"
PROFILE = "watch"

OnPass = Callable[[bool], None]  # called with whether every step of the flow was ok


def pointer_path(runs: Path, environment: str) -> Path:
    """Return the path of the link to the watch of an environment that can be resumed."""
    return runs / f"watch-{environment}"


@dataclass(frozen=True)
class UnfinishedWatch:
    """A watch that has not reached its end, or whose end was not recorded."""

    folder: RunFolder
    run: Run
    watch: Watch


def find_unfinished_watch(
    runs: Path, environment: str, scenario_sha256: str
) -> UnfinishedWatch | None:
    """Return the watch of an environment that has not reached its end, or None.

    A watch with another scenario is not resumed. Raises ConfigError if its record is damaged.
    """
    link = pointer_path(runs, environment)
    if not (link / "evidence" / "run.json").is_file():
        return None
    folder = RunFolder(link.resolve())
    run = folder.read_run()
    if run.watch is None or run.finished_at or run.scenario_sha256 != scenario_sha256:
        return None
    return UnfinishedWatch(folder, run, run.watch)


def write_pointer(runs: Path, environment: str, run_id: str) -> None:
    """Link to the watch to resume, atomically. Raises OSError."""
    link = pointer_path(runs, environment)
    new = link.with_name(f".{link.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    new.symlink_to(run_id)
    new.replace(link)


@contextmanager
def lock_watch(runs: Path, environment: str) -> Iterator[None]:
    """Hold the lock of an environment. Raises ConfigError if it is being watched already."""
    runs.mkdir(parents=True, exist_ok=True)
    with (runs / f".watch-{environment}.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"{environment} is being watched already; wait for that watch, or stop it"
            raise ConfigError(Problem(runs, None, message)) from error
        yield


def watch_on(
    watch: Watch, environment: Environment, flow: Flow, folder: RunFolder, on_pass: OnPass,
    on_change: OnChange, data: DataRows = NO_DATA,
) -> None:  # fmt: skip
    """Watch until the end or an interrupt; call `on_pass` after each pass of the flow.

    `on_change` is called when a service goes down or comes up again, in another thread.

    Raises the error of a prober that cannot record any more.
    """
    with (
        probers(environment, folder.evidence, flow.secrets, on_change) as opened,
        probing(opened, watch.every_s) as stopped,
    ):
        due_s = time.monotonic()
        with _recorded_passes(flow, folder, data) as pass_once:
            while not stopped.is_set() and _left_s(watch) > 0:
                on_pass(pass_once())
                due_s = max(due_s + watch.flow_every_s, time.monotonic())
                stopped.wait(min(due_s - time.monotonic(), max(0.0, _left_s(watch))))


def watch_once(
    environment: Environment, flow: Flow, folder: RunFolder, on_pass: OnPass,
    on_change: OnChange, data: DataRows = NO_DATA,
) -> None:  # fmt: skip
    """Probe each service once, and run the flow once."""
    with probers(environment, folder.evidence, flow.secrets, on_change) as opened:
        for prober in opened:
            prober.probe()
    with _recorded_passes(flow, folder, data) as pass_once:
        on_pass(pass_once())


@contextmanager
def _recorded_passes(flow: Flow, folder: RunFolder, data: DataRows) -> Iterator[Callable[[], bool]]:
    """Open a new recording; yield a function that runs the flow once, and returns its success."""
    stem = f"watch-{len(list(folder.exchanges.glob('watch-*.jsonl'))) + 1:05}"
    recorder = Recorder(folder.exchanges / f"{stem}.jsonl", stem, PROFILE, 1, None, flow.step_names)
    started, cpu_s = 0, time.process_time()
    user: Outside | None = None
    with HttpClient(flow.network) as client:

        def pass_once() -> bool:
            nonlocal started, user
            recorder.note_clock_steps()
            # tried again with each pass: a service may be down when the watch begins
            if user is None and (user := _set_up(flow, client, recorder, data)) is None:
                return False
            started += 1
            given = {**user.variables, **data.rows(started, user=0)}
            return run_iteration(
                flow, started, recorder.now_s(), client, recorder, given, cookies=user.cookies
            )

        try:
            yield pass_once
        finally:
            tear_down(flow, client, recorder)
            cpu_s = time.process_time() - cpu_s
            recorder.end(RecordingEnd(started, 0, cpu_s, recorder.now_s()))


def _set_up(flow: Flow, client: HttpClient, recorder: Recorder, data: DataRows) -> Outside | None:
    """Run both set-ups; return what that of the user came to, or None if one failed."""
    if not set_up(flow, client, recorder):
        return None
    user = set_up_user(flow, client, recorder, 0, data)
    return user if user.is_ok else None


def _left_s(watch: Watch) -> float:
    return (watch.until - CLOCK.now()).total_seconds()
