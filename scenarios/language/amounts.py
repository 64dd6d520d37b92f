"""Amounts as whole multiples of a quantity's resolution: sums of them are exact.

    tokens: 12.5 at the resolution 0.001   12500      what is recorded, added up and compared
                                           12.5       what is shown

A number of YAML or JSON was read as a float: it stands for the shortest decimal that reads as it.
One that arithmetic has rounded, such as 0.1 + 0.2, stands for the multiple next to it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from scenarios.language import value_text
from scenarios.language.model import Scenario
from scenarios.language.quantities import Counts
from scenarios.language.steps import Step
from scenarios.language.templates import looks_like_template

WHOLE = Fraction(1)
FINE = Fraction(1, 1_000_000)
MAX_SCALED = 2**63 - 1

_MAX_EXPONENT = 40
_ROUNDING = Fraction(1, 10**12)  # relative: more than the sum of 1,000 floats is rounded by
_MAX_LABEL = 500
_MAX_NUMBER = 100
# Decimal also takes 1_000, and the digits of other scripts.
_NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)
_SHOWN = 60

Labels = tuple[str, ...]


class AmountError(ValueError):
    """A value that is no amount of its quantity: the rest of a sentence, with the remedy."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One amount of a step's counts, under its label values; a text is a template.

    `status` is the key of `counts_by_status` that has it; "" of an entry of `counts`. If the client
    `hangs_up` before the end, that is the amount of a hang-up only: it may be up to `at_most`,
    unless that is None, and a stream that broke may have counted all of it.
    """

    quantity: str
    labels: Labels
    amount: float | str
    status: str = ""
    at_most: float | str | None = None
    hangs_up: bool = False

    @property
    def is_constant(self) -> bool:
        """Whether it is known before the run."""
        is_template = isinstance(self.amount, str) or any(map(looks_like_template, self.labels))
        return not is_template and not self.hangs_up


def entries_of(step: Step) -> Iterator[Entry]:
    """Yield each amount of a step: those of the expected response, then those by status."""
    by_status: dict[str, Mapping[str, Counts]] = {"": step.counts, **step.counts_by_status}
    for status, counts in by_status.items():
        for quantity, of_quantity in counts.items():
            for labels, amount in _flat(of_quantity):
                if status or step.hang_up is None:
                    yield Entry(quantity, labels, amount, status)
                else:
                    at_most = step.hang_up.at_most.get(quantity)
                    yield Entry(quantity, labels, amount, status, at_most, hangs_up=True)


def recorded_entries(step: Step) -> tuple[Entry, ...]:
    """Return the entries whose amounts are recorded with each exchange, being no constants.

    The number of an entry in the evidence is its position here.
    """
    return tuple(entry for entry in entries_of(step) if not entry.is_constant)


def of_quantity(entries: Iterable[int], step: Step, quantity: str) -> list[int]:
    """Return those numbers of a step's recorded entries that count a quantity."""
    recorded = recorded_entries(step)
    return [number for number in entries if recorded[number].quantity == quantity]


def resolution_of(scenario: Scenario, quantity: str) -> Fraction:
    """Return the amount that every amount of a quantity is a multiple of.

    By default, that is 1 if every amount is a constant whole number.
    """
    settings = scenario.quantities.get(quantity)
    if settings and settings.resolution is not None:
        return Fraction(settings.resolution)
    amounts = [
        entry.amount
        for step in scenario.steps
        for entry in entries_of(step)
        if entry.quantity == quantity
    ]
    return WHOLE if all(isinstance(amount, int) for amount in amounts) else FINE


def constant_counts(
    scenario: Scenario, step: Step, status: str = ""
) -> Iterator[tuple[tuple[str, Labels], int]]:
    """Yield what each response of a kind counts alike: keys and scaled amounts.

    The kind is the expected response, or a key of `counts_by_status`.
    """
    for entry in entries_of(step):
        if entry.is_constant and entry.status == status:
            resolution = resolution_of(scenario, entry.quantity)
            yield (entry.quantity, entry.labels), scaled(entry.amount, resolution)


