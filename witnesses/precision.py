"""Read the increase of a counter that is kept as a float, at the resolution of its quantity.

A float64 cannot hold most decimals, so each addition rounds it by up to half a unit in its last
place. An increase that is a multiple of the resolution but for that much is taken as the multiple;
any other is kept as it is, since it shows that something else was counted.
"""

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from witnesses.figure import MAX_COUNT, Amount, Figure, Reason

_HALF_ULP = Fraction(1, 2**53)


@dataclass(frozen=True, slots=True)
class Precision:
    """How finely a quantity is counted, and how many additions of a run may have rounded it."""

    resolution: Fraction = Fraction(1)
    additions: int = 2**20

    def figure(self, figure: Figure, magnitude: float) -> Figure:
        """Return the figure of one series at the resolution; its values reached `magnitude`."""
        if self.resolution == 1 or (figure.low is None and figure.high is None):
            return figure
        if magnitude >= MAX_COUNT * float(self.resolution):
            return Figure.void(Reason.BEYOND_PRECISION, f"{magnitude:,.0f}")
        low, high, late = (
            None if each is None else self.nearest(each, magnitude)
            for each in (figure.low, figure.high, figure.late)
        )
        return replace(figure, low=low, high=high, late=late or 0)

    def nearest(self, amount: Amount, magnitude: Amount) -> Amount:
        """Return the multiple of the resolution that an amount stands for, or else the amount.

        `magnitude` is the largest value that was added up to it.

        >>> Precision(Fraction(1, 100)).nearest(0.1 + 0.2, 0.3)
        Fraction(3, 10)
        """
        if self.resolution == 1 or not math.isfinite(amount):
            return amount
        exact = Fraction(amount)
        multiple = round(exact / self.resolution) * self.resolution
        error = min(self.resolution / 2, Fraction(magnitude) * _HALF_ULP * self.additions)
        nearest = multiple if abs(exact - multiple) <= error else exact
        return nearest.numerator if nearest.denominator == 1 else nearest


WHOLE = Precision()
