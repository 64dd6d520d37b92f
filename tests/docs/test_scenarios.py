"""Every example of docs/scenarios.md is a part of a scenario that can be read."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scenarios.language.reader import read_scenario
from tests.paths import ROOT

EXAMPLES = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/scenarios.md").read_text(), re.DOTALL)


def counts_of(labels: list[str]) -> Any:
    return {"a": counts_of(labels[1:])} if labels else 1


def whole(example: str) -> dict[str, Any]:
    """Complete an example: a list is the flow, and what it lacks is the least that can be read."""
    part = yaml.safe_load(example)
    document: dict[str, Any] = {"flow": part} if isinstance(part, list) else part
    moved = {
        name: counts_of(quantity.get("by", []))
        for name, quantity in document.get("quantities", {}).items()
    }
    step = {"step": "the first of all", "request": "GET shop /", "counts": moved}
    defaults: dict[str, Any] = {"flow": [step], "profiles": {"once": {"users": 1, "iterations": 1}}}
    if "flows" in document:
        del defaults["flow"]
    return {"scenario": "example", **defaults, **document}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.partition("\n")[0])
def test_an_example_can_be_read(tmp_path: Path, example: str) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(yaml.safe_dump(whole(example), sort_keys=False))
    read_scenario(path)
