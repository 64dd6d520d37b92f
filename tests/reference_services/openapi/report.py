"""Reads the report of a Schemathesis run: requests, statuses, links and checks."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

REFUSED = 400


class Answered(NamedTuple):
    """Status of the response to a request of this method and path template."""

    method: str
    path: str
    status: int


@dataclass
class Trials:
    """The requests of one run: `fuzzed` and `modes` by operation, `followed` by link.

    Only valid requests follow a link here; it was `reached` if one of them was accepted.
    """

    answers: set[Answered] = field(default_factory=set)
    fuzzed: Counter[str] = field(default_factory=Counter)
    modes: set[tuple[str, str]] = field(default_factory=set)
    followed: Counter[str] = field(default_factory=Counter)
    reached: set[str] = field(default_factory=set)
    checks: set[str] = field(default_factory=set)
    cases: Counter[str] = field(default_factory=Counter)


def read_trials(record: Path) -> Trials:
    """Read the report: one JSON object per line."""
    trials = Trials()
    for scenario in _scenarios(record):
        recorder = scenario["recorder"]
        for case_id, case in recorder.get("cases", {}).items():
            interaction = recorder.get("interactions", {}).get(case_id, {})
            if "response" in interaction:
                _note(trials, scenario["phase"], case, interaction["response"]["status_code"])
        for checks in recorder.get("checks", {}).values():
            trials.checks.update(check["name"] for check in checks)
    return trials


def _scenarios(record: Path) -> Iterator[dict[str, Any]]:
    with record.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith('{"ScenarioFinished"'):
                yield json.loads(line)["ScenarioFinished"]


def _note(trials: Trials, phase: str, case: dict[str, Any], status: int) -> None:
    request = case["value"]
    operation = f"{request['method']} {request['path']}"
    # Requests that a check makes itself, to try other credentials, have no mode.
    mode = request["meta"]["generation"]["mode"] if "meta" in request else ""
    trials.answers.add(Answered(request["method"], request["path"], status))
    trials.cases[phase] += 1
    # Requests that a check makes itself, without credentials, have a parent: not counted.
    if phase == "fuzzing" and "parent_id" not in case:
        trials.fuzzed[operation] += 1
        trials.modes.add((operation, mode))
    if case.get("is_transition_applied") and mode == "positive":
        link = case["transition"]["id"]
        trials.followed[link] += 1
        if status < REFUSED:
            trials.reached.add(link)
