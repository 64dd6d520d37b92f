"""What each exchange must have counted: what the ledger adds up, exchange by exchange."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from scenarios.evidence.amounts import AmountKind, KeyLabels
from scenarios.evidence.exchange import Exchange
from scenarios.evidence.exchanges import Column, Exchanges
from scenarios.evidence.ledger import Weight, fits, moved_by
from scenarios.evidence.moves import RecordedAmounts
from scenarios.evidence.trace_ids import TraceIds
from scenarios.language.amounts import Labels, of_quantity, resolution_of
from scenarios.language.model import Scenario


class Promise(NamedTuple):
    """An amount of one exchange, scaled; one in doubt is at most this, or may be any.

    A label value that nobody knows is None.
    """

    exchange: Exchange
    labels: KeyLabels
    amount: int
    is_unbounded: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it may belong to several keys, or has no bound."""
        return self.is_unbounded or None in self.labels

    def fits(self, labels: Labels) -> bool:
        """Return whether it may belong to these label values."""
        return fits(("", self.labels), ("", labels))


@dataclass(frozen=True)
class Promises:
    """What each exchange must have counted, confirmed or in doubt."""

    scenario: Scenario
    run_id: str
    exchanges: Iterable[Exchanges]
    trace_ids: TraceIds

    def of(self, quantity: str, weight: Weight) -> Iterator[Promise]:
        """Yield what each exchange of this weight moved of a quantity.

        What the evidence lacks of a confirmed exchange is in doubt.
        """
        steps = {step.step: step for step in self.scenario.steps}
        for table in self.exchanges:
            recorded = RecordedAmounts(table)
            for name, outcome, status, _ in table.tally():
                moved = moved_by(self.scenario, steps[name], outcome, status)
                constants = [(labels, n) for (of, labels), n in moved.constants.items()
                             if of == quantity and n]  # fmt: skip
                if constants and moved.weight is weight:
                    for each in table.of_kind(name, outcome, status):
                        for labels, amount in constants:
                            yield Promise(each, labels, amount)
                entries = of_quantity(moved.entries, steps[name], quantity)
                if entries:
                    kind = table.is_of_kind(name, outcome, status)
                    yield from self._recorded(
                        recorded, kind, entries, quantity, moved.weight, weight
                    )

    def _recorded(
        self, recorded: RecordedAmounts, kind: Column, entries: Collection[int], quantity: str,
        its_weight: Weight, weight: Weight,
    ) -> Iterator[Promise]:  # fmt: skip
        moves = recorded.of(kind, entries, is_confirmed=its_weight is Weight.CONFIRMED)
        if its_weight is weight:
            exchanges = recorded.exchanges[moves.positions]
            for exchange, row in zip(exchanges, moves.rows, strict=True):
                key, is_unbounded = moves.keys[row["key"]], row["kind"] == AmountKind.UNBOUNDED
                yield Promise(exchange, key.labels, int(row["amount"]), bool(is_unbounded))
        if weight is Weight.IN_DOUBT:
            unknown = (None,) * self.labels_of(quantity)
            for exchange in recorded.exchanges[moves.incomplete]:
                yield Promise(exchange, unknown, 0, is_unbounded=True)

    def labels_of(self, quantity: str) -> int:
        """Return by how many labels a quantity is counted."""
        return len(self.scenario.quantities[quantity].by)

    def resolution_of(self, quantity: str) -> Fraction:
        """Return the resolution of a quantity."""
        return resolution_of(self.scenario, quantity)
