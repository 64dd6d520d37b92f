"""Tests of what is said of expressions that are no JMESPath."""

import jmespath
import pytest
from jmespath.exceptions import JMESPathError

from scenarios.language.jmespath_syntax import syntax_mistake

EARLY = "it ends too early; complete it, or remove its last character"


def mistake_of(expression: str) -> str:
    with pytest.raises(JMESPathError) as error:
        jmespath.compile(expression)
    return syntax_mistake(expression, error.value)


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("$.state", "state"),
        ("$.items[0].id", "items[0].id"),
        ("$['state']", "state"),
        ("items.0.id", "items[0].id"),
        ("$.items.0.id", "items[0].id"),
        ("items[?a==1].b", "items[?a== `1`].b"),
        ("items[?(@.a==1)].b", "items[?(@.a== `1`)].b"),
        ("length(items) > 0", "length(items) > `0`"),
        ("a = b", "a == b"),
        ("/a/b", "a.b"),
    ],
)
def test_the_expression_of_another_language_is_translated(expression: str, meant: str) -> None:
    assert mistake_of(expression) == f"did you mean {meant}?"
    assert jmespath.compile(meant)


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("order-id", '"order-id"'),
        ("a.order id.b", 'a."order id".b'),
        ("a.'b'", 'a."b"'),
        ("meta.x:y", 'meta."x:y"'),
    ],
)
def test_a_name_with_special_characters_is_shown_in_quotes(expression: str, meant: str) -> None:
    assert mistake_of(expression) == f"did you mean {meant}; in YAML, '{meant}'?"


@pytest.mark.parametrize("expression", ["a.", "total >", "a ||"])
def test_an_expression_that_ends_too_early_is_called_so(expression: str) -> None:
    assert mistake_of(expression) == EARLY


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("", "it is empty; write for example items[0].id"),
        ("a[", "its [ is not closed; add ]"),
        ("length(a", "its ( is not closed; add )"),
        ("events[-1.data", "its [ is not closed; add ]"),
        ("a..b", "it has no .. for any depth; name each level, as in order.items[0].id"),
        ("a]", "']' at column 2 does not belong there; "
               "put a name with special characters into double quotes"),
    ],
)  # fmt: skip
def test_anything_else_has_its_place_and_a_remedy(expression: str, sentence: str) -> None:
    assert mistake_of(expression) == sentence
