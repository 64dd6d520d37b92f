"""The document on usage APIs has every key, and its examples are scenarios and environments."""

from pathlib import Path

import pytest
import yaml

from config.apis import Api
from config.environment import read_environment
from scenarios.language.apis import ApiRequest, Paging
from scenarios.language.reader import read_scenario
from tests.usage_apis.documented import DOCUMENT, documented
from tests.usage_apis.shapes import SHAPES

TEXT = DOCUMENT.read_text()
_PROFILES = {"load": {"users": 1, "iterations": 1}}


@pytest.mark.parametrize("model", [Api, ApiRequest, Paging])
def test_every_key_is_described(model: type[Api | ApiRequest | Paging]) -> None:
    keys = [field.alias or name for name, field in model.model_fields.items()]
    assert [key for key in keys if f"`{key}" not in TEXT and f"    {key}:" not in TEXT] == []


@pytest.mark.parametrize("name", SHAPES)
def test_an_example_is_a_scenario_and_an_environment_without_a_mistake(
    name: str, tmp_path: Path
) -> None:
    api, quantity = documented(name)
    label = quantity["by"][0]
    counts = {"calls": {f"a {label}": 1}}
    flow = [{"step": "use", "request": "POST shop /use", "counts": counts}]
    scenario = {"scenario": name, "quantities": {"calls": quantity}, "flow": flow,
                "profiles": _PROFILES}  # fmt: skip
    environment = {"environment": name, "services": {"shop": {"url": "http://shop.example"}},
                   "apis": {name: api}}  # fmt: skip
    for path, document in (("s.yaml", scenario), ("e.yaml", environment)):
        (tmp_path / path).write_text(yaml.safe_dump(document))
    assert read_scenario(tmp_path / "s.yaml").quantities["calls"].api
    variables = dict.fromkeys(
        ("OPENMETER_TOKEN", "STRIPE_KEY", "LAGO_API_KEY", "CLICKHOUSE_PASSWORD", "LOKI_TOKEN",
         "ELASTIC_API_KEY"), "hunter22hunter22",
    )  # fmt: skip
    read = read_environment(tmp_path / "e.yaml", variables)
    assert "hunter22hunter22" in " ".join(read.secrets()), name
    assert "hunter22hunter22" not in (tmp_path / "e.yaml").read_text()
