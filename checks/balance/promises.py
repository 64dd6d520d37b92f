"""What each exchange must have counted: what the ledger adds up, exchange by exchange."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np

from scenarios.evidence.amounts import AmountKind, KeyLabels
from scenarios.evidence.exchange import Exchange, Outcome
from scenarios.evidence.exchanges import CODES, Column, Exchanges
from scenarios.evidence.ledger import Weight, fits, moved_by
from scenarios.evidence.moves import Moves, RecordedAmounts
from scenarios.evidence.trace_ids import TraceIds
from scenarios.http.streams import StreamEnd
from scenarios.language.amounts import Labels, of_quantity, recorded_entries, resolution_of
from scenarios.language.model import Scenario


class Promise(NamedTuple):
    """An amount of one exchange, scaled; one in doubt is at most this, or may be any.

    Of one that a hang-up leaves open, `counted` is what its exchange has counted in any case.

    A label value that nobody knows is None.
    """

    exchange: Exchange
    labels: KeyLabels
    amount: int
    is_unbounded: bool = False
    counted: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it may belong to several keys, or has no bound."""
        return self.is_unbounded or None in self.labels

    def fits(self, labels: Labels) -> bool:
        """Return whether it may belong to these label values."""
        return fits(("", self.labels), ("", labels))


@dataclass(frozen=True, eq=False)
class PromisedAmounts:
    """What exchanges of one generator moved of one quantity, by columns of equal length.

    `position` is that of an exchange, `key` that of its label values in `labels`. `counted` is as
    in `Promise`, by default 0.
    """

    exchanges: Exchanges
    labels: Sequence[KeyLabels]
    position: Column
    key: Column
    amount: Column
    is_unbounded: Column
    counted: Column | None = None

    def __iter__(self) -> Iterator[Promise]:
        counted = np.zeros(len(self.key), np.int64) if self.counted is None else self.counted
        columns = self.key, self.amount, self.is_unbounded, counted
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for exchange, (key, *rest) in zip(self.exchanges[self.position], rows, strict=True):
            yield Promise(exchange, self.labels[key], *rest)


