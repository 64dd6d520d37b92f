"""Whether a value of a JSON body is the expected one."""

from typing import Any

import pytest

from scenarios.driver.json_expectations import compile_json_expectation


@pytest.mark.parametrize(
    ("expected", "accepted", "refused"),
    [
        ("done", ["done"], ["Done", "", None, ["done"], True]),
        ("1", ["1"], [1, 1.0, True]),
        ("", [""], [None, False, 0, []]),
        (True, [True], [1, 1.0, "true", None, [True]]),
        (False, [False], [0, 0.0, "", None, []]),
        (1, [1, 1.0], [True, "1", 2, None, [1]]),
        (0, [0, 0.0, -0.0], [False, None, ""]),
        (1.5, [1.5], [1, "1.5"]),
        (None, [None], [False, 0, "", [], {}]),
        ([1, True], [[1, True], [1.0, True]], [[1, 1], [True, True], [1], [1, True, 2], "1"]),
        ({"a": [True]}, [{"a": [True]}], [{"a": [1]}, {"a": [True], "b": 1}, {}, None]),
        ("{{ name }}", ["ada"], ["{{ name }}", None, True]),
        (["{{ name }}", True], [["ada", True]], [["ada", 1], ["ada"]]),
        ("{{ count }}", [2, 2.0], ["2", None]),
        ("{{ is_on }}", [True], [1, "true"]),
    ],
)
def test_only_the_expected_value_meets_an_expectation(
    expected: Any, accepted: list[Any], refused: list[Any]
) -> None:
    variables = {"name": "ada", "count": 2, "is_on": True}
    for known in ({}, variables):  # as a template, and as a constant
        expectation = compile_json_expectation("value", expected, known)
        for value in accepted:
            assert expectation.is_met({"value": value}, variables), value
        for value in refused:
            assert not expectation.is_met({"value": value}, variables), value


@pytest.mark.parametrize("expected", ["done", True, 1, {"a": 1}])
@pytest.mark.parametrize("body", [{}, [], None, "done", True, 1])
def test_a_body_without_the_value_meets_no_expectation(expected: Any, body: Any) -> None:
    assert not compile_json_expectation("value", expected, {}).is_met(body, {})
