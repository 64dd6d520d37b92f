import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.result import (
    SCHEMA_VERSION,
    Result,
    finding_id,
    read_result,
    result_schema,
    to_json,
    verdict_of,
)
from checks.verdict import Verdict
from tests.reports.results import empty_result, failing_result, good_result


@pytest.mark.parametrize("result", [good_result(), failing_result(), empty_result()])
def test_a_result_is_the_same_after_it_was_written_and_read(tmp_path: Path, result: Result) -> None:
    path = tmp_path / "result.json"
    path.write_text(to_json(result))
    assert read_result(path) == result


def test_the_schema_describes_every_field_of_the_document() -> None:
    names = {field.name for field in fields(Result)}
    assert set(result_schema()["properties"]) == names == set(json.loads(to_json(good_result())))
    assert json.loads(to_json(good_result()))["schema_version"] == SCHEMA_VERSION


def test_a_document_with_an_unknown_verdict_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps({**json.loads(to_json(good_result())), "verdict": "perhaps"}))
    with pytest.raises(ValidationError, match="verdict"):
        read_result(path)


def test_the_verdict_of_findings_is_the_worst_of_them() -> None:
    first, *others = good_result().findings
    unknown = replace(first, verdict=Verdict.INCONCLUSIVE)
    failed = replace(first, verdict=Verdict.FAIL)
    assert verdict_of((first, *others)) is Verdict.PASS
    assert verdict_of((first, unknown)) is Verdict.INCONCLUSIVE
    assert verdict_of((first, unknown, failed)) is Verdict.FAIL


@given(st.lists(st.text(min_size=1), min_size=1))
def test_an_id_is_its_own_id_and_contains_no_space_and_no_capital(parts: list[str]) -> None:
    identifier = finding_id(*parts)
    assert finding_id(*identifier.split("/")) == identifier
    assert not any(each.isspace() for each in identifier)
    assert identifier == identifier.lower()


@pytest.mark.parametrize(
    "text", ["\x9b2J", "\u202egnp.exe", "\u2066\x7f", "##[group]a", "##vso[a]"]
)
def test_the_document_steers_neither_a_terminal_nor_a_log(tmp_path: Path, text: str) -> None:
    first, *others = good_result().findings
    result = replace(good_result(), findings=(replace(first, detail=text), *others))
    path = tmp_path / "result.json"
    path.write_text(to_json(result))
    assert text not in path.read_text()
    assert read_result(path) == result
