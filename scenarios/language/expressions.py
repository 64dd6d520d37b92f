"""What does a JMESPath expression pick out of an answer? The plain ones without an interpreter.

Names, indices and `length()` of these are compiled to look-ups; anything else is JMESPath's own.
"""

from collections.abc import Callable
from typing import Any

import jmespath

Pick = Callable[[Any], Any]


def compile_pick(expression: str) -> Pick:
    """Compile an expression. Raises jmespath's errors; what it returns may raise them, too.

    >>> compile_pick("length(a.ids)")({"a": {"ids": [7, 8]}})
    2
    """
    compiled = jmespath.compile(expression)
    search: Pick = compiled.search
    tree: dict[str, Any] = dict(compiled.parsed)
    if tree["type"] == "function_expression" and tree["value"] == "length":
        inner = _compiled(tree["children"][0]) if len(tree["children"]) == 1 else None
        return search if inner is None else _length(inner, search)
    return _compiled(tree) or search


def _compiled(tree: dict[str, Any]) -> Pick | None:
    match tree["type"]:
        case "field":
            return _field(tree["value"])
        case "index":
            return _index(tree["value"])
        case "subexpression" | "index_expression":
            parts = [_compiled(each) for each in tree["children"]]
            return _chain([each for each in parts if each]) if all(parts) else None
    return None


def _field(name: str) -> Pick:
    return lambda value: value.get(name) if isinstance(value, dict) else None


def _index(number: int) -> Pick:
    def pick(value: Any) -> Any:
        if not isinstance(value, list) or not -len(value) <= number < len(value):
            return None
        return value[number]

    return pick


def _chain(parts: list[Pick]) -> Pick:
    def pick(value: Any) -> Any:
        for part in parts:
            value = part(value)
        return value

    return pick


def _length(inner: Pick, search: Pick) -> Pick:
    def pick(value: Any) -> Any:
        picked = inner(value)
        if isinstance(picked, list | str | dict):
            return len(picked)
        return search(value)  # it raises as it does

    return pick