def scaled(value: Any, resolution: Fraction) -> int:
    """Return an amount in units of a resolution. Raises AmountError.

    >>> scaled(12.5, Fraction(1, 1000)), scaled(3, WHOLE), scaled("0.30", Fraction(1, 100))
    (12500, 3, 30)
    >>> scaled(0.1 + 0.2, Fraction(1, 10))
    3
    """
    if type(value) is int and resolution == 1 and 0 <= value <= MAX_SCALED:
        return value
    number, denominator = _ratio(value)
    if number < 0:
        raise AmountError(f"is {_short(value)}, and a counter cannot decrease")
    units, rest = divmod(number * resolution.denominator, denominator * resolution.numerator)
    if rest and isinstance(value, float):
        exact = Fraction(number, denominator)
        nearest = round(exact / resolution)
        if abs(nearest * resolution - exact) <= value * _ROUNDING:
            units, rest = nearest, 0
    if rest:
        raise AmountError(
            f"is {_short(value)}, which is no multiple of the quantity's resolution "
            f"{text_of(resolution)}; set resolution: {_finer(number, denominator)}"
        )
    if units > MAX_SCALED:
        raise AmountError(
            f"is {_short(value)}, which is too large at the quantity's resolution "
            f"{text_of(resolution)}; set a coarser resolution"
        )
    return units


def in_units(units: int, resolution: Fraction) -> int | Fraction:
    """Return the amount of a number of units of a resolution; a whole one is an int.

    >>> in_units(12500, Fraction(1, 1000)), in_units(3000, Fraction(1, 1000))
    (Fraction(25, 2), 3)
    """
    amount = units * resolution
    return amount.numerator if amount.denominator == 1 else amount


def label_text(value: Any) -> str:
    """Return a value as a label value, in the words of exporters. Raises AmountError.

    >>> [label_text(value) for value in ("acme", True, 7, 19.9, 1.0)]
    ['acme', 'true', '7', '19.9', '1']
    """
    if value is None or isinstance(value, list | dict):
        raise AmountError(f"has the label value {_short(value)}, which is no text or number")
    is_whole = isinstance(value, float) and value.is_integer()
    text = value_text.text_of(int(value) if is_whole else value)
    if len(text) > _MAX_LABEL:
        raise AmountError(f"has a label value of more than {_MAX_LABEL} characters: {_short(text)}")
    return text


def text_of(amount: float | Fraction) -> str:
    """Write an amount with all its digits.

    >>> text_of(Fraction(1, 1000000)), text_of(Fraction(25, 2)), text_of(3.0), text_of(2**60)
    ('0.000001', '12.5', '3', '1152921504606846976')
    """
    number = decimal_of(amount)
    return f"{number.normalize():f}" if number else "0"


def decimal_of(amount: float | Fraction) -> Decimal:
    """Return an amount as a decimal: of a float, the shortest that reads as it."""
    if isinstance(amount, int):
        return Decimal(amount)
    if not isinstance(amount, Fraction):
        return Decimal(repr(float(amount)))
    digits = _decimals(amount.denominator)
    units = amount * 10**digits
    return Decimal(round(units)).scaleb(-digits)


def _decimals(denominator: int) -> int:
    """Return how many decimals a fraction has, up to _MAX_EXPONENT."""
    digits = 0
    while digits < _MAX_EXPONENT and 10**digits % denominator:
        digits += 1
    return digits


def _flat(counts: Counts) -> Iterator[tuple[Labels, float | str]]:
    if not isinstance(counts, dict):
        yield (), counts
        return
    for value, inner in counts.items():
        for labels, amount in _flat(inner):
            yield (value, *labels), amount


def _ratio(value: Any) -> tuple[int, int]:
    """Return numerator and denominator of a number, or of a text that is one."""
    if isinstance(value, str) and len(value) > _MAX_NUMBER:
        raise AmountError(f"is {_short(value)}, which has over {_MAX_NUMBER} characters")
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise AmountError(f"is {_short(value)}, which is no number")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
        if number and abs(number.adjusted()) > _MAX_EXPONENT:
            raise AmountError(f"is {_short(value)}, which is out of range")
        return number.as_integer_ratio()
    except (ArithmeticError, ValueError) as error:
        if isinstance(error, AmountError):
            raise
        raise AmountError(f"is {_short(value)}, which is no number") from None


def _finer(number: int, denominator: int) -> str:
    """Return the coarsest power of ten that a number is a multiple of."""
    return text_of(Fraction(1, 10 ** _decimals(Fraction(number, denominator).denominator)))


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
