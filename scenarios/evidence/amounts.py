"""The amounts of one generator's exchanges, where they come from templates: STEM.counts.

One row of fixed size per amount, appended to a mapped file, and never changed. What is known before
the request is written before it, so that a killed process leaves a bound:

    intend()     FIXED      labels and amount are known: they hold, if the exchange is confirmed
                 BOUND      the amount is at most this
                 UNBOUNDED  the amount may be any
    conclude()   EXACT      what the response had; written before the outcome of the exchange
                 FURTHER    how much more may be counted, since the client hung up; likewise

A key is the number of a note in STEM.jsonl with quantity, label values and resolution. A label
value that only the response has is null in the key of a bound.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.evidence.mapped_rows import RowFile, read_rows, without_empty_end

COUNTS = ".counts"

AMOUNT = np.dtype(
    [
        ("sequence", "<u4"),
        ("key", "<u4"),
        ("amount", "<i8"),
        ("entry", "<u2"),
        ("kind", "u1"),
        ("spare", "u1"),
    ]
)
AMOUNT_BYTES = AMOUNT.itemsize
MAX_KEYS = 100_000
MAX_KEY_CHARACTERS = 2_000_000  # of all label values together

_ROW = struct.Struct("<IIqH")
_KIND_AT = 18

KeyLabels = tuple[str | None, ...]


class AmountKind(IntEnum):
    """What is known of an amount; 0 is no row."""

    FIXED = 1
    BOUND = 2
    UNBOUNDED = 3
    EXACT = 4
    FURTHER = 5


class AmountRow(NamedTuple):
    """One amount of an exchange: of which entry of its step, under which key, how much."""

    entry: int
    key: int
    amount: int
    kind: AmountKind


@dataclass(frozen=True, slots=True)
class AmountKey:
    """What a row counts: a quantity under label values, in units of a resolution."""

    quantity: str
    labels: KeyLabels
    resolution: Fraction


@dataclass(frozen=True, eq=False)
class Amounts:
    """The valid rows of a recording with their keys, ordered by sequence number."""

    keys: tuple[AmountKey, ...]
    rows: NDArray[Any]

    def __len__(self) -> int:
        return len(self.rows)


NO_AMOUNTS = Amounts((), np.empty(0, AMOUNT))


class AmountFile(RowFile):
    """Appends the rows of one generator; the file is created with the first."""

    row_bytes = AMOUNT_BYTES

    def append(self, sequence: int, rows: Iterable[AmountRow]) -> None:
        """Append what is known of an exchange. Raises OSError if the disk is full."""
        for entry, key, amount, kind in rows:
            number = self.written
            if number == self.chunk_to:
                self.grow()
            at = (number - self.chunk_from) * AMOUNT_BYTES
            _ROW.pack_into(self.chunk, at, sequence, key, amount, entry)
            self.chunk[at + _KIND_AT] = kind  # last: until then, a reader sees no row
            self.written = number + 1


def read_amounts(path: Path, keys: tuple[AmountKey, ...]) -> tuple[Amounts, int]:
    """Read the rows that are valid, and how many are not; a file that is torn ends before.

    The file grows by chunks: that of a killed generator ends with empty rows.
    """
    rows = read_rows(path, AMOUNT)
    rows = without_empty_end(rows, rows["kind"] != 0)
    valid = (rows["kind"] >= min(AmountKind)) & (rows["kind"] <= max(AmountKind))
    valid &= (rows["key"] < len(keys)) & (rows["amount"] >= 0) & (rows["sequence"] > 0)
    kept = rows[valid]
    ordered = kept[np.argsort(kept["sequence"], kind="stable")]
    return Amounts(keys, ordered), int(np.count_nonzero(~valid))
