"""JSON beyond a depth or a number of values is refused before it is decoded."""

import json
import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.http.bounded_json import MAX_DEPTH, UnboundedJson, check_bounds, decode_json

_TEXTS = st.text(alphabet='[]{},"\\\\nx', max_size=20)
_VALUES = st.recursive(
    _TEXTS | st.integers(0, 9) | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
)


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = isinstance(value, list | dict)
    return own + max(map(_depth, inner), default=0)


@given(_VALUES)
def test_what_is_within_the_bounds_is_decoded_whatever_its_texts_are(value: Any) -> None:
    filled = {"brackets": "[{" * 2 * MAX_DEPTH, "value": value}
    assert decode_json(json.dumps(filled).encode()) == filled


@given(_VALUES)
def test_the_depth_is_exact_whatever_its_texts_are(value: Any) -> None:
    deep = "[" * (MAX_DEPTH - _depth(value)) + json.dumps(value) + "]" * (MAX_DEPTH - _depth(value))
    decode_json(deep.encode())
    with pytest.raises(UnboundedJson, match="nested deeper than 100 levels"):
        decode_json(b"[" + deep.encode() + b"]")


@pytest.mark.parametrize("content", [b"[1,2,3,4]", b'{"a":1,"b":[2]}', b"[[],[],[]]"])
def test_more_values_than_allowed_are_refused(content: bytes) -> None:
    with pytest.raises(UnboundedJson, match="more than 3 values"):
        decode_json(content + b" " * MAX_DEPTH, max_values=3)


def test_commas_and_brackets_in_texts_are_no_values() -> None:
    check_bounds(json.dumps(["[,{,", 'a,"b,\\', "\\"]).encode() * 1 + b" " * 200, max_values=4)


@pytest.mark.parametrize("content", [b"", b"{", b"nothing", b'"\xff"', b"9" * 5_000])
def test_what_is_no_json_is_a_value_error_of_another_kind(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+") as raised:
        decode_json(content)
    assert not isinstance(raised.value, UnboundedJson)


def test_a_byte_order_mark_before_json_is_ignored_and_elsewhere_is_none() -> None:
    assert decode_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    for content in (b'\xef\xbb\xbf\xef\xbb\xbf{"a": 1}', b"\xef\xbb\xbf", b"\xfe\xff{}"):
        with pytest.raises(msgspec.DecodeError):
            decode_json(content)


@pytest.mark.parametrize("padding", range(-3, 4))
def test_a_string_is_one_also_where_a_piece_of_the_text_ends(padding: int) -> None:
    before = b"[" + b" " * (65_536 + padding)
    deep = b"[" * MAX_DEPTH
    check_bounds(before + b'"' + deep + b'\\"' + deep + b'"]')
    with pytest.raises(UnboundedJson):
        check_bounds(before + b'"x\\\\"' + deep + b'"')
    with pytest.raises(UnboundedJson):
        check_bounds(before + b'"","x"' + deep + b"]")


@pytest.mark.core
@pytest.mark.long
def test_many_strings_are_not_many_objects_at_a_time() -> None:
    content = b"[" + b'{"a":"b"},' * 700_000 + b"{}]"
    tracemalloc.start()
    try:
        with pytest.raises(UnboundedJson):
            check_bounds(content)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(content)
    finally:
        tracemalloc.stop()
