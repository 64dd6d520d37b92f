"""A metered step, and a recording of it: customers and decimal amounts that only responses have."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from config.environment import Environment
from config.services import Service
from scenarios.driver.flow import Flow
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.iteration import run_iteration
from scenarios.evidence.recording import Recorder, RecordingEnd
from scenarios.http.messages import Response
from scenarios.language.model import Scenario
from tests.scenarios.shop_scenario import Script, answered

STEP = {
    "step": "ask",
    "request": "POST shop /answers",
    "save": {"customer": "customer", "spent": "spent"},
    "counts": {"tokens": {"{{ customer }}": "{{ spent }}"}},
}


def scenario_of(quantities: Mapping[str, Any] | None = None, /, **step: object) -> Scenario:
    """Return a scenario of one metered step, with changes and further quantities."""
    return Scenario.model_validate(
        {
            "scenario": "metered",
            "quantities": {
                "tokens": {"by": ["customer"], "prometheus": "t_total", "resolution": 0.001},
                **(quantities or {}),
            },
            "flow": [{**STEP, **step}],
            "profiles": {"one": {"users": 1}},
        }
    )


def flow_of(scenario: Scenario) -> Flow:
    services = {"shop": Service(url="http://shop.example")}
    return compile_flow(scenario, Environment(environment="test", services=services), "run", "acme")


def spent(customer: str, amount: Decimal | str | float, status: int = 200) -> Response:
    """Make a response that books an amount on a customer."""
    value = amount if isinstance(amount, float) else str(amount)
    body = json.dumps({"customer": customer, "spent": value}).encode()
    return answered(status, "application/json", body)


def record(
    folder: Path, scenario: Scenario, answers: Sequence[Response | BaseException], *,
    ends: bool = True, iterations: int | None = None,
) -> Path:  # fmt: skip
    """Run so many iterations, or one per answer, and return the path of the recording."""
    flow, sender = flow_of(scenario), Script(*answers)
    recorder = Recorder(folder / "load.jsonl", "load", "load", 1, None, flow.step_names)
    started = len(answers) if iterations is None else iterations
    for number in range(1, started + 1):
        run_iteration(flow, number, 0.0, sender, recorder)
    if ends:
        recorder.end(RecordingEnd(started=started, dropped=0, cpu_s=0.1, wall_s=1.0))
    else:
        recorder.close()
    return recorder.path
