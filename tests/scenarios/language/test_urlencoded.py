from typing import Any
from urllib.parse import parse_qs

import pytest

from scenarios.language.templates import Constant, TemplateError
from scenarios.language.urlencoded import compile_form, compile_query, with_query

VALUES = {"a": "R&D #1 50%+", "b": ["{{ v }}", True], "c d": 1.5, "é=": ["ü", "&"]}


def test_what_a_server_decodes_is_what_was_written() -> None:
    expected = {"a": ["R&D #1 50%+"], "b": ["x/ y", "true"], "c d": ["1.5"], "é=": ["ü", "&"]}
    for compile_mapping in (compile_query, compile_form):
        text = compile_mapping(VALUES, {})({"v": "x/ y"})
        assert parse_qs(text, strict_parsing=True) == expected


def test_a_value_that_is_a_list_repeats_its_name_and_an_empty_one_leaves_it_out() -> None:
    query = compile_query({"ids": "{{ ids }}", "q": "x"}, {})
    assert query({"ids": ["a", 2]}) == "ids=a&ids=2&q=x"
    assert query({"ids": []}) == "q=x"


def test_an_object_is_json() -> None:
    assert compile_form({"o": "{{ o }}"}, {})({"o": {"k": [1]}}) == "o=%7B%22k%22%3A%5B1%5D%7D"


@pytest.mark.parametrize("value", [None, [1, None], float("inf")])
def test_a_value_without_a_text_is_an_error_that_names_it(value: Any) -> None:
    with pytest.raises(TemplateError, match="'q' cannot be encoded"):
        compile_query({"q": "{{ v }}"}, {})({"v": value})


def test_what_is_constant_is_computed_once() -> None:
    query = compile_query({"t": "{{ tenant }}"}, {"tenant": "a b"})
    assert isinstance(query, Constant)
    whole = with_query(Constant("/p"), query)
    assert isinstance(whole, Constant)
    assert whole.value == "/p?t=a%20b"


@pytest.mark.parametrize(
    ("target", "ids", "whole"),
    [("/p", [1], "/p?i=1"), ("/p?a=b", [1], "/p?a=b&i=1"), ("/p", [], "/p")],
)
def test_a_query_follows_the_one_that_is_written(target: str, ids: list[int], whole: str) -> None:
    query = compile_query({"i": "{{ ids }}"}, {})
    assert with_query(Constant(target), query)({"ids": ids}) == whole
