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
from datetime import UTC, datetime
from pathlib import Path

from config.environment import Environment
from config.errors import ConfigError, Problem
from scenarios.driver.flow import Flow, run_iteration
from scenarios.driver.prober import probers, probing
from scenarios.evidence.recording import Recorder, RecordingEnd
from scenarios.evidence.run_folder import Run, RunFolder, Watch
from scenarios.http.client import HttpClient

STEM = "watch-*"
PROFILE = "watch"

OnPass = Callable[[bool], None]


def pointer_path(runs: Path, environment: str) -> Path:
    """Return the link to the watch of an environment that is to be taken up again."""
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
    """Return the watch of an environment that has not come to its end, if there is one.

    One with another scenario is none. Raises ConfigError where its record is damaged.
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
    """Remember which watch is to be taken up again. Raises OSError."""
    link = pointer_path(runs, environment)
    new = link.with_name(f".{link.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    new.symlink_to(run_id)
    new.replace(link)


@contextmanager
def lock_watch(runs: Path, environment: str) -> Iterator[None]:
    """Keep a second watch of an environment out. Raises ConfigError where there is one already."""
    runs.mkdir(parents=True, exist_ok=True)
    with (runs / f".watch-{environment}.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"{environment} is being watched already; wait, or end that watch"
            raise ConfigError(Problem(runs, None, message)) from error
        yield


def watch_on(
    watch: Watch, environment: Environment, flow: Flow, folder: RunFolder, on_pass: OnPass
) -> None:
    """Watch until the end or an interrupt; `on_pass` is called after each pass of the flow."""
    with probers(environment, folder.evidence) as made, probing(made, watch.every_s) as over:
        due_s = time.monotonic()
        with _passing(flow, folder) as pass_once:
            while not over.is_set() and _left_s(watch) > 0:
                on_pass(pass_once())
                due_s = max(due_s + watch.flow_every_s, time.monotonic())
                over.wait(min(due_s - time.monotonic(), max(0.0, _left_s(watch))))


def watch_once(environment: Environment, flow: Flow, folder: RunFolder, on_pass: OnPass) -> None:
    """Probe each service once, and pass through the flow once."""
    with probers(environment, folder.evidence) as made:
        for each in made:
            each.probe()
    with _passing(flow, folder) as pass_once:
        on_pass(pass_once())


@contextmanager
def _passing(flow: Flow, folder: RunFolder) -> Iterator[Callable[[], bool]]:
    """Yield what passes through the flow once, in a recording of its own."""
    stem = f"watch-{len(list(folder.exchanges.glob('watch-*.jsonl'))) + 1:05}"
    recorder = Recorder(folder.exchanges / f"{stem}.jsonl", stem, PROFILE, 1, None, flow.step_names)
    started, cpu_s = 0, time.process_time()
    with HttpClient(flow.network) as sender:

        def pass_once() -> bool:
            nonlocal started
            started += 1
            return run_iteration(flow, started, recorder.now_s(), sender, recorder)

        try:
            yield pass_once
        finally:
            cpu_s = time.process_time() - cpu_s
            recorder.end(RecordingEnd(started, 0, cpu_s, recorder.now_s()))


def _left_s(watch: Watch) -> float:
    return (watch.until - datetime.now(UTC)).total_seconds()
