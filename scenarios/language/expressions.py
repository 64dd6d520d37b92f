"""Compile JMESPath expressions; the simple ones run without JMESPath's interpreter.

Field names, indices and `length()` of these become plain Python look-ups, since every response of a
load is searched. Anything else is left to jmespath.
"""

from collections.abc import Callable
from typing import Any

import jmespath

Expression = Callable[[Any], Any]


def compile_expression(expression: str) -> Expression:
    """Compile an expression to a function of a JSON document.

    Raises jmespath's errors, as may the function that it returns.

    >>> compile_expression("length(a.ids)")({"a": {"ids": [7, 8]}})
    2
    """
    compiled = jmespath.compile(expression)
    search: Expression = compiled.search
    tree: dict[str, Any] = dict(compiled.parsed)
    if tree["type"] == "function_expression" and tree["value"] == "length":
        inner = _compile_tree(tree["children"][0]) if len(tree["children"]) == 1 else None
        return search if inner is None else _length(inner, search)
    return _compile_tree(tree) or search


def _compile_tree(tree: dict[str, Any]) -> Expression | None:
    """Compile a syntax tree of jmespath, or return None if it is not simple."""
    match tree["type"]:
        case "field":
            name = tree["value"]
            return lambda value: value.get(name) if isinstance(value, dict) else None
        case "index":
            number = tree["value"]
            return lambda value: (
                value[number]
                if isinstance(value, list) and -len(value) <= number < len(value)
                else None
            )
        case "subexpression" | "index_expression":
            parts = [_compile_tree(child) for child in tree["children"]]
            return _chain([part for part in parts if part]) if all(parts) else None
    return None


def _chain(parts: list[Expression]) -> Expression:
    def look_up(value: Any) -> Any:
        for part in parts:
            value = part(value)
        return value

    return look_up


def _length(inner: Expression, search: Expression) -> Expression:
    def measure(value: Any) -> Any:
        found = inner(value)
        if isinstance(found, list | str | dict):
            return len(found)
        return search(value)  # a number has no length: jmespath raises its own error

    return measure
