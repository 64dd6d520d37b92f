"""What a step expects of the JSON of a response; constants are compared without a template."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scenarios.language.expressions import Expression, compile_expression
from scenarios.language.templates import Constant, Template, Variables, compile_value


@dataclass(frozen=True, slots=True)
class JsonExpectation:
    """The value that an expression must have; `path` is the expression as written.

    `is_met`, `found` and `expected` may raise JMESPathError and TemplateError.
    """

    path: str
    found: Expression
    expected: Template
    is_met: Callable[[Any, Variables], bool]


def compile_json_expectation(path: str, value: Any, known: Variables) -> JsonExpectation:
    """Compile an expected value; `known` variables are constant. Raises TemplateError.

    >>> compile_json_expectation("count", 1, {}).is_met({"count": 1.0}, {})
    True
    """
    found, expected = compile_expression(path), compile_value(value, known)
    constant = expected.value if isinstance(expected, Constant) else None
    match constant:
        case str():
            return JsonExpectation(path, found, expected, lambda body, _: found(body) == constant)
        case bool():
            return JsonExpectation(path, found, expected, lambda body, _: found(body) is constant)
    return JsonExpectation(
        path, found, expected, lambda body, variables: _same(found(body), expected(variables))
    )


def _same(found: Any, expected: Any) -> bool:
    """Compare JSON values: 1 equals 1.0, but unlike in Python not true."""
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_same, found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            _same(found[key], expected[key]) for key in found
        )
    return bool(found == expected) and isinstance(found, bool) == isinstance(expected, bool)
