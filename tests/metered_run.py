"""Runs of metered steps: customers and decimal amounts that only their responses have."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from scenarios.evidence.run_folder import RunFolder
from scenarios.http.messages import Response
from scenarios.language.model import Scenario
from tests import evidence_factory as make
from tests.scenarios.evidence.metered import STEP, record

QUANTITY: Mapping[str, Any] = {
    "by": ["customer"], "resolution": 0.001, "unit": "tokens",
    "database": {"main": "SELECT customer, sum(tokens) FROM usage GROUP BY customer"},
    "traces": {"main": "SELECT trace, customer, tokens FROM usage"},
}  # fmt: skip


def write_metered_run(
    place: Path, answers: Sequence[Response | BaseException],
    quantities: Mapping[str, Any] | None = None, /, **step: object,
) -> RunFolder:  # fmt: skip
    """Write a run with one iteration per answer, without any witness."""
    document = {
        "scenario": "metered", "quantities": {"tokens": QUANTITY, **(quantities or {})},
        "flow": [{**STEP, **step}],
        "profiles": {"load": {"users": 1, "iterations": len(answers)}},
    }  # fmt: skip
    return write_recorded_run(place, document, answers, len(answers))


def write_recorded_run(
    place: Path,
    document: Mapping[str, Any],
    answers: Sequence[Response | BaseException],
    iterations: int,
) -> RunFolder:
    """Write a run of a scenario that had these answers, without any witness."""
    folder = make.write_run(place, make.Load(), scenario=yaml.safe_dump(document, sort_keys=False))
    for file in folder.exchanges.iterdir():
        file.unlink()
    record(folder.exchanges, Scenario.model_validate(document), answers, iterations=iterations)
    return folder
