"""Student's t distribution, by its finite series for whole degrees of freedom.

Abramowitz and Stegun, 26.7.3 and 26.7.4. The error is some 1e-15, absolute.
"""

import math
from functools import lru_cache


def upper_tail(t: float, freedom: int) -> float:
    """Return the probability of a value of at least `t`.

    >>> upper_tail(0.0, 5), round(upper_tail(2.015048372669, 5), 9)
    (0.5, 0.05)
    """
    angle = math.atan2(t, math.sqrt(freedom))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    is_odd = freedom % 2
    term = math.cos(angle) if is_odd else 1.0
    total = 0.0
    for number in range(2 + is_odd, freedom + 1, 2):
        total += term
        term *= square * (number - 1) / number
    within = (angle + sine * total) * 2 / math.pi if is_odd else sine * total
    return min(1.0, max(0.0, (1 - within) / 2))


@lru_cache
def quantile(tail: float, freedom: int) -> float:
    """Return the positive value that is exceeded with the probability `tail`.

    >>> round(quantile(0.025, 10), 9)
    2.228138852
    """
    low, high = 0.0, 1.0
    while upper_tail(high, freedom) > tail:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if upper_tail(middle, freedom) > tail else (low, middle)
    return high
