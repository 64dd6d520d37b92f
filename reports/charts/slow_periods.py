"""Find the period in which a step was slower than usual.

Usual is the median of all intervals. An interval is slow if it is a multiple above that, and far
outside of what intervals differ by anyway:

    p95 ┤        ┌──┐
        │        │  │                      slow: more than 2 × usual, and than usual + 6 × MAD
        ├──╌╌────┘  └──╌╌╌── usual
        └────────┴──┴────────▶ time

A step that stays slow to the end may be so for most of the load. Then what it was before is usual,
if each interval since is slow by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

_FEWEST_INTERVALS = 5
_MADS = 6.0
_SHORTEST_S = 0.02
# Column, factor, and of how many requests: a percentile of fewer is the maximum. A stall of a
# moment shows only in the tail: it must stand out more there.
_FIGURES = (("p95_s", 2.0, 20), ("p99_s", 3.0, 100), ("max_s", 5.0, 1))
_WORDS = {"p95_s": "p95", "p99_s": "p99", "max_s": "longest response"}


@dataclass(frozen=True, slots=True)
class SlowPeriod:
    """A period in which a figure of a step was above what is usual. Seconds; times are UTC."""

    step: str
    figure: str
    begin: datetime
    end: datetime
    usual_s: float
    peak_s: float

    @property
    def excess_s(self) -> float:
        """By how much the peak exceeds what is usual."""
        return self.peak_s - self.usual_s


def slow_period(step: str, series: pd.DataFrame) -> SlowPeriod | None:
    """Return the slow period of one step around its peak, or None; `series` are its intervals."""
    served = series[series["p95_s"].notna()].sort_values("at")
    if len(served) < _FEWEST_INTERVALS:
        return None
    for column, factor, fewest_due in _FIGURES:
        known = served[served["due"] >= fewest_due]
        if len(known) < _FEWEST_INTERVALS:
            continue
        values = known[column].to_numpy()
        usual_s = float(np.median(values))
        is_slow = values > _most_usual(values, factor)
        lasting = 0 if is_slow.any() else _lasting_from(values, factor)
        if lasting:
            usual_s, is_slow = float(np.median(values[:lasting])), np.arange(len(values)) >= lasting
        if is_slow.any():
            first, last = _around(int(values.argmax()), is_slow)
            interval = timedelta(seconds=float(known["interval_s"].iloc[0]))
            begin, end = known["at"].iloc[first], known["at"].iloc[last] + interval
            return SlowPeriod(step, _WORDS[column], begin, end, usual_s, float(values.max()))
    return None


def _most_usual(values: "np.ndarray", factor: float) -> float:
    """Return the highest value that is usual among some."""
    usual_s = float(np.median(values))
    spread_s = float(np.median(np.abs(values - usual_s)))
    return max(factor * usual_s, usual_s + _MADS * spread_s, usual_s + _SHORTEST_S)


def _lasting_from(values: "np.ndarray", factor: float) -> int:
    """Return the interval from which on each is slow by what was before, and none before; or 0."""
    for first in range(_FEWEST_INTERVALS, len(values)):
        most_s = _most_usual(values[:first], factor)
        if values[:first].max() <= most_s < values[first:].min():
            return first
    return 0


def slowest_period(series: Mapping[str, pd.DataFrame]) -> SlowPeriod | None:
    """Return the slow period of the step that exceeds the usual by most."""
    periods = [slow_period(step, of_step) for step, of_step in series.items()]
    return max(filter(None, periods), key=lambda each: each.excess_s, default=None)


def _around(peak: int, is_slow: "np.ndarray") -> tuple[int, int]:
    """Return the first and last interval of the run of slow ones that has the peak."""
    first = last = peak
    while first > 0 and is_slow[first - 1]:
        first -= 1
    while last + 1 < len(is_slow) and is_slow[last + 1]:
        last += 1
    return first, last
