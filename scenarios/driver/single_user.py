"""Drive a profile with one virtual user in this process."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from scenarios.driver.arrivals import ClosedModel
from scenarios.driver.flow import Flow
from scenarios.driver.iteration import run_iteration
from scenarios.evidence.recording import Recorder, RecordingEnd, StopReason
from scenarios.http.client import HttpClient
from scenarios.language.profiles import Profile


def drive_alone(
    flow: Flow, name: str, profile: Profile, exchanges: Path, stem: str,
    is_stopped: Callable[[], bool] = lambda: False,
) -> None:  # fmt: skip
    """Drive a profile with one virtual user; record it as `stem` in the folder `exchanges`.

    Iterations that have not started when the time of the profile is over are dropped. Once
    `is_stopped`, none is started any more.
    """
    with HttpClient(flow.network) as client:
        recorder = Recorder(
            exchanges / f"{stem}.jsonl", stem, name, 1, profile.iterations, flow.step_names
        )
        arrivals = ClosedModel(profile.iterations, profile.duration_s)
        started, was_stopped, cpu_s = 0, False, time.process_time()
        while (due_s := arrivals.due_s(started, recorder.now_s())) is not None:
            if was_stopped := is_stopped():
                break
            started += 1
            run_iteration(flow, started, due_s, client, recorder)
            recorder.note_clock_steps()
        left = (profile.iterations or started) - started
        end = RecordingEnd(started, left, time.process_time() - cpu_s, recorder.now_s())
        if was_stopped:
            end = replace(end, dropped=0, not_started=left, stopped="interrupted",
                          stop_reason=StopReason.INTERRUPTED)  # fmt: skip
        recorder.end(end)
