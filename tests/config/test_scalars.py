import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.documents import read_document
from config.environment import read_environment
from config.errors import ConfigError
from config.models import StrictModel, read_model
from config.scalars import misreading
from scenarios.language.reader import read_scenario

SCENARIO = """\
scenario: traps
quantities: {sold: {by: [country], prometheus: sold_total}}
flow:
  - step: send
    request: POST shop /x
    headers: {X-Version: %s}
    json: {a: %s, deep: [{b: %s}]}
    expect: {json: {c: %s}}
    counts: {sold: {NO: 1, true: 1, 01234: 1}}
profiles: {e2e: {users: 1, iterations: 1}}
"""


def reason(text: str) -> str:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(node, yaml.ScalarNode)
    return misreading(node, yaml.SafeLoader("").construct_object(node))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("12:30:00", "45000"), ("22:22", "1342"), ("1:30.5", "90.5"), ("-1:30", "-90"),
        ("01234", "668"), ("-07", "-7"), ("0xFF", "255"), ("0b11", "3"), ("1_000", "1000"),
        ("1_0.5", "10.5"), ("+1", "1"), ("-0", "0"), ("1.10", "1.1"), ("19.90", "19.9"),
        (".5", "0.5"), ("5.", "5.0"), ("1.5e+3", "1500.0"), ("1.0e+21", "1000000000000000000000"),
        ("0.1234567890123456789", "0.12345678901234568"),
        ("NO", "false"), ("no", "false"), ("off", "false"), ("False", "false"), ("yes", "true"),
        ("On", "true"), ("TRUE", "true"), ("~", "null"), ("Null", "null"), ("NULL", "null"),
    ],
)  # fmt: skip
def test_a_value_that_is_read_as_another_is_refused_with_both_remedies(
    text: str, read: str
) -> None:
    assert reason(text) == f"{text} is read as {read}; quote it: '{text}', or write {read}"
    assert reason(read) == ""


@pytest.mark.parametrize(
    ("text", "remedy"),
    [("1e5", ", or write 100000"), ("1e-7", ", or write 0.0000001"), ("0o17", ", or write 15"),
     ("08", ", or write 8"), ("-2E3", ", or write -2000"), ("12e4567", ""), ("9e99", "")],
)  # fmt: skip
def test_text_that_other_readers_take_for_a_number_is_refused(text: str, remedy: str) -> None:
    expected = f"{text} looks like a number but is read as text; quote it: '{text}'{remedy}"
    assert reason(text) == expected


@pytest.mark.parametrize("text", ["2026-01-02", "2026-01-02T03:04:05Z", "2026-01-02 03:04:05"])
def test_a_date_is_refused(text: str) -> None:
    assert reason(text) == f"{text} is read as a date; quote it: '{text}'"


@pytest.mark.parametrize("text", [".inf", "-.Inf", ".NaN"])
def test_a_number_that_json_lacks_is_refused(text: str) -> None:
    assert reason(text) == f"{text} is no number of JSON; quote it: '{text}'"


@pytest.mark.parametrize(
    "text",
    ["true", "false", "null", "''", "0", "7", "-7", "1.5", "-0.5", "1.0", "0.00001", "100000.0",
     "123456789012345678901234567890", "2s", "99.5%", "20/s", "1.10.2", "10.0.0.7:8443", "v1.10",
     "1,000", "y", "n", "09:30", "a~b", "12e", "0x", "e5", "sha256:01", "'01234'", '"NO"',
     "'12:30:00'", '"1e5"', "|\n  01234", ">\n  NO", "!!str 'NO'"],
)  # fmt: skip
def test_a_value_that_is_what_it_looks_like_is_kept(text: str) -> None:
    assert reason(text) == ""


@given(st.none() | st.booleans() | st.integers() | st.floats(-1e15, 1e15))
def test_a_value_that_is_not_refused_is_the_one_that_was_written(value: Any) -> None:
    text = json.dumps(value)
    if not reason(text):
        assert yaml.safe_load(text) == value


class Free(StrictModel):
    free: dict[str, Any]
    flag: bool = False


def problems_of(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        read_model(read_document(path), Free)
    return [str(problem).removeprefix(f"{path}:") for problem in error.value.problems]


def test_every_mistake_of_a_file_is_reported_at_once_and_each_value_once(tmp_path: Path) -> None:
    text = "free:\n  zip: 01234\n  list: [ok, NO]\nflag: yes\nother: 1\n"
    assert problems_of(tmp_path / "a.yaml", text) == [
        "2: free.zip: 01234 is read as 668; quote it: '01234', or write 668",
        "3: free.list.1: NO is read as false; quote it: 'NO', or write false",
        "4: flag: yes is read as true; quote it: 'yes', or write true",
        "5: unknown key 'other'; known here: free, flag",
    ]


def test_an_empty_value_is_null(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("free: {empty: , null: null, true: 1}\n")
    assert read_model(read_document(path), Free).free == {"empty": None, "null": None, "true": 1}


def test_free_values_of_a_scenario_are_refused_wherever_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO % ("1.10", "NO", "12:30:00", "1_000"))
    with pytest.raises(ConfigError) as error:
        read_scenario(path)
    lines = str(error.value).replace(f"{path}:", "").splitlines()
    assert lines == [
        "6: flow.0.headers.X-Version: 1.10 is read as 1.1; quote it: '1.10', or write 1.1",
        "7: flow.0.json.a: NO is read as false; quote it: 'NO', or write false",
        "7: flow.0.json.deep.0.b: 12:30:00 is read as 45000; quote it: '12:30:00', or write 45000",
        "8: flow.0.expect.json.c: 1_000 is read as 1000; quote it: '1_000', or write 1000",
    ]


def test_label_values_that_are_keys_are_the_text_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO % ("'1.10'", "'NO'", "'12:30:00'", "1000"))
    (step,) = read_scenario(path).steps
    assert step.counts == {"sold": {"NO": 1, "true": 1, "01234": 1}}
    assert step.json_body == {"a": "NO", "deep": [{"b": "12:30:00"}]}


def test_a_header_of_an_environment_is_refused_likewise(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(
        "environment: e\nservices: {s: {url: 'http://s'}}\nheaders: {X-Day: 2026-01-02}"
    )
    with pytest.raises(ConfigError, match="2026-01-02 is read as a date; quote it: '2026-01-02'"):
        read_environment(path, {})
