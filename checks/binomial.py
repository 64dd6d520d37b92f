"""Confidence of a percentile of n values: order statistics by the binomial distribution.

The number of values at or below the true quantile q is binomial(n, q), whatever their own
distribution.
"""

import math

CONFIDENCE = 0.95


def probability_at_most(k: int, n: int, p: float) -> float:
    """Return P(X <= k) for X ~ binomial(n, p), summed in logarithms so that large n work.

    >>> round(probability_at_most(1, 100, 0.05), 4)
    0.0371
    """
    return min(1.0, math.fsum(_mass(i, n, p) for i in range(min(k, n) + 1)))


def interval_ranks(n: int, quantile: float) -> tuple[int | None, int | None]:
    """Return the ranks (from 1) that enclose the quantile with 95 % confidence, equal tails.

    None on a side that so few values cannot bound.

    >>> interval_ranks(100, 0.95)
    (90, 100)
    """
    tail = (1 - CONFIDENCE) / 2
    over = _largest_within(n, 1 - quantile, tail)
    upper = None if over is None else n - over
    lower = _largest_with_upper_tail(n, 1 - quantile, tail)
    return lower, upper


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
