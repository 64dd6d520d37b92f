import json
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.language.value_text import (
    encode_json,
    header_text,
    path_text,
    query_text,
    text_of,
    urlencoded,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(values)
def test_what_is_not_text_is_written_as_json(value: Any) -> None:
    text = text_of(value)
    assert text == value if isinstance(value, str) else json.loads(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (False, "false"), (0, "0"), (1.0, "1.0"), (-0.5, "-0.5"), (1e-7, "1e-7"),
        (2**70, str(2**70)), ("", ""), ("None", "None"), ([], "[]"), ((1, None), "[1,null]"),
        (iter("ab"), '["a","b"]'), ({"k": [True]}, '{"k":[true]}'),
    ],
)  # fmt: skip
def test_no_value_is_written_in_the_words_of_python(value: Any, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), len])
def test_what_json_lacks_has_no_text(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_json(value)


@given(values.filter(lambda value: value is not None))
def test_a_value_in_a_url_is_one_segment_and_comes_back_whole(value: Any) -> None:
    for encoded in (path_text(value), query_text(value)):
        assert not set(encoded) & set("/?#&=+% \"<>|'[]{}") - set("%")
        assert encoded.isascii()
        assert unquote(encoded) == text_of(value)


@given(st.lists(st.sampled_from(["..", ".", "admin", "", "a.b"]), min_size=2).map("/".join))
def test_no_segment_of_dots_stands_beside_an_encoded_slash(value: str) -> None:
    segments = path_text(value).split("%2F")
    assert not {".", ".."} & set(segments)
    assert unquote(path_text(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(["x1", "x&2"], "x1&ids=x%262"), ([True, 1.5], "true&ids=1.5"), ([], ""), (("a",), "a"),
     ([["a"], {"k": 1}], "%5B%22a%22%5D&ids=%7B%22k%22%3A1%7D"), ({"k": 1}, "%7B%22k%22%3A1%7D")],
)  # fmt: skip
def test_a_list_as_the_whole_value_of_a_parameter_is_repeated(value: Any, text: str) -> None:
    assert query_text(value, "ids") == text


@pytest.mark.parametrize("encode", [header_text, path_text, query_text, urlencoded])
def test_null_has_no_text_in_a_url_or_a_header(encode: Any) -> None:
    with pytest.raises(ValueError, match="null"):
        encode(None)


@pytest.mark.parametrize(
    ("value", "text"),
    [("a/b c+é", "a/b%20c%2B%C3%A9"), (True, "true"), (["x1", "y2"], "%5B%22x1%22%2C%22y2%22%5D"),
     ({"a b": "c/d", "on": True, "ids": ["x", "y"]}, "a%20b=c%2Fd&on=true&ids=x&ids=y")],
)  # fmt: skip
def test_the_explicit_filter_keeps_slashes_and_makes_queries(value: Any, text: str) -> None:
    assert urlencoded(value) == text
