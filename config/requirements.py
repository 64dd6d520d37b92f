"""State what a single value must satisfy, for the annotations of pydantic models."""

import re
from collections.abc import Callable
from typing import Any

from pydantic import AfterValidator


def requires(holds: Callable[[Any], object], message: str) -> AfterValidator:
    """Return a validator that refuses a value for which `holds` is false; {0} is the value.

    >>> requires(str.isdigit, "{0!r} is no number").func("x1")
    Traceback (most recent call last):
    ValueError: 'x1' is no number
    """

    def validate(value: Any) -> Any:
        if not holds(value):
            raise ValueError(message.format(value))
        return value

    return AfterValidator(validate)


def matches(pattern: str, message: str) -> AfterValidator:
    """Return a validator that refuses a text that a regular expression does not match whole."""
    return requires(re.compile(pattern).fullmatch, message)
