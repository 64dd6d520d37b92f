"""Drive a profile with one virtual user in this process."""

import time
from pathlib import Path

from scenarios.driver.arrivals import ClosedModel
from scenarios.driver.flow import Flow, run_iteration
from scenarios.evidence.recording import Recorder, RecordingEnd
from scenarios.http.client import HttpClient
from scenarios.language.model import Profile


def drive_alone(flow: Flow, name: str, profile: Profile, exchanges: Path, stem: str) -> None:
    """Drive a profile with one virtual user; record it as `stem` in the folder `exchanges`.

    Iterations that have not started when the time of the profile is over are dropped.
    """
    with HttpClient(flow.network) as client:
        recorder = Recorder(
            exchanges / f"{stem}.jsonl", stem, name, 1, profile.iterations, flow.step_names
        )
        arrivals = ClosedModel(profile.iterations, profile.duration_s)
        started, cpu_s = 0, time.process_time()
        while (due_s := arrivals.due_s(started, recorder.now_s())) is not None:
            started += 1
            run_iteration(flow, started, due_s, client, recorder)
        dropped = (profile.iterations or started) - started
        recorder.end(RecordingEnd(started, dropped, time.process_time() - cpu_s, recorder.now_s()))
