"""Divide iterations among flows by exact shares: nothing is drawn."""

from collections.abc import Sequence
from math import gcd


def interleaved(shares: Sequence[int]) -> tuple[int, ...]:
    """Return which flow each iteration of a period is of, evenly mixed.

    Each iteration goes to the flow that lags furthest behind its share, so that any number of
    iterations is divided to within one.

    >>> interleaved([3, 1]), interleaved([6, 2]), interleaved([5])
    ((0, 0, 1, 0), (0, 0, 1, 0), (0,))
    """
    whole = gcd(*shares)
    parts = [share // whole for share in shares]
    period, given = sum(parts), [0] * len(parts)
    order = []
    for position in range(1, period + 1):
        lag = [part * position - done * period for part, done in zip(parts, given, strict=True)]
        flow = lag.index(max(lag))
        given[flow] += 1
        order.append(flow)
    return tuple(order)


def divided(shares: Sequence[int], iterations: int) -> list[int]:
    """Return how many of some iterations each flow has.

    >>> divided([3, 1], 10_001)
    [7501, 2500]
    """
    order = interleaved(shares)
    rounds, rest = divmod(iterations, len(order))
    return [order.count(flow) * rounds + order[:rest].count(flow) for flow in range(len(shares))]