@dataclass(frozen=True)
class Promises:
    """What each exchange must have counted, confirmed or in doubt."""

    scenario: Scenario
    run_id: str
    exchanges: Iterable[Exchanges]
    trace_ids: TraceIds

    def of(self, quantity: str, weight: Weight) -> Iterator[Promise]:
        """Yield what each exchange of this weight moved of a quantity."""
        for table in self.exchanges:
            for part in self.amounts_of(table, quantity, weight):
                yield from part

    def hang_ups(self, quantity: str) -> Iterator[Exchange]:
        """Yield each exchange that counted a quantity, and in which the client hung up."""
        for step in self.scenario.steps:
            if step.hang_up and quantity in step.counts:
                for table in self.exchanges:
                    has_ended = table.stream_rows()["end"] == StreamEnd.HUNG_UP
                    yield from table[table.is_of_step(step.step) & has_ended]

    @cached_property
    def is_rejected(self) -> dict[str, bytes]:
        """For each generator a byte per sequence number: whether it was rejected."""
        masks: dict[str, bytes] = {}
        for table in self.exchanges:
            rejected = table.sequence[table.column("outcome") == CODES[Outcome.REJECTED]]
            mask = np.zeros(1 + int(rejected.max(initial=0)), np.bool_)
            mask[rejected] = True
            masks[table.generator] = mask.tobytes()
        return masks

    @cached_property
    def reported(self) -> frozenset[str]:
        """The steps whose amounts a later step reports: in doubt though they were ok."""
        return frozenset(step.step for step in self.scenario.steps if step.reported_by)

    def rejections(self, quantity: str) -> int:
        """Return how many exchanges that count a quantity were rejected, and promise nothing."""
        steps = {step.step: step for step in self.scenario.steps if quantity in step.counts}
        return sum(
            count
            for table in self.exchanges
            for name, outcome, status, count in table.tally()
            if outcome is Outcome.REJECTED and name in steps
            and moved_by(self.scenario, steps[name], outcome, status).weight is Weight.NOTHING
        )  # fmt: skip

    def further(self, quantity: str) -> Iterator[Promise]:
        """Yield how much more each exchange may have moved in which the client hung up."""
        for table in self.exchanges:
            for part in self._further_of(table, quantity):
                yield from part

    def _further_of(self, table: Exchanges, quantity: str) -> Iterator[PromisedAmounts]:
        for step in self.scenario.steps:
            if step.hang_up and quantity in step.hang_up.at_most:
                entries = of_quantity(range(len(recorded_entries(step))), step, quantity)
                yield _further_amounts(table, table.is_of_step(step.step) & table.ok, entries)

    def amounts_of(
        self, table: Exchanges, quantity: str, weight: Weight
    ) -> Iterator[PromisedAmounts]:
        """Yield what the exchanges of this weight moved of a quantity.

        What the evidence lacks of a confirmed exchange is in doubt, and so is what a hang-up leaves
        open.
        """
        if weight is Weight.IN_DOUBT:
            yield from self._further_of(table, quantity)
        steps = {step.step: step for step in self.scenario.steps}
        recorded = RecordedAmounts(table)
        for name, outcome, status, _ in table.tally():
            moved = moved_by(self.scenario, steps[name], outcome, status)
            entries = of_quantity(moved.entries, steps[name], quantity)
            constants = [(key[1], n) for key, n in moved.constants.items() if key[0] == quantity]
            if not entries and not constants:
                continue
            chosen = table.is_of_kind(name, outcome, status)
            if moved.weight is weight:
                yield _constant_amounts(table, np.flatnonzero(chosen), dict(constants))
            if entries:
                for of_weight, moves in moved.recorded(recorded, chosen, entries):
                    if of_weight is weight:
                        yield _recorded_amounts(table, moves)
                    if weight is Weight.IN_DOUBT:
                        yield _unknown_amounts(table, moves.incomplete, self.labels_of(quantity))

    def labels_of(self, quantity: str) -> int:
        """Return by how many labels a quantity is counted."""
        return len(self.scenario.quantities[quantity].by)

    def resolution_of(self, quantity: str) -> Fraction:
        """Return the resolution of a quantity."""
        return resolution_of(self.scenario, quantity)


def _constant_amounts(
    table: Exchanges, position: Column, constants: Mapping[Labels, int]
) -> PromisedAmounts:
    moved = {labels: amount for labels, amount in constants.items() if amount}
    count = len(position)
    return PromisedAmounts(
        table, list(moved), np.tile(position, len(moved)),
        np.repeat(np.arange(len(moved)), count),
        np.repeat(np.array(list(moved.values()), np.int64), count),
        np.zeros(count * len(moved), bool),
    )  # fmt: skip


def _recorded_amounts(table: Exchanges, moves: Moves) -> PromisedAmounts:
    rows = moves.rows
    return PromisedAmounts(
        table, [key.labels for key in moves.keys], moves.positions, rows["key"],
        rows["amount"], rows["kind"] == AmountKind.UNBOUNDED,
    )  # fmt: skip


def _unknown_amounts(table: Exchanges, position: Column, labels: int) -> PromisedAmounts:
    """Return amounts of which nothing is known."""
    none = np.zeros(len(position), np.int64)
    return PromisedAmounts(
        table, [(None,) * labels], position, none, none, np.ones(len(position), bool)
    )


def _further_amounts(table: Exchanges, chosen: Column, entries: Collection[int]) -> PromisedAmounts:
    recorded = RecordedAmounts(table)
    certain, further = (
        recorded.of(chosen, entries, is_confirmed=True),
        recorded.further(chosen, entries),
    )
    counted: Counter[tuple[int, int]] = Counter()
    for position, key, amount in zip(
        certain.positions.tolist(), certain.rows["key"].tolist(), certain.rows["amount"].tolist(),
        strict=True,
    ):  # fmt: skip
        counted[position, key] += amount
    places = zip(further.positions.tolist(), further.rows["key"].tolist(), strict=True)
    return replace(
        _recorded_amounts(table, further),
        counted=np.array([counted[place] for place in places], np.int64),
    )
