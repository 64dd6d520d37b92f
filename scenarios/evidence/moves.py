"""The recorded amounts of exchanges, joined to them: which exchange moved which key, and how much.

An exchange is complete if it has one row per entry of its step: of a confirmed one, what the
response had, or that of the step that reports it; of one in doubt, what was known before. Of others
the evidence is damaged or torn, and so nothing is known of their amounts.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scenarios.evidence.amounts import AmountKey, AmountKind
from scenarios.evidence.exchanges import Column, Exchanges

_LOW_BITS = 32
_LOW = 2**_LOW_BITS - 1
_ENTRIES = 2**16


@dataclass(frozen=True, eq=False)
class Moves:
    """Rows of amounts with the positions of their exchanges; `incomplete` are positions, too."""

    keys: tuple[AmountKey, ...]
    rows: Column
    positions: Column
    incomplete: Column

    def totals(self) -> Iterator[tuple[AmountKey, int, bool]]:
        """Yield for each key the exact sum of its amounts, and whether one has no bound."""
        order = np.argsort(self.rows["key"], kind="stable")
        rows = self.rows[order]
        starts = np.flatnonzero(np.diff(rows["key"].astype(np.int64), prepend=-1))
        if not len(starts):
            return
        # 64 bits do not hold a sum of such numbers: add up their halves
        high = np.add.reduceat(rows["amount"] >> _LOW_BITS, starts).tolist()
        low = np.add.reduceat(rows["amount"] & _LOW, starts).tolist()
        unbounded = np.logical_or.reduceat(rows["kind"] == AmountKind.UNBOUNDED, starts).tolist()
        for at, *halves, is_unbounded in zip(starts.tolist(), high, low, unbounded, strict=True):
            key = self.keys[int(rows["key"][at])]
            yield key, (halves[0] << _LOW_BITS) + halves[1], is_unbounded


@dataclass(frozen=True, eq=False)
class RecordedAmounts:
    """The amounts of one generator's exchanges, at the positions of these."""

    exchanges: Exchanges

    def of(self, chosen: Column, entries: Collection[int], *, is_confirmed: bool) -> Moves:
        """Return what the chosen exchanges (a mask) moved by these entries of their steps."""
        rows, positions = self._joined
        exact = AmountKind.EXACT if is_confirmed else AmountKind.BOUND
        kinds = [AmountKind.FIXED, exact, *([] if is_confirmed else [AmountKind.UNBOUNDED])]
        wanted = np.isin(rows["kind"], kinds) & np.isin(rows["entry"], list(entries))
        wanted &= chosen[positions]
        rows, positions = rows[wanted], positions[wanted]
        incomplete = np.flatnonzero(chosen & ~self._has_each_once(rows, positions, len(entries)))
        whole = ~np.isin(positions, incomplete)
        return Moves(self.exchanges.amounts.keys, rows[whole], positions[whole], incomplete)

    def further(self, chosen: Column, entries: Collection[int]) -> Moves:
        """Return how much more the chosen exchanges, which are confirmed, may have moved."""
        rows, positions = self._joined
        wanted = (rows["kind"] == AmountKind.FURTHER) & np.isin(rows["entry"], list(entries))
        wanted &= chosen[positions]
        keys = self.exchanges.amounts.keys
        return Moves(keys, rows[wanted], positions[wanted], np.empty(0, np.int64))

    def is_settled(self, entry: int) -> Column:
        """Return a mask of the exchanges of which the amount of an entry is known for certain."""
        rows, positions = self._joined
        certain = np.isin(rows["kind"], [AmountKind.FIXED, AmountKind.EXACT])
        settled = np.zeros(len(self.exchanges), bool)
        settled[positions[certain & (rows["entry"] == entry)]] = True
        return settled

    @cached_property
    def _joined(self) -> tuple[Column, Column]:
        """The rows that belong to one of the exchanges, and its position."""
        rows, sequence = self.exchanges.amounts.rows, self.exchanges.sequence
        if not len(sequence):
            return rows[:0], np.empty(0, np.int64)
        positions = np.searchsorted(sequence, rows["sequence"])
        positions = np.minimum(positions, len(sequence) - 1)
        known = sequence[positions] == rows["sequence"]
        return rows[known], positions[known]

    def _has_each_once(self, rows: Column, positions: Column, entries: int) -> Column:
        """Return a mask of the exchanges that have one row for each entry."""
        of_entry = np.unique(positions * _ENTRIES + rows["entry"]) // _ENTRIES
        size = len(self.exchanges)
        different = np.bincount(of_entry, minlength=size)
        whole: Column = (np.bincount(positions, minlength=size) == entries) & (different == entries)
        return whole
