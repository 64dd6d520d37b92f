"""Counts in rows of label values, as databases and usage APIs return them, and their increases."""

from fractions import Fraction
from typing import Any

from witnesses.database.values import count_of, label_value, number_of
from witnesses.figure import Amount, Figure, Figures, Labels, Reason
from witnesses.precision import Precision

_NOTHING = Fraction(0)

Counts = dict[Labels, Fraction]


def counts_by_labels(rows: list[list[Any]], labels: int) -> Counts:
    """Add up rows of `labels` label values and a count. Raises ValueError, TypeError for others."""
    if any(len(row) != labels + 1 for row in rows):
        raise ValueError(rows)
    counts: Counts = {}
    for *values, count in rows:
        key = label_values(values)
        counts[key] = counts.get(key, _NOTHING) + count_of(count)
    return counts


def label_values(values: list[Any]) -> Labels:
    """Return a row's label values as the metrics have them."""
    return tuple(map(label_value, values))


def increases(
    before: Counts, after: Counts, first_after: Counts | None, precision: Precision, fell: Reason
) -> Figures:
    """Return the increase of each count; `fell` is why one that fell has none.

    What `first_after` has not counted yet is late; where it is None, nothing is known to be late.
    """
    by_then = after if first_after is None else first_after
    by_labels: dict[Labels, Figure] = {}
    for labels in before | after:
        start, end, seen = (each.get(labels, _NOTHING) for each in (before, after, by_then))
        if end < start:
            detail = f"{number_of(start):,.12g} to {number_of(end):,.12g}"
            by_labels[labels] = Figure.void(fell, detail)
        else:
            increase = _increase(start, end, precision)
            late = max(0, increase - _increase(start, seen, precision))
            by_labels[labels] = Figure.exact(increase, late)
    return Figures(by_labels, Figure.exact(0.0))


def _increase(start: Fraction, end: Fraction, precision: Precision) -> Amount:
    """Return an increase at the resolution: a sum of floats is a float, too."""
    if precision.resolution == 1:
        return number_of(end - start)
    return precision.nearest(end - start, max(abs(start), abs(end)))
