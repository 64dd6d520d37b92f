import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.language.request_body import compile_body
from scenarios.language.templates import TemplateError, compile_value

VARIABLES = {
    "text": 'a "b" \\ \n ü\u2028 {{ x }}',
    "number": 7,
    "share": 0.1,
    "ids": [7, None, True, {"a": "b"}],
    "nothing": None,
}

templates = st.sampled_from(
    [
        "{{ text }}",
        "{{ number }}",
        "{{ ids }}",
        "{{ nothing }}",
        "{{ share }}",
        "{{ ids | length }}",
    ]
)
plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}#"), max_size=9)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    plain,
    templates,
    st.tuples(plain, templates, plain).map("".join),
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4),
    max_leaves=12,
)


@given(documents)
def test_a_body_encodes_what_its_template_renders(document: Any) -> None:
    rendered = compile_value(document)(VARIABLES)
    assert json.loads(compile_body(document, {})(VARIABLES)) == rendered


@given(documents)
def test_what_is_known_beforehand_makes_no_difference(document: Any) -> None:
    known = {key: VARIABLES[key] for key in ("text", "ids")}
    ahead = compile_body(document, known)(VARIABLES)
    assert ahead == compile_body(document, {})(VARIABLES)


def test_a_body_is_put_together_anew_for_each_iteration() -> None:
    body = compile_body({"who": "{{ who }}", "of": ["{{ run }}", 1]}, {"run": "r"})
    assert body({"who": "ann"}) == b'{"who":"ann","of":["r",1]}'
    assert body({"who": 8}) == b'{"who":8,"of":["r",1]}'


def test_percent_signs_beside_values_stay_as_they_are() -> None:
    document = {"100 %s": "{{ share }}", "%%": ["{{ text }}", "5% of {{ share }} %d"], "%b": "%"}
    body = compile_body(document, {})({"share": 0.5, "text": "50%"})
    assert json.loads(body) == {"100 %s": 0.5, "%%": ["50%", "5% of 0.5 %d"], "%b": "%"}


def test_a_body_without_templates_is_encoded_once() -> None:
    body = compile_body({"a": [1, {"b": None}], "{ key }": True, "{{ key }}": 1}, {"key": "k"})
    assert body({}) is body({})
    assert body({}) == b'{"a":[1,{"b":null}],"{ key }":true,"k":1}'


@pytest.mark.parametrize("empty", [{}, [], "", 0, None, False])
def test_what_is_empty_is_a_body_too(empty: Any) -> None:
    assert json.loads(compile_body(empty, {})({})) == empty


def test_an_undefined_variable_is_named() -> None:
    with pytest.raises(TemplateError, match=r"'\{\{ who \}\}' has no value"):
        compile_body(["{{ who }}"], {})({})


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {1, 2, object()}])
def test_what_json_cannot_express_is_refused(value: Any) -> None:
    with pytest.raises(TemplateError, match="cannot be encoded as JSON: "):
        compile_body({"a": "{{ value }}"}, {})({"value": value})


@pytest.mark.parametrize(
    ("body", "known", "encoded"),
    [
        ({"{{ id }}": 1}, {}, b'{"{{ 7*7 }}":1}'),
        ({"a-{{ n }}": {"{{ id }}": "{{ n }}"}, "b": 2}, {}, b'{"a-3":{"{{ 7*7 }}":3},"b":2}'),
        ({"{{ n }}": 1}, {"n": 4}, b'{"4":1}'),
    ],
)
def test_a_key_is_evaluated_once_and_is_text(
    body: dict[str, object], known: dict[str, object], encoded: bytes
) -> None:
    assert compile_body(body, known)({"id": "{{ 7*7 }}", "n": 3}) == encoded
