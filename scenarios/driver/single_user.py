"""Drive a profile with one virtual user in this process."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from scenarios.driver.arrivals import ClosedModel
from scenarios.driver.data import NO_DATA, DataRows
from scenarios.driver.flow import Flow
from scenarios.driver.iteration import run_iteration
from scenarios.driver.setup import failed_set_up, set_up_user
from scenarios.driver.slow_iterations import SlowIterations
from scenarios.evidence.recording import Recorder, RecordingEnd, Stop, StopReason
from scenarios.http.client import HttpClient
from scenarios.language.profiles import Profile


def drive_alone(
    flow: Flow, name: str, profile: Profile, exchanges: Path, stem: str,
    is_stopped: Callable[[], bool] = lambda: False, data: DataRows = NO_DATA,
) -> None:  # fmt: skip
    """Drive a profile with one virtual user; record it as `stem` in the folder `exchanges`.

    Iterations that have not started when the time of the profile is over are dropped. Once
    `is_stopped`, or without a row of `data`, none is started any more.
    """
    with HttpClient(flow.network) as client:
        recorder = Recorder(
            exchanges / f"{stem}.jsonl", stem, name, 1, profile.iterations, flow.step_names
        )
        user = set_up_user(flow, client, recorder, 0, data)
        stop = None if user.is_ok else failed_set_up(recorder.path)
        arrivals = ClosedModel(profile.iterations, profile.duration_s)
        slow = SlowIterations(profile.abort_on) if profile.abort_on else None
        started, begin_s, cpu_s = 0, recorder.now_s(), time.process_time()
        while stop is None and arrivals.due_s(started, recorder.now_s() - begin_s) is not None:
            if stop := _find_stop(is_stopped, data, started + 1):
                break
            started, due_s = started + 1, recorder.now_s()
            given = {**user.variables, **data.rows(started, user=0)}
            is_ok = run_iteration(
                flow, started, due_s, client, recorder, given, cookies=user.cookies
            )
            recorder.note_clock_steps()
            now_s = recorder.now_s()
            if slow:
                slow.add(now_s - due_s, now_s, is_ok=is_ok)
            if slow and (stop := slow.find_abort(now_s, 0.0)):
                break
        left = (profile.iterations or started) - started
        cpu_s, wall_s = time.process_time() - cpu_s, recorder.now_s() - begin_s
        end = RecordingEnd(started, left, cpu_s, wall_s)
        if stop:
            end = replace(end, dropped=0, not_started=left, stopped=stop.message,
                          stop_reason=stop.reason)  # fmt: skip
        recorder.end(end)


def _find_stop(is_stopped: Callable[[], bool], data: DataRows, iteration: int) -> Stop | None:
    """Return why an iteration must not be started, or None."""
    if is_stopped():
        return Stop(StopReason.INTERRUPTED, "interrupted")
    message = data.used_up(iteration, user=0)
    return Stop(StopReason.DATA_USED_UP, message) if message else None
