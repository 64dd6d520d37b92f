"""Bound what a template may compute, by counting: no template can exhaust memory or time.

One rendering has a budget of characters, members of lists, iterations and calls. Whatever
multiplies (an operator, a width, a replacement) is checked before it is computed.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

MAX_STEPS = 200_000
CALL_STEPS = 20  # a call takes as long as that many iterations
MAX_LENGTH = 10_000_000  # of one value: a large upload
_MAX_BITS = 10_000
_MAX_CELLS = 15_000_000  # of all values together; one is counted when it is made and inserted
_MAX_PRODUCT = 50_000_000
# A width of five digits or more, one that is an argument, or a field within a field.
_WIDE = re.compile(r"\d{5,}|%[^%a-zA-Z]*\*|\{[^{}]*\{")


class TooMuchError(ValueError):
    """A template that computes more than a request can need."""


class Budget:
    """What one rendering may still use."""

    def __init__(self) -> None:
        """Begin with all of it."""
        self.restart()

    def restart(self) -> None:
        """Begin another rendering."""
        self._steps, self._cells = MAX_STEPS, _MAX_CELLS

    def step(self, steps: int = 1) -> None:
        """Use a number of iterations. Raises TooMuchError."""
        self._steps -= steps
        if self._steps < 0:
            raise TooMuchError(f"it takes more than {MAX_STEPS:,} steps")

    def spend(self, cells: int) -> None:
        """Use a number of characters or members. Raises TooMuchError."""
        self._cells -= cells
        if cells > MAX_LENGTH or self._cells < 0:
            raise TooMuchError(f"it makes more than {MAX_LENGTH:,} characters or members")


BUDGET = Budget()


def spent(value: Any) -> Any:
    """Return a value whose length is taken from the budget. Raises TooMuchError."""
    if isinstance(value, str | bytes | list | tuple | dict):
        BUDGET.spend(len(value))
    return value


def counted(values: Iterable[Any], text_length: int) -> Iterator[Any]:
    """Yield the values of a loop whose body has a number of characters. Raises TooMuchError."""
    for value in values:
        BUDGET.step()
        BUDGET.spend(text_length)
        yield value


def check_operands(operator: str, left: Any, right: Any) -> None:
    """Refuse an operation whose result would be too large. Raises TooMuchError."""
    numbers = isinstance(left, int) and isinstance(right, int)
    if operator == "**" and numbers:
        _check_bits(left.bit_length() * max(right, 0))
    elif operator == "*" and numbers:
        _check_bits(left.bit_length() + right.bit_length())
    elif operator == "*":
        sizes = [each if isinstance(each, int) else _length(each) for each in (left, right)]
        BUDGET.spend(max(0, sizes[0] * sizes[1]))
    elif operator == "%" and isinstance(left, str):
        check_pattern(left)


def check_pattern(pattern: Any) -> None:
    """Refuse a format of text with a wide or a computed width. Raises TooMuchError."""
    if isinstance(pattern, str) and _WIDE.search(pattern):
        raise TooMuchError("a format has a width of at most four digits, written in it")


def check_arguments(value: Any, arguments: Iterable[Any]) -> None:
    """Refuse arguments that would multiply a value beyond the limits. Raises TooMuchError."""
    length = max(_length(value), 1)
    for argument in arguments:
        is_number = isinstance(argument, int)
        size = abs(argument) if is_number else _length(argument)
        if size > MAX_LENGTH or length * size > _MAX_PRODUCT:
            raise TooMuchError(f"an argument of {size:,} for a value of {length:,} is too large")


def _check_bits(bits: int) -> None:
    if bits > _MAX_BITS:
        raise TooMuchError("a number has too many digits")


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes | list | tuple | dict) else 0
