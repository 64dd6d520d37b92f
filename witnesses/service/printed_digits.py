"""Find how many digits a page prints, and by how much a value may differ from what it prints.

A printer with few digits, such as %g and %e, uses an exponent where they do not reach the units:

    printed        digits of the page   stands for
    1.00002e+06    6                    1000015 to 1000025
    1.00002e+06    12                   1000020: the page shows 1.76426309712e+09, too
    1.000020e+06   7                    1000020
    1000020, 51    any                  itself

Shortest formatting, as of Go and Java, has as many digits as a value needs: one longer value in
this notation shows that the page is not limited to fewer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from witnesses.figure import Amount

_WITH_EXPONENT = re.compile(
    r"(?:\}|^[a-zA-Z_:][\w:]*)[ \t]+((\d)(?:\.(\d*))?[eE]\+?(\d{1,3}))(?=[ \t\r]|$)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class PrintedDigits:
    """The values that pages of one process print with an exponent.

    `most` is the largest number of significant digits of any of them. `exponents` are by value, of
    those whose own digits do not reach the units.
    """

    most: int = 0
    exponents: Mapping[float, int] = field(default_factory=dict)

    def __or__(self, other: "PrintedDigits") -> "PrintedDigits":
        """Return the digits of two pages of one process."""
        return PrintedDigits(max(self.most, other.most), {**self.exponents, **other.exponents})

    def error(self, value: float, resolution: Fraction) -> Amount:
        r"""Return by how much a multiple of the resolution may differ from the printed value.

        >>> shown = printed_digits("a_total 1.00002e+06\nb_total 2e+06\n")
        >>> [shown.error(value, Fraction(1)) for value in (1_000_020.0, 2e6, 51.0)]
        [5, 5, 0]
        """
        if (exponent := self.exponents.get(value)) is None:
            return 0
        unit = Fraction(10) ** (exponent - self.most + 1)
        half = unit / 2 if unit > resolution else Fraction(0)
        return half.numerator if half.denominator == 1 else half


NO_DIGITS = PrintedDigits()


def printed_digits(text: str) -> PrintedDigits:
    """Return the digits of a page."""
    most, exponents = 0, dict[float, int]()
    for number, _, decimals, exponent in _WITH_EXPONENT.findall(text):
        digits = 1 + len(decimals)
        most = max(most, digits)
        if digits <= int(exponent):
            exponents[float(number)] = int(exponent)
    return PrintedDigits(most, exponents)
