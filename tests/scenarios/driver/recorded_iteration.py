"""One iteration of a scenario, and the recording of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.environment import Environment
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.iteration import run_iteration
from scenarios.evidence.recording import Recorder, Recording
from scenarios.evidence.recording_reader import read_recording
from scenarios.http.messages import Sender
from scenarios.language.model import Scenario
from tests.scenarios.shop_scenario import ENVIRONMENT, recorder


def record_iteration(
    folder: Path, scenario: Scenario, sender: Sender, given: Mapping[str, Any] = {},
    environment: Environment = ENVIRONMENT,
) -> Recording:  # fmt: skip
    """Run one iteration without its pauses, and read its recording."""
    flow, path = compile_flow(scenario, environment, "run-1", "t-1"), folder / "a.jsonl"
    with recorder(path, Recorder, flow.step_names) as opened:
        run_iteration(flow, 1, opened.now_s(), sender, opened, given, pause=lambda _: None)
    recording = read_recording(path)
    assert recording is not None
    return recording
