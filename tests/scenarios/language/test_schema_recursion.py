"""Which schemas lead back to themselves in several alternatives."""

from typing import Any

import pytest

from scenarios.language.schema_recursion import alternatives_of, levels_of

SELF: dict[str, Any] = {"$ref": "#"}
CHILD: dict[str, Any] = {"properties": {"c": SELF}}


@pytest.mark.parametrize(
    ("schema", "alternatives"),
    [
        (True, 1),
        ({"type": "object"}, 1),
        (CHILD, 1),
        ({"anyOf": [CHILD, CHILD]}, 2),
        ({"oneOf": [CHILD, {"items": SELF}, {"items": SELF}, {"type": "null"}]}, 3),
        ({"allOf": [CHILD, CHILD]}, 2),
        ({"anyOf": [{"type": "null"}, CHILD]}, 1),
        ({"not": {"anyOf": [CHILD, CHILD]}}, 2),
        ({"anyOf": [{"items": {"$dynamicRef": "#n"}}, {"items": {"$dynamicRef": "#n"}}]}, 2),
        ({"anyOf": [{"items": {"$recursiveRef": "#"}}, CHILD]}, 2),
        ({"anyOf": [{"items": {"$ref": "other#/a"}}, CHILD]}, 2),
    ],
)
def test_alternatives_count_where_they_refer_back(schema: Any, alternatives: int) -> None:
    assert alternatives_of(schema, "") == alternatives


def test_a_cycle_over_several_parts_is_found_from_any_of_them() -> None:
    document = {
        "node": {"oneOf": [{"$ref": "#/list"}, {"$ref": "#/pair"}]},
        "list": {"items": {"$ref": "#/node"}},
        "pair": {"prefixItems": [{"$ref": "#/node"}, {"$ref": "#/leaf"}]},
        "leaf": {"anyOf": [{"$ref": "#/text"}, {"$ref": "#/text"}]},
        "text": {"type": "string"},
    }
    assert alternatives_of(document, "/list") == 2
    assert alternatives_of(document, "/pair/prefixItems/0") == 2
    assert alternatives_of(document, "/leaf") == 1


def test_a_recursion_elsewhere_in_the_document_does_not_count() -> None:
    document = {"tree": {"anyOf": [{"items": {"$ref": "#/tree"}}] * 2}, "a~1b": {"type": "string"}}
    assert alternatives_of(document, "/a~01b") == 1


def test_levels_are_those_of_lists_and_objects() -> None:
    assert [levels_of(each) for each in (1, "a", [], [1], {"a": {"b": [[]]}, "c": 1})] == [
        0, 0, 1, 1, 4,
    ]  # fmt: skip
