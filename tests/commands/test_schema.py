import json

from checks.result import SCHEMA_VERSION
from checks.result_document import render_result
from commands.schema import schema_text
from tests.paths import ROOT
from tests.reports.results import failing_result


def test_the_published_schema_is_that_of_the_code() -> None:
    """Write it anew by `run.py schema > docs/result.schema.json`."""
    assert (ROOT / "docs" / "result.schema.json").read_text(encoding="utf-8") == schema_text()


def test_the_schema_names_every_field_of_a_result() -> None:
    properties = json.loads(schema_text())["properties"]
    assert set(properties) == set(json.loads(render_result(failing_result())))
    assert properties["schema_version"]["default"] == SCHEMA_VERSION == 2


def test_a_row_has_its_figures_by_witness_and_a_finding_its_id() -> None:
    definitions = json.loads(schema_text())["$defs"]
    figures = definitions["UsageRow"]["properties"]["figures"]
    assert figures["additionalProperties"] == {"$ref": "#/$defs/Figure"}
    assert "id" in definitions["Finding"]["required"]
    assert "several_processes" in definitions["Reason"]["enum"]
