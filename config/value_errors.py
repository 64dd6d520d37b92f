"""Say what a value of a document must be, once each, in place of pydantic's sentences."""

from collections.abc import Collection, Iterator, Sequence

from pydantic_core import ErrorDetails

from config.model_keys import Location

_LIST = "must be a list, as in [a, b]"
_MAPPING = "must be a mapping, as in {name: value}"
_TEXT = "must be a text; write one, quoted if it is a number"
_WHOLE_NUMBER = "must be a whole number, such as 3"
_BY_TYPE = {
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": _MAPPING,
    "string_type": _TEXT,
    "int_type": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "float_type": "must be a number, such as 1.5",
    "bool_type": "must be true or false",
}
_MODEL_TYPES = ("model_type", "model_attributes_type", "dataclass_type")


def value_sentence(error: ErrorDetails, keys: Sequence[str]) -> str:
    """Return what a value must be; `keys` are those of the mapping that may stand there.

    The value is not repeated: it may be that of a variable, which is a secret.
    """
    kind = error["type"]
    if kind in _MODEL_TYPES:
        return f"must be a mapping; its keys are {', '.join(keys)}" if keys else _MAPPING
    if kind in ("too_short", "too_long"):
        limits, count = error["ctx"], error["ctx"]["actual_length"]
        least = f"at least {limits['min_length']}" if kind == "too_short" else ""
        return f"must have {least or 'at most ' + str(limits['max_length'])} items, and has {count}"
    message = error["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    return _BY_TYPE.get(kind, message.replace("input should be ", "must be ", 1))


def without_consequences(
    placed: Sequence[tuple[Location, ErrorDetails]], written: Collection[Location]
) -> Iterator[tuple[Location, ErrorDetails]]:
    """Leave out the errors that follow from another one, which says it better.

    A key that is `written`, though misspelt, is not missing. A value that is wrong inside is meant
    to be what it is, not the word that could stand in its place.
    """
    for place, error in placed:
        is_wrong_inside = any(
            len(other) > len(place) and other[: len(place)] == place for other, _ in placed
        )
        is_written = error["type"] == "missing" and place in written
        if not is_written and not (error["type"] == "literal_error" and is_wrong_inside):
            yield place, error
