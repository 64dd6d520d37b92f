"""Turn SQL values into label values and counts, as services write them into their metrics.

    boolean true → true       numeric 19.90 → 19.9      char(8) 'ab      ' → ab
    double 1.0   → 1          NULL → (empty)            date → 2026-11-27

On disk, rows are JSON in which a numeric keeps every digit; it is read back without a float.
"""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

_MAX_EXPONENT = 400
_EXACT_AS_FLOAT = 2**53

_encoder = msgspec.json.Encoder(enc_hook=str, decimal_format="number")


def encode_json(value: Any) -> bytes:
    """Encode rows as JSON: times in UTC and ISO 8601, decimals as numbers with all their digits."""
    return _encoder.encode(_encodable(value))


def without_padding(value: Any) -> Any:
    """Return a char(n) without its trailing spaces, which are padding and no part of the value."""
    return value.rstrip(" ") if isinstance(value, str) else value


def label_value(value: Any) -> str:
    """Return the label value of a value as it is on disk.

    >>> [label_value(value) for value in (True, 1.0, Decimal("19.90"), None, "1.0", 1e21)]
    ['true', '1', '19.9', '', '1.0', '1000000000000000000000']
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | str):
        return str(value)
    if isinstance(value, float | Decimal):
        return _plain_number(Decimal(repr(value)) if isinstance(value, float) else value)
    return encode_json(value).decode()  # an array or JSON


def count_of(value: Any) -> Fraction:
    """Return a count exactly; NULL is 0, the sum of no rows. Raises ValueError."""
    if value is None:
        return Fraction(0)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError(f"{value!r} is no count")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
        if not number.is_finite() or abs(number.adjusted()) > _MAX_EXPONENT:
            raise ValueError(f"{value!r} is no count")
        return Fraction(number)
    except ArithmeticError as error:
        raise ValueError(f"{value!r} is no count") from error


def number_of(count: Fraction) -> float:
    """Return a count as a number: an int where a float would round it."""
    is_exact = abs(count) <= _EXACT_AS_FLOAT or count.denominator > 1
    return float(count) if is_exact else int(count)


def _encodable(value: Any) -> Any:
    if isinstance(value, list):
        return [_encodable(member) for member in value]
    if isinstance(value, dict):
        return {str(key): _encodable(member) for key, member in value.items()}
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        return str(value)
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC)
    return iso_duration(value) if isinstance(value, timedelta) else value


def iso_duration(span: timedelta) -> str:
    """Write an interval as ISO 8601 has it, in its largest parts.

    >>> iso_duration(timedelta(minutes=90)), iso_duration(timedelta(days=1, seconds=-0.5))
    ('PT1H30M', 'PT23H59M59.5S')
    >>> iso_duration(timedelta(days=-2, hours=-3)), iso_duration(timedelta(0))
    ('-P2DT3H', 'PT0S')
    """
    sign, span = ("-", -span) if span < timedelta(0) else ("", span)
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = _plain_number(Decimal(seconds) + Decimal(span.microseconds) / 1_000_000)
    parts = ((hours, "H"), (minutes, "M"), (fraction, "S"))
    time = "".join(f"{number}{unit}" for number, unit in parts if str(number) != "0")
    days = f"{span.days}D" if span.days else ""
    return f"{sign}P{days}{f'T{time}' if time else ''}" if days or time else "PT0S"


def _plain_number(number: Decimal) -> str:
    """Write a number without an exponent or trailing zeros."""
    if not number.is_finite():
        return str(number)
    whole, _, decimals = format(number, "f").partition(".")
    decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(int(whole))
