"""Run what is in no iteration: the set-up of a run, that of a virtual user, and the teardown.

Its exchanges have the iteration 0: they are counted in the ledger, and in no measured window.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios.driver.block_runner import BlockRunner
from scenarios.driver.blocks import Blocks
from scenarios.driver.data import NO_DATA, DataRows
from scenarios.driver.flow import Flow
from scenarios.driver.step_runner import StepRunner
from scenarios.evidence.recording import Recorder, RecordingEnd, Stop, StopReason
from scenarios.evidence.recording_reader import read_recording
from scenarios.http.client import HttpClient
from scenarios.http.cookies import CookieJar
from scenarios.http.messages import Sender


@dataclass(frozen=True)
class Outside:
    """What requests in no iteration came to: whether all were ok, what they saved, and cookies."""

    is_ok: bool
    variables: Mapping[str, Any]
    cookies: CookieJar | None = None


NOT_SET_UP = Outside(True, {})
NO_ROWS: Mapping[str, Any] = {}


def set_up(flow: Flow, sender: Sender, recorder: Recorder) -> bool:
    """Run the set-up of a run, and share what it saved; return whether each step was ok."""
    done = run_outside(flow, flow.setup, sender, recorder, recorder.generator)
    flow.share(done.variables)
    return done.is_ok


def tear_down(flow: Flow, sender: Sender, recorder: Recorder) -> None:
    """Run the teardown of a run: each block of it, also after one that failed.

    What the set-up never came to is left out.
    """
    for each in flow.teardown:
        if each.needs <= flow.shared.keys():
            run_outside(flow, (each.block,), sender, recorder, f"{recorder.generator}-teardown")


@contextmanager
def outside(flow: Flow, exchanges: Path, name: str) -> Iterator[tuple[HttpClient, Recorder]]:
    """Open a client and a recording for what is in no profile."""
    with HttpClient(flow.network) as client:
        path = exchanges / f"{name}.jsonl"
        recorder = Recorder(path, name, name, 1, None, flow.step_names)
        try:
            yield client, recorder
        finally:
            recorder.end(RecordingEnd(0, 0, 0.0, recorder.now_s()))


def run_outside(
    flow: Flow, blocks: Blocks, sender: Sender, recorder: Recorder, unique: str,
    rows: Mapping[str, Any] = NO_ROWS,
) -> Outside:  # fmt: skip
    """Run blocks in no iteration; `unique` tells their requests from others of the run."""
    own = {
        **rows,
        "tenant": flow.tenant, "run": flow.run_id, "iteration": 0,
        "unique": f"{flow.run_id}-{unique}",
    }  # fmt: skip
    runner = StepRunner(flow, 0, recorder.now_s(), sender, recorder, {**own, **flow.shared})
    is_ok = BlockRunner(runner).run(blocks)
    saved = {name: value for name, value in runner.variables.items() if name not in own}
    return Outside(is_ok, saved, runner.cookies)


def set_up_user(
    flow: Flow, sender: Sender, recorder: Recorder, user: int, data: DataRows = NO_DATA
) -> Outside:
    """Run the set-up of a virtual user, who knows the data rows that are its own."""
    if not flow.user_setup.blocks:
        return NOT_SET_UP
    unique = f"{recorder.generator}-user-{user}"
    rows = data.rows_of_user(user)
    return run_outside(flow, flow.user_setup.blocks, sender, recorder, unique, rows=rows)


def failed_set_up(recording: Path) -> Stop:
    """Return why a load stops in which the set-up of a virtual user failed."""
    message = f"aborted: the set-up of a user failed: {failure_in(recording)}"
    return Stop(StopReason.ABORTED, message)


def failure_in(path: Path) -> str:
    """Return the step and the reason of the first exchange of a recording that was not ok."""
    recording = read_recording(path)
    if recording is None:
        return "nothing was recorded"
    # requests of other users may be in flight: they have not failed
    failed = recording.exchanges[~recording.exchanges.ok & ~recording.exchanges.cut_off]
    return next((f"{each.step}: {each.reason}" for each in failed), "nothing was recorded")
