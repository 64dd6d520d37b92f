"""What did one generator do, as columns? A million exchanges are forty megabytes.

A row is of fixed size, little-endian, as it lies in the recording's file; its place is its
sequence number, from 1. The columns are numpy arrays of one length.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.ma  # np.unique imports it when it is first called, and would hold a load up
from numpy.typing import NDArray

from scenarios.evidence.exchange import CUT_OFF, Exchange, Outcome

ROW = np.dtype(
    [
        ("iteration", "<u4"),
        ("step", "<u2"),
        ("outcome", "u1"),
        ("spare", "u1"),
        ("due_s", "<f8"),
        ("sent_s", "<f8"),
        ("done_s", "<f8"),
        ("status", "<u2"),
        ("spare_too", "<u2"),
        ("reason", "<u4"),
    ]
)

EMPTY, INTENT = 0, 1
CODES = {Outcome.OK: 2, Outcome.REJECTED: 3, Outcome.UNKNOWN: 4, Outcome.NOT_SENT: 5}
OUTCOMES = {code: outcome for outcome, code in CODES.items()}

Column = NDArray[Any]


@dataclass(frozen=True)
class Iterations:
    """One entry an iteration, in order of their first exchange.

    `first` and `last` are positions of its first and last exchange; `exchanges` how many it has.
    """

    first: Column
    last: Column
    exchanges: Column
    ok: Column
    answered: Column
    wrong: Column

    def __len__(self) -> int:
        return len(self.first)

    def complete(self, steps: int) -> Column:
        """Tell of each whether it went through all of so many steps, each as expected."""
        told: Column = (self.exchanges == steps) & (self.ok == steps)
        return told

    def whole(self, steps: int) -> Column:
        """Tell of each whether every step was answered, as expected or not."""
        told: Column = (self.exchanges == steps) & (self.answered == steps)
        return told


@dataclass(frozen=True, eq=False)
class Exchanges:
    """Exchanges of one generator, in the order of their sequence numbers.

    `rows` are of dtype ROW; `steps` and `reasons` are what their numbers stand for.
    """

    generator: str
    steps: tuple[str, ...]
    reasons: tuple[str, ...]
    sequence: Column
    rows: Column

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Exchange]:
        """Yield them one by one: for few, since an object a row is slow."""
        for sequence, row in zip(self.sequence.tolist(), self.rows.tolist(), strict=True):
            iteration, step, outcome, _, due_s, sent_s, done_s, status, _, reason = row
            yield Exchange(
                self.generator, sequence, iteration, self.steps[step], due_s, sent_s, done_s,
                OUTCOMES[outcome], status or None, self.reasons[reason],
            )  # fmt: skip

    def __getitem__(self, chosen: Column) -> "Exchanges":
        """Return those at positions, or where a mask is true."""
        return Exchanges(
            self.generator, self.steps, self.reasons, self.sequence[chosen], self.rows[chosen]
        )

    def first(self) -> Exchange:
        """Return the first of them; there must be one."""
        return next(iter(self[np.array([0])]))

    def column(self, name: str) -> Column:
        """Return one column of ROW."""
        return self.rows[name]

    @property
    def response_s(self) -> Column:
        """The response times: done − due, in seconds."""
        told: Column = self.rows["done_s"] - self.rows["due_s"]
        return told

    @property
    def answered(self) -> Column:
        """Whether a status line came back."""
        told: Column = self.rows["outcome"] <= CODES[Outcome.REJECTED]
        return told

    @property
    def ok(self) -> Column:
        """Whether the answer was as expected."""
        told: Column = self.rows["outcome"] == CODES[Outcome.OK]
        return told

    @property
    def cut_off(self) -> Column:
        """Whether the run ended before the answer."""
        codes = [number for number, reason in enumerate(self.reasons) if reason == CUT_OFF]
        return np.isin(self.rows["reason"], codes)

    def of_step(self, step: str) -> "Exchanges":
        """Return those of a step."""
        numbers = [number for number, name in enumerate(self.steps) if name == step]
        return self[np.isin(self.rows["step"], numbers)]

    def of_kind(self, step: str, outcome: Outcome, status: int | None) -> "Exchanges":
        """Return those that `tally` counts together."""
        of_step = self.of_step(step)
        alike = of_step.rows["outcome"] == CODES[outcome]
        return of_step[alike & (of_step.rows["status"] == (status or 0))]

    def tally(self) -> Iterator[tuple[str, Outcome, int | None, int]]:
        """Yield how many there are by step, outcome and status."""
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
        """The iterations that they belong to."""
        if not len(self.rows):
            none = np.empty(0, np.int64)
            return Iterations(none, none, none, none, none, none)
        order = np.argsort(self.rows["iteration"], kind="stable")
        numbers = self.rows["iteration"][order]
        begins = np.flatnonzero(np.concatenate(([True], numbers[1:] != numbers[:-1])))
        ends = np.append(begins[1:], len(order)) - 1
        wrong = ~self.ok & ~self.cut_off
        sums = [
            np.add.reduceat(each[order].astype(np.int64), begins)
            for each in (self.ok, self.answered, wrong)
        ]
        in_order = np.argsort(order[begins], kind="stable")
        return Iterations(
            order[begins][in_order], order[ends][in_order], (ends - begins + 1)[in_order],
            *(each[in_order] for each in sums),
        )  # fmt: skip

    def begun_after(self, due_s: float) -> "Exchanges":
        """Return those of iterations that were due at `due_s` or later, on the recorder's clock."""
        first = self.iterations.first
        late = first[self.rows["due_s"][first] >= due_s]
        return self[np.isin(self.rows["iteration"], self.rows["iteration"][late])]

    def of_iteration(self, position: int) -> "Exchanges":
        """Return the exchanges of the iteration that one at a position belongs to."""
        return self[self.rows["iteration"] == self.rows["iteration"][position]]
