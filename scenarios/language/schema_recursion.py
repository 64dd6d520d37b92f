"""Finds JSON Schemas whose alternatives lead back to themselves.

Whether a value fits such a schema is found in one pass. Why it does not is not: each of two
alternatives is tried again at each level, so that the time doubles with each level of the value.
"""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_ALTERNATIVES = ("anyOf", "oneOf", "allOf")


def alternatives_of(document: Any, pointer: str) -> int:
    """Return how many alternatives of a recursive schema refer to others at most.

    It is 1 for a schema that is not recursive. `pointer` is where the schema is in its document.

    >>> node = {"anyOf": [{"items": {"$ref": "#"}}, {"properties": {"a": {"$ref": "#"}}}]}
    >>> alternatives_of(node, "")
    2
    >>> alternatives_of({"anyOf": [{"$ref": "#/a"}, {"$ref": "#/b"}], "a": {}, "b": {}}, "")
    1
    """
    reached: dict[str, set[str]] = {}
    pending = [pointer]
    while pending:
        at = pending.pop()
        if at not in reached:
            reached[at] = set(_references(_resolved(document, at)))
            pending += reached[at]
    try:
        TopologicalSorter(reached).prepare()
    except CycleError:
        return max(_most_alternatives(_resolved(document, at)) for at in reached)
    return 1


def levels_of(value: Any) -> int:
    """Return how many levels of lists and objects a value has.

    >>> levels_of([{"a": [1]}, 2])
    3
    """
    levels, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        levels += 1
        level = [child for each in level for child in _children(each)]
    return levels


def _children(value: Any) -> list[Any]:
    return list(value.values() if isinstance(value, dict) else value)


def _nodes(schema: Any) -> Iterator[Any]:
    pending = [schema]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, dict | list):
            pending += _children(node)


def _references(schema: Any) -> Iterator[str]:
    """Yield the pointers that a schema refers to; "" for one that is no pointer."""
    for node in _nodes(schema):
        for name in _REFERENCES if isinstance(node, dict) else ():
            if isinstance(reference := node.get(name), str):
                before, _, pointer = reference.partition("#")
                yield pointer if not before and pointer.startswith("/") else ""


def _resolved(document: Any, pointer: str) -> Any:
    """Return the part of a document; all of it where the pointer leads nowhere."""
    part = document
    for name in pointer.split("/")[1:]:
        key = name.replace("~1", "/").replace("~0", "~")
        try:
            part = part[int(key)] if isinstance(part, list) else part[key]
        except (LookupError, TypeError, ValueError):
            return document
    return part


def _most_alternatives(schema: Any) -> int:
    """Return how many members of one list of alternatives have a reference, at least 1."""
    lists = (
        node[name] for node in _nodes(schema) if isinstance(node, dict)
        for name in _ALTERNATIVES if isinstance(node.get(name), list)
    )  # fmt: skip
    return max((sum(any(True for _ in _references(each)) for each in members)
                for members in lists), default=1) or 1  # fmt: skip
