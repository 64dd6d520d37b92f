"""State what a value of a document must be, once each, in place of pydantic's sentences."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from config.model_keys import Location
from config.suggestions import either, nearest, stands_for_none

_LIST = "must be a list, as in [a, b]"
_MAPPING = "must be a mapping, as in {name: value}"
_WHOLE_NUMBER = "must be a whole number, such as 3"
_BY_TYPE = {
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": _MAPPING,
    "int_type": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "float_type": "must be a number, such as 1.5",
    "bool_type": "must be true or false",
}
_MODEL_TYPES = ("model_type", "model_attributes_type", "dataclass_type")
_MAPPING_TYPES = (*_MODEL_TYPES, "dict_type")
NONE = "none"
# of a value that must be one of some words
CHOICE_TYPES = ("literal_error", "enum")


class CompleteError(ValueError):
    """A wrong value whose sentence names every choice by itself."""


def value_sentence(error: ErrorDetails, keys: Sequence[str], choices: Sequence[str] = ()) -> str:
    """Return what a value must be.

    `keys` are those of the mapping that may stand there, `choices` the words that may. The value is
    not repeated: it may be that of a variable, which is a secret.
    """
    kind, value = error["type"], error["input"]
    if kind in CHOICE_TYPES:
        return _choice(value, choices)
    sentence = _text(value) if kind == "string_type" else _sentence(error, keys)
    if kind in _MAPPING_TYPES and isinstance(value, list):
        sentence += "; remove the dashes or brackets"
    if kind in _MODEL_TYPES and stands_for_none(value) and NONE not in choices:
        sentence += "; leave the key out if there is none"
    is_complete = isinstance(error.get("ctx", {}).get("error"), CompleteError)
    return sentence + (f", or {either(choices)}" if choices and not is_complete else "")


def _sentence(error: ErrorDetails, keys: Sequence[str]) -> str:
    kind, value = error["type"], error["input"]
    if value is None and kind in (*_BY_TYPE, *_MODEL_TYPES):
        return f"is empty; it {_BY_TYPE.get(kind, _MAPPING)}, indented below its key"
    if kind in _MODEL_TYPES:
        return f"must be a mapping; its keys are {', '.join(keys)}" if keys else _MAPPING
    if kind in ("too_short", "too_long"):
        limits, count = error["ctx"], error["ctx"]["actual_length"]
        least = f"at least {limits['min_length']}" if kind == "too_short" else ""
        return f"must have {least or 'at most ' + str(limits['max_length'])} items, and has {count}"
    if kind == "list_type" and isinstance(value, dict):
        return "must be a list; begin each of its entries with a dash"
    message = error["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    return _BY_TYPE.get(kind, message.replace("input should be ", "must be ", 1))


def _text(value: Any) -> str:
    """Return what to write where a text must stand."""
    if value is None:
        return "is empty; write a text, quoted if it begins with #"
    if isinstance(value, dict | list):
        shape = "mapping" if isinstance(value, dict) else "list"
        return f"must be a text, and is a {shape}; quote it if it begins with {{ or ["
    return "must be a text; quote it"


def _choice(value: Any, choices: Sequence[str]) -> str:
    if choices == [NONE]:
        return "write none to declare that there is none"
    near = nearest(str(value), choices) if len(choices) > 1 else ""
    hint = f"; did you mean {near}?" if near else ""
    return f"must be {either(choices)}{hint}"


def without_consequences(
    placed: Sequence[tuple[Location, ErrorDetails]], written: Collection[Location]
) -> Iterator[tuple[Location, ErrorDetails]]:
    """Leave out the errors that follow from another one, which is more precise.

    A key that is `written`, though misspelt, is not missing. A value that is wrong inside is meant
    to be what it is, not the word that could stand in its place. Of what a value may be, the one
    that it is most like is reported.
    """
    for place, error in placed:
        is_wrong_inside = any(
            len(other) > len(place) and other[: len(place)] == place for other, _ in placed
        )
        is_written = error["type"] == "missing" and place in written
        is_choice = error["type"] in CHOICE_TYPES
        others = [other for at, other in placed if at == place and other is not error]
        is_covered = _is_covered(error, others) if others else is_choice and is_wrong_inside
        if not is_written and not is_covered:
            yield place, error


def _is_covered(error: ErrorDetails, others: Sequence[ErrorDetails]) -> bool:
    """Return whether another error of the same value, of a union, is nearer to what is meant.

    One of them always remains.
    """
    choices = [each["type"] in CHOICE_TYPES for each in (error, *others)]
    if all(choices) or not any(choices):
        return False
    # the value of one error may be a part of that of another
    is_none = any(stands_for_none(each["input"]) for each in (error, *others))
    return choices[0] != is_none
