import jmespath
import pytest

from scenarios.language.jmespath_validation import find_mistakes


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("lenght(ids)", "there is no function lenght(); did you mean length?"),
        ("count(ids)", "there is no function count(); "),
        ("ids[*].nosuch(@)", "there is no function nosuch()"),
        ("{n: nosuch(ids)}", "there is no function nosuch()"),
        ("ids[?nosuch(a)]", "there is no function nosuch()"),
        ("length(nosuch(ids))", "there is no function nosuch()"),
        ("a || nosuch(b)", "there is no function nosuch()"),
        ("map(&nosuch(a), ids)", "there is no function nosuch()"),
        ("length(a, b)", "length() takes 1 argument, not 2"),
        ("length()", "length() takes 1 argument, not 0"),
        ("join(ids)", "join() takes 2 arguments, not 1"),
        ("merge()", "merge() takes at least 1 argument, not 0"),
        ("length(`1`)", "argument 1 of length() is of type number, and must be string or array"),
        ("abs('x')", "argument 1 of abs() is of type string, and must be number"),
        ("join(`1`, ids)", "argument 1 of join() is of type number"),
        ("sort_by(ids, 'a')", "argument 2 of sort_by() is of type string, and must be expref"),
        ("merge(a, `[]`)", "argument 2 of merge() is of type array, and must be object"),
        ('max(`[1, "a"]`)', "argument 1 of max() is of type array"),
        ("keys(`null`)", "argument 1 of keys() is of type null"),
        ("abs(keys(a))", "argument 1 of abs() is of type array"),
        ("sum(length(a))", "argument 1 of sum() is of type number"),
        ("ids[0:2:0]", "the step of a slice must not be 0"),
        ("ids[?id=='{{ order }}']", "templates are not evaluated in a JMESPath expression"),
        ("{{ field }}", "templates are not evaluated in a JMESPath expression"),
        ("id[", "is not JMESPath"),
    ],
)
def test_a_mistake_that_shows_without_a_response_is_reported(expression: str, words: str) -> None:
    (mistake,) = find_mistakes(expression)
    assert mistake.startswith(repr(expression))
    assert words in mistake


@pytest.mark.parametrize(
    "expression",
    [
        "length(ids)",
        "length('text')",
        "length(`[1, 2]`)",
        "sort_by(ids, &a)[0].b",
        "max(`[1, 2]`)",
        "max(`[]`)",
        "merge(a, b, `{}`)",
        "not_null(a, b, c, `null`)",
        "contains(ids, `1`)",
        "contains('abc', 'a')",
        "map(&length(@), ids)",
        "sum(ids[*].n)",
        "abs(sum(ids[*].n))",
        "join(', ', sort(keys(a)))",
        "ids[::-1]",
        "ids[?a > `1` && !b].{id: id, list: [a, b]}",
        "to_number('x')",
        "type(a) == 'string'",
    ],
)
def test_what_can_be_evaluated_has_no_mistake(expression: str) -> None:
    assert list(find_mistakes(expression)) == []
    jmespath.compile(expression)


def test_every_mistake_of_an_expression_is_reported() -> None:
    assert len(list(find_mistakes("[nosuch(a), lenght(b), abs('c')]"))) == 3
