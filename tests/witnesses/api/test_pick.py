from typing import Any

import pytest

from witnesses.api.pick import PickInvalid, pick_rows

_OBJECTS = "data[].{kind: k, value: v}"


def _picked(
    expression: str, content: Any, labels: tuple[str, ...] = ("kind",), **fixed: str
) -> list[list[Any]]:
    return pick_rows(expression, content, labels, fixed)


@pytest.mark.parametrize(
    ("kind", "label"), [("tea", "tea"), (True, "true"), (1.0, "1"), (19.90, "19.9"), (7, "7")]
)
def test_a_label_value_is_written_as_services_write_it(kind: object, label: str) -> None:
    assert _picked(_OBJECTS, {"data": [{"k": kind, "v": 1}]}) == [[label, 1]]


@pytest.mark.parametrize("count", [0, 7, 2.5, "12", "1.0", 10**19, "-1"])
def test_a_count_is_a_number_or_a_number_in_text(count: object) -> None:
    assert _picked(_OBJECTS, {"data": [{"k": "tea", "v": count}]}) == [["tea", count]]


def test_no_objects_are_no_rows() -> None:
    assert _picked(_OBJECTS, {"data": []}) == []


def test_one_object_is_one_row() -> None:
    assert _picked("{kind: k, value: v}", {"k": "tea", "v": 3}) == [["tea", 3]]


@pytest.mark.parametrize("expression", ["usage.units", "{value: usage.units}"])
def test_a_quantity_without_labels_needs_the_number_only(expression: str) -> None:
    assert _picked(expression, {"usage": {"units": 3}}, ()) == [[3]]


def test_the_label_that_the_request_has_is_not_picked() -> None:
    rows = _picked("data[].{plan: p, value: v}", {"data": [{"p": "pro", "v": 1}]},
                   ("customer", "plan"), customer="acme")  # fmt: skip
    assert rows == [["acme", "pro", 1]]


@pytest.mark.parametrize(
    ("expression", "content", "words"),
    [
        (_OBJECTS, {"items": []}, "finds nothing"),
        (_OBJECTS, {"data": None}, "finds nothing"),
        (_OBJECTS, {"data": [{"k": "tea"}]}, "an object without value"),
        (_OBJECTS, {"data": [{"v": 1}]}, "an object without kind; write kind: EXPRESSION"),
        (_OBJECTS, {"data": [{"k": ["a"], "v": 1}]}, "a list as kind"),
        (_OBJECTS, {"data": [{"k": "a", "v": "many"}]}, "'many' as value, which is no count"),
        (_OBJECTS, {"data": [{"k": "a", "v": True}]}, "a boolean as value"),
        (_OBJECTS, {"data": [{"k": "a", "v": {"n": 1}}]}, "an object as value"),
        (_OBJECTS, {"data": [{"k": "a", "v": "1e999"}]}, "no count"),
        ("data", {"data": [1, 2]}, "finds a number, and must find objects with kind, value"),
        ("data", {"data": "text"}, "finds a text"),
        ("max_by(data, &v)", {"data": 3}, "does not fit the response"),
    ],
)
def test_what_is_no_counts_is_named(expression: str, content: Any, words: str) -> None:
    with pytest.raises(PickInvalid, match=words):
        _picked(expression, content)


def test_a_list_of_bare_numbers_is_refused_since_it_lacks_what_was_not_found() -> None:
    with pytest.raises(PickInvalid, match="finds a number"):
        _picked("data[].v", {"data": [{"v": 1}, {}]}, ())
