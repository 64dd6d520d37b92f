"""Confidence of a percentile of n values: order statistics by the binomial distribution.

The number of values at or below the true quantile q is binomial(n, q), whatever their own
distribution.
"""

import math
from functools import lru_cache

CONFIDENCE = 0.95
FEWEST_OVER = 2  # a limit: one value proves nothing
_HALVINGS = 40


@lru_cache
def interval_ranks(n: int, quantile: float) -> tuple[int | None, int | None]:
    """Return the ranks (from 1) that enclose the quantile with 95 % confidence, equal tails.

    None on a side that so few values cannot bound. One value bounds nothing: that it is drawn like
    any other cannot be known of it.

    >>> interval_ranks(100, 0.95), interval_ranks(2, 0.95), interval_ranks(1, 0.99)
    ((90, 100), (1, None), (None, None))
    """
    if n <= 1:
        return None, None
    tail = (1 - CONFIDENCE) / 2
    over = _largest_within(n, 1 - quantile, tail)
    upper = None if over is None else n - over
    lower = _largest_with_upper_tail(n, 1 - quantile, tail)
    return lower, upper


def largest_share(k: int, n: int) -> float:
    """Return the largest share of a property of which k among n values are likely.

    It is the upper end of the 95 % interval of Clopper and Pearson.

    >>> round(largest_share(0, 100), 4), round(largest_share(1, 100), 4), largest_share(7, 7)
    (0.0362, 0.0545, 1.0)
    """
    if k >= n:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        if sum(_mass(each, n, share) for each in range(k + 1)) > (1 - CONFIDENCE) / 2:
            low = share
        else:
            high = share
    return high


def _largest_within(n: int, p: float, tail: float) -> int | None:
    """Return the largest k with P(X <= k) <= tail, or None."""
    found, total = None, 0.0
    for k in range(n + 1):
        total += _mass(k, n, p)
        if total > tail:
            return found
        found = k
    return found


def _largest_with_upper_tail(n: int, p: float, tail: float) -> int | None:
    """Return n minus the smallest k with P(X > k) <= tail, as a rank from 1, or None."""
    total = 0.0
    for k in range(n):
        total += _mass(k, n, p)
        if 1 - total <= tail:
            return n - k if n - k >= 1 else None
    return None


def _mass(k: int, n: int, p: float) -> float:
    log = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(log + k * math.log(p) + (n - k) * math.log1p(-p))
