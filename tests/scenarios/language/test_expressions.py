from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jmespath.exceptions import JMESPathError

from scenarios.language.expressions import compile_expression

KEYS = ["a", "b", "ids", "x y", "0"]
EXPRESSIONS = [
    "a",
    "@",
    "a.b",
    "a.b.ids",
    "ids[0]",
    "ids[-1]",
    "ids[7]",
    "[0]",
    "[1].a",
    "a[0].b[1]",
    "a[0][1]",
    '"x y"',
    'a."x y"',
    '"0"',
    "length(ids)",
    "length(a.b)",
    "length(a[0])",
    "length(@)",
    "length(ids[*])",
    "length(keys(a))",
    "ids[*].a",
    "ids[?a].b",
    "ids[]",
    "a || b",
    "a && b",
    "{a: a, b: b}",
    "sort(ids)",
    "a | b",
    "`7`",
    "'a'",
    "ids[0:2]",
    "to_string(a)",
]

documents = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("äb", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=15,
)


def outcome(search: Any, document: Any) -> tuple[str, Any]:
    """Return what is found, or the error."""
    try:
        return "found", search(document)
    except JMESPathError as error:
        return "error", str(error)


@given(document=documents)
def test_a_compiled_expression_finds_what_jmespath_does(document: Any) -> None:
    for expression in EXPRESSIONS:
        compiled, searched = compile_expression(expression), jmespath.compile(expression).search
        assert outcome(compiled, document) == outcome(searched, document), expression


@pytest.mark.parametrize("expression", ["a", "a.b", "ids[0]", "a[0].b", "length(a.ids)", '"x y"'])
def test_simple_expressions_run_without_jmespath(expression: str) -> None:
    assert (
        getattr(compile_expression(expression), "__module__", "")
        == "scenarios.language.expressions"
    )


def test_a_document_that_is_not_an_object_has_no_fields() -> None:
    assert [compile_expression("a")(document) for document in (None, 7, "a", ["a"])] == [None] * 4


def test_an_invalid_expression_is_refused() -> None:
    with pytest.raises(JMESPathError, match="Incomplete expression"):
        compile_expression("id[")
