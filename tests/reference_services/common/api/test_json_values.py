"""Tests of what JSON is accepted from clients and from the database."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_services.common.api.json_values import (
    MAX_DEPTH,
    JsonRefused,
    UnreadableJson,
    load_stored,
    parse_json,
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": [1, NaN]}', "body.a.1: not a finite number"),
        ('{"a": -Infinity}', "body.a: not a finite number"),
        ('{"a": 1e999}', "body.a: not a finite number"),
        ('{"a": 9223372036854775808}', "body.a: an integer of more than 64 bits"),
        ('{"a": -9223372036854775809}', "body.a: an integer of more than 64 bits"),
        ('{"a": ' + "1" * 100_000 + "}", "body.a: an integer of more than 64 bits"),
        (r'{"a": "\u0000"}', "body.a: NUL in a text"),
        (r'{"a": {"\u0000": 1}}', "body.a: NUL in a text"),
        (r'{"a": "\ud800"}', "body.a: half of a surrogate pair in a text"),
        (r'{"a": {"\udfff": 1}}', "body.a: half of a surrogate pair in a text"),
        ('{"a": {"b": 1, "b": 1}}', "body.a: a key occurs twice"),
        ("[" * 1_000_000, "body: nested too deep"),
        ('{"a":' * 100_000, "body: nested too deep"),
        ("[" * 33 + "]" * 33, "body.0.0.0.0.0.0: nested too deep"),
        ("{", "body.1: JSON decode error"),
        ("", "body.0: JSON decode error"),
        ("\ufeff{}", "body.0: JSON decode error"),
        (b'"\xff"', "body: not encoded in UTF-8"),
        ('"a"'.encode("utf-16"), "body: not encoded in UTF-8"),
        ('{"a": "\n"}', "body.7: JSON decode error"),
    ],
)
def test_odd_json_is_refused_with_the_field(text: str | bytes, reason: str) -> None:
    with pytest.raises(JsonRefused) as refused:
        parse_json(text)
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    "value", [-(2**63), 2**63 - 1, 1e308, 5e-324, "😀", "\ufffe", {"": [None, True]}, []]
)
def test_an_unusual_value_within_the_bounds_is_kept(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value
    assert load_stored(json.dumps(value)) == value


def test_the_depth_of_a_body_is_bounded_at_the_same_level_for_lists_and_objects() -> None:
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for opened, closed in (("[", "]"), ('{"a":', "}")):
        inner = "1" if closed == "}" else ""
        parse_json(opened * MAX_DEPTH + inner + closed * MAX_DEPTH)
        with pytest.raises(JsonRefused, match="nested too deep"):
            parse_json(opened * (MAX_DEPTH + 1) + inner + closed * (MAX_DEPTH + 1))


@given(value=st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), inner),
))  # fmt: skip
def test_every_ordinary_value_is_accepted_unchanged(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize("text", ["NaN", r'"\ud800"', "[" * 70 + "]" * 70, "[" * 100_000, "{"])
def test_a_stored_value_that_cannot_be_shown_is_marked(text: str) -> None:
    assert isinstance(load_stored(text), UnreadableJson)


def test_what_a_body_may_hold_can_be_read_a_few_levels_deeper() -> None:
    deep = "[" * (MAX_DEPTH + 5) + "]" * (MAX_DEPTH + 5)
    assert load_stored(deep) == json.loads(deep)
