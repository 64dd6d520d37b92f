"""What the steps of an iteration cost: a load runs them for each of its requests."""

import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.iteration import run_iteration
from scenarios.evidence.recording import Recorder
from scenarios.language.model import Scenario
from tests.paths import ROOT
from tests.scenarios.shop_scenario import CREATED, ENVIRONMENT, Script, recorder

STEP: dict[str, Any] = {
    "step": "create", "request": "POST shop /orders", "json": {"name": "{{ unique }}"},
    "expect": {"status": 201, "json": {"state": "done"}}, "save": {"order": "id"},
}  # fmt: skip
REPEATED = 10
# Of the recorder 5 with its clock, of the request 7, of the response 6. A request costs about 50
# calls with its connection, so that one more is 2 % of what a load takes.
MOST_CALLS = 18


def calls_of(folder: Path, steps: int) -> Counter[str]:
    """Count the calls of the project's functions in an iteration of so many plain steps."""
    flow_of_steps = [{**STEP, "step": f"create {number}"} for number in range(steps)]
    profiles = {"once": {"users": 1, "iterations": 1}}
    document = {"scenario": "s", "flow": flow_of_steps, "profiles": profiles}
    flow = compile_flow(Scenario.model_validate(document), ENVIRONMENT, "run-1", "tenant-1")
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(ROOT / "scenarios")):
            calls[frame.f_code.co_qualname] += 1

    script = Script(*[CREATED] * steps)
    with recorder(folder / f"{steps}.jsonl", Recorder, flow.step_names) as opened:
        sys.setprofile(count)
        try:
            assert run_iteration(flow, 1, 0.0, script, opened)
        finally:
            sys.setprofile(None)
    return calls


def test_a_plain_step_makes_no_more_calls_than_it_needs(tmp_path: Path) -> None:
    calls = calls_of(tmp_path, 1 + REPEATED)
    calls.subtract(calls_of(tmp_path, 1))
    assert sum(calls.values()) <= MOST_CALLS * REPEATED, +calls
