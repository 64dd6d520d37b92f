"""The exchanges of one generator as numpy columns; a million take 40 MB.

A row has a fixed size and is little-endian, exactly as in the recording's file. The position of a
row in the file, counted from 1, is the sequence number of its exchange.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.ma  # np.unique would import it on its first call, and stall a running load
from numpy.typing import NDArray

from scenarios.evidence.amounts import NO_AMOUNTS, Amounts
from scenarios.evidence.exchange import Exchange, Mark, Outcome
from scenarios.evidence.stream_times import NO_STREAMS, streams_of

ROW = np.dtype(
    [
        ("iteration", "<u4"),
        ("step", "<u2"),
        ("outcome", "u1"),
        ("cut_off", "u1"),
        ("due_s", "<f8"),
        ("sent_s", "<f8"),
        ("done_s", "<f8"),
        ("status", "<u2"),
        ("marks", "u1"),  # bits of Mark
        ("spare", "u1"),
        ("reason", "<u4"),
    ]
)

EMPTY, INTENT = 0, 1  # no row yet; a request that is about to be sent, without an outcome
CODES = {Outcome.OK: 2, Outcome.REJECTED: 3, Outcome.UNKNOWN: 4, Outcome.NOT_SENT: 5}
OUTCOMES = {code: outcome for outcome, code in CODES.items()}

Column = NDArray[Any]


class Iterations:
    """Columns with one entry per iteration, ordered by the iterations' first exchanges.

    Requests outside any iteration have the number 0, and belong to none. How many exchanges an
    iteration has is up to its flow: that it came to its end is marked in the row of its last one.
    """

    def __init__(self, rows: Column) -> None:
        """Group the rows of an `Exchanges`."""
        # users interleave: sort by iteration, stably, and reduce each run of equal numbers
        order = np.argsort(rows["iteration"], kind="stable")
        numbers = rows["iteration"][order]
        outside = int(np.searchsorted(numbers, 1))
        self._rows, self._order, numbers = rows, order[outside:], numbers[outside:]
        self._starts = np.flatnonzero(np.diff(numbers, prepend=0))
        firsts = self._order[self._starts]
        self._in_order = np.argsort(firsts, kind="stable")
        self.first: Column = firsts[self._in_order]

    def __len__(self) -> int:
        return len(self.first)

    @cached_property
    def exchanges(self) -> Column:
        """How many exchanges each has."""
        return self._reduced(np.add, np.ones(len(self._rows), np.int64))

    @cached_property
    def ok(self) -> Column:
        """How many of its exchanges had the expected response."""
        is_ok = self._rows["outcome"] == CODES[Outcome.OK]
        return self._reduced(np.add, is_ok.astype(np.int64))

    @cached_property
    def is_wrong(self) -> Column:
        """A mask of those with an exchange that is neither ok nor cut off."""
        is_ok = self._rows["outcome"] == CODES[Outcome.OK]
        return self.any_of(~is_ok & (self._rows["cut_off"] == 0))

    @cached_property
    def is_complete(self) -> Column:
        """A mask of those that came to their end, with every exchange as expected."""
        return self.any_of(self._rows["marks"] & Mark.ITERATION != 0)

    @cached_property
    def outcome(self) -> Column:
        """The code of the outcome of that exchange which ended it, or of the last one."""
        return self._reduced(np.maximum, self._rows["outcome"])

    @cached_property
    def due_s(self) -> Column:
        """When each was due, in seconds on the clock of the recorder."""
        return self._rows["due_s"][self.first]

    @cached_property
    def done_s(self) -> Column:
        """When the last of its exchanges was done."""
        return self._reduced(np.maximum, self._rows["done_s"])

    def any_of(self, mask: Column) -> Column:
        """Return a mask of the iterations with an exchange in a mask of exchanges."""
        return self._reduced(np.logical_or, mask)

    def _reduced(self, reduce: np.ufunc, column: Column) -> Column:
        if not len(self._starts):
            return np.empty(0, column.dtype)
        reduced: Column = reduce.reduceat(column[self._order], self._starts)
        return reduced[self._in_order]


@dataclass(frozen=True, eq=False)
class Exchanges:
    """Exchanges of one generator, ordered by sequence number.

    `rows` have the dtype ROW; their step and reason numbers are indices of `steps` and `reasons`.
    `groups` are parallel to `reasons`: what a reason has in common with those that are alike.
    `amounts` and `streams` are those of all exchanges of the generator.
    """

    generator: str
    steps: tuple[str, ...]
    reasons: tuple[str, ...]
    groups: tuple[str, ...]
    sequence: Column
    rows: Column
    amounts: Amounts = NO_AMOUNTS
    streams: Column = field(default_factory=lambda: NO_STREAMS)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Exchange]:
        """Yield one object per row; this is slow, so use it for few rows only."""
        for sequence, row in zip(self.sequence.tolist(), self.rows.tolist(), strict=True):
            iteration, step, outcome, cut_off, *times_s, status, marks, _, reason = row
            due_s, sent_s, done_s = times_s
            yield Exchange(
                self.generator, sequence, iteration, self.steps[step], due_s, sent_s, done_s,
                OUTCOMES[outcome], status or None, self.reasons[reason], bool(cut_off),
                marks,
            )  # fmt: skip

    def __getitem__(self, selection: Column) -> "Exchanges":
        """Select by positions or by a mask."""
        return Exchanges(
            self.generator, self.steps, self.reasons, self.groups, self.sequence[selection],
            self.rows[selection], self.amounts, self.streams,
        )  # fmt: skip

    def first(self) -> Exchange:
        """Return the first exchange. Raises StopIteration if there is none."""
        return next(iter(self[np.array([0])]))

    def column(self, name: str) -> Column:
        """Return one column of ROW."""
        return self.rows[name]

    def stream_rows(self) -> Column:
        """Return a row of `stream_times` for each exchange; without a stream, it is empty."""
        return streams_of(self.streams, self.sequence)

    @property
    def response_s(self) -> Column:
        """The response times: done − due, in seconds."""
        times_s: Column = self.rows["done_s"] - self.rows["due_s"]
        return times_s

    @property
    def has_response(self) -> Column:
        """A mask of the exchanges with a response."""
        mask: Column = self.rows["outcome"] <= CODES[Outcome.REJECTED]
        return mask

    @property
    def ok(self) -> Column:
        """A mask of the exchanges with the expected response."""
        mask: Column = self.rows["outcome"] == CODES[Outcome.OK]
        return mask

    @property
    def sent(self) -> Column:
        """A mask of the exchanges whose request was sent."""
        mask: Column = self.rows["outcome"] != CODES[Outcome.NOT_SENT]
        return mask

    @property
    def cut_off(self) -> Column:
        """A mask of the exchanges whose response the end of the load cut off."""
        mask: Column = self.rows["cut_off"] != 0
        return mask

    def of_step(self, step: str) -> "Exchanges":
        """Return the exchanges of a step."""
        return self[self.is_of_step(step)]

    def is_of_step(self, step: str) -> Column:
        """Return a mask of the exchanges of a step."""
        numbers = [number for number, name in enumerate(self.steps) if name == step]
        mask: Column = np.isin(self.rows["step"], numbers)
        return mask

    def is_of_kind(self, step: str, outcome: Outcome, status: int | None) -> Column:
        """Return a mask of the exchanges that `tally` counts as one kind."""
        mask = self.is_of_step(step)
        mask &= self.rows["outcome"] == CODES[outcome]
        mask &= self.rows["status"] == (status or 0)
        return mask

    def tally(self) -> Iterator[tuple[str, Outcome, int | None, int]]:
        """Yield the number of exchanges by step, outcome and status."""
        # one integer per row, since np.unique of integers is much faster than of rows
        kinds = (
            self.rows["step"].astype(np.int64) << 32
            | self.rows["outcome"].astype(np.int64) << 16
            | self.rows["status"].astype(np.int64)
        )
        values, counts = np.unique(kinds, return_counts=True)
        for kind, count in zip(values.tolist(), counts.tolist(), strict=True):
            step, outcome, status = kind >> 32, kind >> 16 & 0xFFFF, kind & 0xFFFF
            yield self.steps[step], OUTCOMES[outcome], status or None, count

    @cached_property
    def iterations(self) -> Iterations:
        """The iterations of the exchanges."""
        return Iterations(self.rows)

    def is_begun_after(self, due_s: float) -> Column:
        """Return a mask of the exchanges of the iterations due at `due_s` or later.

        `due_s` is on the recorder's clock.
        """
        iterations = self.iterations
        late = iterations.first[iterations.due_s >= due_s]
        mask: Column = np.isin(self.rows["iteration"], self.rows["iteration"][late])
        return mask

    def begun_after(self, due_s: float) -> "Exchanges":
        """Return the exchanges of the iterations due at `due_s` or later (recorder's clock)."""
        return self[self.is_begun_after(due_s)]

    def begun_with(self, steps: Sequence[str]) -> "Exchanges":
        """Return the exchanges of the iterations whose first exchange is of one of some steps."""
        numbers = [number for number, name in enumerate(self.steps) if name in steps]
        first = self.iterations.first
        of_steps = first[np.isin(self.rows["step"][first], numbers)]
        return self[np.isin(self.rows["iteration"], self.rows["iteration"][of_steps])]

    def of_iteration(self, position: int) -> "Exchanges":
        """Return all exchanges of the iteration to which the one at `position` belongs."""
        return self[self.rows["iteration"] == self.rows["iteration"][position]]
