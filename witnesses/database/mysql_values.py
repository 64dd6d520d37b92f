"""Turn values of MySQL and MariaDB into those that services write into their metrics.

    tinyint(1) 1, bit(1) → true      timestamp → 2026-01-02T03:04:05Z      time → 12:30:00
    bit(8) b'101'        → 5         json      → compact, as MySQL's own type

A type is known by its number and its width: tinyint(1) is what BOOLEAN stands for. The last column,
the amount, is never a boolean.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pymysql.constants import FIELD_TYPE

from witnesses.database.dialect import Converters
from witnesses.database.values import without_padding

_DAY = timedelta(days=1)


def converters_of(columns: Sequence[Sequence[Any]]) -> Converters:
    """Return the converters for a cursor's description, by the index of the column."""
    found = ((index, _converter(column[1], column[3])) for index, column in enumerate(columns))
    is_last = len(columns) - 1
    return {
        index: converter
        for index, converter in found
        if converter and not (index == is_last and converter is _boolean)
    }


def _converter(kind: int, width: int) -> Callable[[Any], Any] | None:
    if kind == FIELD_TYPE.TINY:
        return _boolean if width == 1 else None
    if kind == FIELD_TYPE.BIT:
        return _bit if width == 1 else _bits
    return {
        FIELD_TYPE.STRING: without_padding,  # of the sql_mode PAD_CHAR_TO_FULL_LENGTH
        FIELD_TYPE.TIMESTAMP: _in_utc,
        FIELD_TYPE.TIME: _time_of_day,
        FIELD_TYPE.JSON: _compact,
    }.get(kind)


def _boolean(value: Any) -> Any:
    return bool(value) if value in (0, 1) else value


def _bit(value: Any) -> Any:
    return _boolean(_bits(value))


def _bits(value: Any) -> Any:
    return int.from_bytes(value, "big") if isinstance(value, bytes) else value


def _in_utc(value: Any) -> Any:
    """Return a timestamp with its time zone: that of the session is UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _time_of_day(value: Any) -> Any:
    """Return a time as one of the day, unless it is negative or longer than a day."""
    is_of_day = isinstance(value, timedelta) and timedelta(0) <= value < _DAY
    return (datetime.min + value).time() if is_of_day else value


def _compact(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
