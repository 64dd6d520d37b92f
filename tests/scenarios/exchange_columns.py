"""Exchanges put into columns by hand."""

from collections.abc import Sequence

import numpy as np

from scenarios.evidence.exchange import Exchange
from scenarios.evidence.exchanges import CODES, ROW, Exchanges


def exchanges_of(generator: str, each: Sequence[Exchange]) -> Exchanges:
    """Put exchanges into columns."""
    steps = tuple(dict.fromkeys(one.step for one in each))
    reasons = tuple(dict.fromkeys(["", *(one.reason for one in each)]))
    rows = np.zeros(len(each), ROW)
    for row, one in zip(rows, each, strict=True):
        row["iteration"], row["step"] = one.iteration, steps.index(one.step)
        row["outcome"], row["status"] = CODES[one.outcome], one.status or 0
        row["due_s"], row["sent_s"], row["done_s"] = one.due_s, one.sent_s, one.done_s
        row["reason"], row["cut_off"] = reasons.index(one.reason), one.cut_off
        row["marks"] = one.marks
    return Exchanges(
        generator, steps, reasons, reasons, np.array([one.sequence for one in each]), rows
    )
