import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from checks.result import SCHEMA_VERSION, Result
from checks.result_document import (
    MAX_RESULT_BYTES,
    MAX_RESULT_MEMBERS,
    read_result,
    render_result,
    result_schema,
)
from scenarios.evidence.amounts import MAX_KEYS
from tests.reports.results import empty_result, failing_result, good_result


@pytest.mark.parametrize("result", [good_result(), failing_result(), empty_result()])
def test_a_result_is_the_same_after_it_was_written_and_read(tmp_path: Path, result: Result) -> None:
    path = tmp_path / "result.json"
    path.write_text(render_result(result))
    assert read_result(path) == result


def test_the_schema_describes_every_field_of_the_document() -> None:
    document = json.loads(render_result(good_result()))
    assert set(result_schema()["properties"]) == {each.name for each in fields(Result)}
    assert set(document) == {each.name for each in fields(Result)}
    assert document["schema_version"] == SCHEMA_VERSION


def test_a_result_with_a_row_for_each_label_set_of_a_recording_is_within_the_limits() -> None:
    row = max(good_result().usage, key=lambda row: len(row.figures))
    assert len(row.figures) >= 3
    one, two = (render_result(replace(good_result(), usage=(row,) * rows)) for rows in (1, 2))
    assert (len(two) - len(one)) * MAX_KEYS < MAX_RESULT_BYTES
    members = sum(two.count(mark) - one.count(mark) for mark in ",[{")
    assert members * MAX_KEYS < MAX_RESULT_MEMBERS


def test_an_amount_that_no_count_has_is_refused(tmp_path: Path) -> None:
    document = json.loads(render_result(good_result()))
    document["usage"][0]["client"]["confirmed"] = 10**400
    path = tmp_path / "result.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match="a number of 100 digits"):
        read_result(path)


def test_a_document_with_an_unknown_verdict_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps({**json.loads(render_result(good_result())), "verdict": "perhaps"}))
    with pytest.raises(ValidationError, match="verdict"):
        read_result(path)


@pytest.mark.parametrize(
    "text", ["\x9b2J", "\u202egnp.exe", "\u2066\x7f", "##[group]a", "##vso[a]"]
)
def test_the_document_steers_neither_a_terminal_nor_a_log(tmp_path: Path, text: str) -> None:
    first, *others = good_result().findings
    result = replace(good_result(), findings=(replace(first, detail=text), *others))
    path = tmp_path / "result.json"
    path.write_text(render_result(result))
    assert text not in path.read_text()
    assert read_result(path) == result
