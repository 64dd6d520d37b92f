"""JSON that is safe to store and to send back: bounded in depth and numbers, without odd text.

Both edges use the same rule. A request body that breaks it gets 422 with the field, before anything
is stored; a stored value that breaks it, from an older version, is read as `UnreadableJson`.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 32
# What is stored can be nested a few levels deeper than the body that it came from. Both are well
# below the 255 levels from which pydantic cannot write a response.
_MAX_STORED_DEPTH = 2 * MAX_DEPTH
# What a database and most languages store as an integer.
_INTEGERS = range(-(2**63), 2**63)
# Sign included: every longer one is outside of that range, however it is cut.
_MAX_DIGITS = 21
_MAX_PATH_DEPTH = 6
_MAX_KEY = 40

TOO_DEEP = "nested too deep"


@dataclass(frozen=True)
class JsonDefect:
    """Why a value is refused, and where it is; the value itself is not shown."""

    path: tuple[str | int, ...]
    reason: str

    def __str__(self) -> str:
        parts = [_shown(part) for part in self.path[:_MAX_PATH_DEPTH]]
        return f"{'.'.join(('body', *parts))}: {self.reason}"


@dataclass(frozen=True)
class UnreadableJson:
    """A stored value that cannot be rendered, and why."""

    reason: str


class JsonRefused(ValueError):
    """The text is no JSON that this module allows."""

    def __init__(self, defect: JsonDefect) -> None:
        super().__init__(str(defect))
        self.defect = defect


class _DuplicateKeys(dict[str, Any]):
    """An object that has a key twice; the parser cannot say where it is, `_find_defect` can."""


def parse_json(text: bytes | str, max_depth: int = MAX_DEPTH) -> Any:
    """Parse one JSON document in UTF-8. Raises JsonRefused."""
    try:
        decoded = text if isinstance(text, str) else text.decode()
        value = json.loads(decoded, object_pairs_hook=_object, parse_int=_integer)
    except RecursionError:
        raise JsonRefused(JsonDefect((), TOO_DEEP)) from None
    except json.JSONDecodeError as error:
        raise JsonRefused(JsonDefect((error.pos,), "JSON decode error")) from None
    except UnicodeDecodeError:
        raise JsonRefused(JsonDefect((), "not encoded in UTF-8")) from None
    defect = _find_defect(value, max_depth)
    if defect:
        raise JsonRefused(defect)
    return value


def load_stored(text: str | bytes) -> Any:
    """Parse a stored JSON value; return UnreadableJson if it cannot be rendered."""
    try:
        return parse_json(text, _MAX_STORED_DEPTH)
    except JsonRefused as error:
        return UnreadableJson(error.defect.reason)


def _find_defect(value: Any, max_depth: int) -> JsonDefect | None:
    pending: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while pending:
        path, part = pending.pop()
        reason = _reason(part, len(path) >= max_depth)
        if reason:
            return JsonDefect(path, reason)
        pending.extend(((*path, key), member) for key, member in _members(part))
    return None


def _reason(part: Any, is_too_deep: bool) -> str:
    reason = ""
    match part:
        case str():
            reason = _text_reason(part)
        case int() | float():
            reason = _number_reason(part)
        case dict() | list() if is_too_deep:
            reason = TOO_DEEP
        case _DuplicateKeys():
            reason = "a key occurs twice"
        case dict():
            reason = next(filter(None, map(_text_reason, part)), "")
    return reason


def _text_reason(text: str) -> str:
    if "\0" in text:
        return "NUL in a text"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "half of a surrogate pair in a text"
    return ""


def _number_reason(number: float) -> str:
    if not math.isfinite(number):
        return "not a finite number"
    if isinstance(number, int) and number not in _INTEGERS:
        return "an integer of more than 64 bits"
    return ""


def _members(part: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(part, dict):
        yield from part.items()
    elif isinstance(part, list):
        yield from enumerate(part)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _DuplicateKeys(members)


def _integer(digits: str) -> int:
    # Longer ones are refused anyway, and Python parses them in quadratic time.
    return int(digits[:_MAX_DIGITS])


def _shown(key: str | int) -> str:
    return ascii(key)[1:-1][:_MAX_KEY] if isinstance(key, str) else str(key)
