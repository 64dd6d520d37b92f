"""Compute the ledger: what the client knows must have been counted, confirmed and in doubt."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from scenarios.evidence.amounts import AmountKey, KeyLabels
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.exchanges import Column, Exchanges
from scenarios.evidence.moves import Moves, RecordedAmounts
from scenarios.language.amounts import (
    Labels,
    constant_counts,
    in_units,
    recorded_entries,
    resolution_of,
)
from scenarios.language.model import Scenario
from scenarios.language.steps import Step

Key = tuple[str, Labels]
# A key in which a label value that nobody knows is None.
Pattern = tuple[str, KeyLabels]

_SERVER_ERRORS = 500
_CLIENT_ERRORS = 400


class Weight(StrEnum):
    """How the ledger takes the counts of an exchange, in the words of `when_rejected`."""

    CONFIRMED = "confirmed"
    IN_DOUBT = "in doubt"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Doubt:
    """How much is in doubt, in units of the resolution, and whether it may be more."""

    amount: int = 0
    is_unbounded: bool = False

    def __add__(self, other: "Doubt") -> "Doubt":
        """Add amounts; a sum with an unbounded part is unbounded."""
        return Doubt(self.amount + other.amount, self.is_unbounded or other.is_unbounded)


@dataclass(frozen=True)
class Ledger:
    """Amounts by quantity and label values (in the order of the quantity's `by`).

    They are in units of the quantity's resolution. It has every key that the flow can count, with 0
    where nothing was counted. `open_doubts` have no upper bound, or a label value that nobody
    knows: they may belong to any key that fits. `after_hang_up` is that part of what is in doubt
    which the scenario leaves open where the client hangs up.
    """

    confirmed: Mapping[Key, int]
    in_doubt: Mapping[Key, int]
    open_doubts: Mapping[Pattern, Doubt] = field(default_factory=dict)
    after_hang_up: Mapping[Key, int] = field(default_factory=dict)

    def counted(self) -> Iterator[Key]:
        """Yield every quantity with its label values, in the order of the scenario."""
        yield from self.confirmed

    def doubt_of(self, key: Key) -> Doubt:
        """Return what is in doubt of a key, also by doubts that may belong to others."""
        doubt = Doubt(self.in_doubt.get(key, 0))
        for pattern, open_doubt in self.open_doubts.items():
            if fits(pattern, key):
                doubt += open_doubt
        return doubt

    def total(self, quantity: str) -> tuple[int, Doubt]:
        """Return what is confirmed and in doubt of a quantity, over all label values."""
        doubt = Doubt(sum(n for (name, _), n in self.in_doubt.items() if name == quantity))
        for (name, _), open_doubt in self.open_doubts.items():
            if name == quantity:
                doubt += open_doubt
        return sum(n for (name, _), n in self.confirmed.items() if name == quantity), doubt


@dataclass(frozen=True, slots=True)
class Moved:
    """What an exchange has moved, or may have: constant amounts, and the numbers of others."""

    weight: Weight
    constants: Mapping[Key, int]
    entries: Sequence[int]
    is_reported: bool = False

    def recorded(
        self, amounts: RecordedAmounts, chosen: Column, entries: Sequence[int]
    ) -> Iterator[tuple[Weight, Moves]]:
        """Yield what the chosen exchanges (a mask) moved by entries, by weight.

        What a later step was to report is confirmed where it has, and else in doubt.
        """
        if self.weight is not Weight.CONFIRMED or not self.is_reported:
            is_confirmed = self.weight is Weight.CONFIRMED
            yield self.weight, amounts.of(chosen, entries, is_confirmed=is_confirmed)
            return
        for entry in entries:
            is_settled = amounts.is_settled(entry)
            yield Weight.CONFIRMED, amounts.of(chosen & is_settled, [entry], is_confirmed=True)
            yield Weight.IN_DOUBT, amounts.of(chosen & ~is_settled, [entry], is_confirmed=False)


def ledger_of(scenario: Scenario, exchanges: Iterable[Exchanges]) -> Ledger:
    """Sum the exchanges of all generators up to the ledger."""
    sums = _Sums(scenario)
    for part in exchanges:
        sums.add(part)
    return sums.ledger()


class _Sums:
    """The sums of a ledger so far: constants by the tally, other amounts as they were recorded."""

    def __init__(self, scenario: Scenario) -> None:
        self._steps = {step.step: step for step in scenario.steps}
        self._scenario = scenario
        zero = {key: 0 for step in scenario.steps for key, _ in _all_constants(scenario, step)}
        self._tallies = {weight: Counter(zero) for weight in Weight}
        self._open: dict[Pattern, Doubt] = {}
        self._after_hang_up: Counter[Key] = Counter()

    def add(self, part: Exchanges) -> None:
        recorded = RecordedAmounts(part)
        for name, outcome, status, count in part.tally():
            moved = moved_by(self._scenario, self._steps[name], outcome, status)
            tally = self._tallies[moved.weight]
            for key, amount in moved.constants.items():
                tally[key] += amount * count
            if moved.entries:
                chosen = part.is_of_kind(name, outcome, status)
                self._add_recorded(recorded, chosen, self._steps[name], moved)

    def _add_recorded(
        self, recorded: RecordedAmounts, chosen: Column, step: Step, moved: Moved
    ) -> None:
        for weight, moves in moved.recorded(recorded, chosen, moved.entries):
            self._add_moves(moves, weight)
            if len(moves.incomplete):
                self._add_unknown(step, moved.entries)
        if moved.weight is Weight.CONFIRMED:
            for amount_key, amount, _ in recorded.further(chosen, moved.entries).totals():
                self._leave_open(amount_key, amount)

    def _add_moves(self, moves: Moves, weight: Weight) -> None:
        for amount_key, amount, is_unbounded in moves.totals():
            if resolution_of(self._scenario, amount_key.quantity) != amount_key.resolution:
                self._doubt(_pattern_of(amount_key), Doubt(0, is_unbounded=True))
            elif weight is Weight.CONFIRMED:
                self._confirm(amount_key, amount)
            else:
                self._doubt(_pattern_of(amount_key), Doubt(amount, is_unbounded))

    def _add_unknown(self, step: Step, numbers: Sequence[int]) -> None:
        """Add the doubt about exchanges of whose amounts the evidence lacks some."""
        entries = recorded_entries(step)
        for quantity in {entries[number].quantity for number in numbers}:
            unknown = (None,) * len(self._scenario.quantities[quantity].by)
            self._doubt((quantity, unknown), Doubt(0, is_unbounded=True))

    def _confirm(self, amount_key: AmountKey, amount: int) -> None:
        key = known_key(_pattern_of(amount_key))
        if key is None:  # no recorder confirms what it does not know
            self._doubt(_pattern_of(amount_key), Doubt(amount))
        else:
            self._tallies[Weight.CONFIRMED][key] += amount

    def _leave_open(self, amount_key: AmountKey, amount: int) -> None:
        """Add how much more may be counted, since the client hung up."""
        self._doubt(_pattern_of(amount_key), Doubt(amount))
        if key := known_key(_pattern_of(amount_key)):
            self._after_hang_up[key] += amount

    def _doubt(self, pattern: Pattern, doubt: Doubt) -> None:
        key = known_key(pattern)
        if key is not None:
            self._tallies[Weight.CONFIRMED].setdefault(key, 0)
            self._tallies[Weight.IN_DOUBT][key] += doubt.amount
            doubt = Doubt(0, doubt.is_unbounded)
        if key is None or doubt.is_unbounded:
            self._open[pattern] = self._open.get(pattern, Doubt()) + doubt

    def ledger(self) -> Ledger:
        """Return the ledger in the order of the scenario: its constants, then what else counted."""
        steps = self._scenario.steps
        constants = (key for step in steps for key, _ in _all_constants(self._scenario, step))
        confirmed, in_doubt = self._tallies[Weight.CONFIRMED], self._tallies[Weight.IN_DOUBT]
        keys = dict.fromkeys([*constants, *sorted(confirmed)])
        return Ledger(
            {key: confirmed[key] for key in keys}, {key: in_doubt[key] for key in keys},
            self._open, self._after_hang_up,
        )  # fmt: skip


def moved_by(scenario: Scenario, step: Step, outcome: Outcome, status: int | None) -> Moved:
    """Return what an exchange of a step has moved.

    A request without a response may have had any: of an amount that several would count, the
    largest is in doubt.
    """
    listed = step.status_key(status) if outcome is Outcome.REJECTED else None
    weight = Weight.CONFIRMED if listed else weight_of(outcome, status, step)
    if weight is Weight.NOTHING:
        return Moved(weight, {}, ())
    keys = [listed or ""]
    if outcome is Outcome.UNKNOWN:
        keys += step.counts_by_status
    constants: dict[Key, int] = {}
    for each in keys:
        for key, amount in constant_counts(scenario, step, each):
            constants[key] = max(amount, constants.get(key, 0))
    entries = enumerate(recorded_entries(step))
    numbers = [number for number, each in entries if each.status in keys]
    return Moved(weight, constants, numbers, step.reported_by is not None)


def weight_of(outcome: Outcome, status: int | None, step: Step) -> Weight:
    """Return how the ledger takes the counts of a step for an exchange.

    A 4xx response counts nothing, any other unexpected response is in doubt, unless the step's
    `when_rejected` decides.
    """
    if outcome is Outcome.OK:
        return Weight.CONFIRMED
    if outcome is Outcome.NOT_SENT:
        return Weight.NOTHING
    if outcome is Outcome.REJECTED and step.when_rejected:
        return Weight(step.when_rejected)
    is_4xx = status is not None and _CLIENT_ERRORS <= status < _SERVER_ERRORS
    refused = outcome is Outcome.REJECTED and is_4xx
    return Weight.NOTHING if refused else Weight.IN_DOUBT


def known_key(pattern: Pattern) -> Key | None:
    """Return the key of a pattern, or None if it has a label value that nobody knows."""
    quantity, labels = pattern
    known = tuple(value for value in labels if value is not None)
    return (quantity, known) if len(known) == len(labels) else None


def ledger_json(scenario: Scenario, ledger: Ledger) -> bytes:
    """Render the ledger as a JSON list with one row per key, and one per open doubt."""
    rows = []
    for key in dict.fromkeys([*ledger.counted(), *ledger.open_doubts]):
        resolution = resolution_of(scenario, key[0])
        doubt = ledger.open_doubts.get(key, Doubt())
        known = known_key(key)
        confirmed, in_doubt = (
            (ledger.confirmed[known], ledger.in_doubt[known]) if known else (0, doubt.amount)
        )
        rows.append(
            {
                "quantity": key[0],
                "labels": key[1],
                "confirmed": _number(in_units(confirmed, resolution)),
                "in_doubt": None if doubt.is_unbounded else _number(in_units(in_doubt, resolution)),
            }
        )
    return json.dumps(rows, indent=1).encode()


def _number(amount: float | Fraction) -> float:
    return float(amount) if isinstance(amount, Fraction) else amount


def _all_constants(scenario: Scenario, step: Step) -> Iterator[tuple[Key, int]]:
    for status in ("", *step.counts_by_status):
        yield from constant_counts(scenario, step, status)


def _pattern_of(key: AmountKey) -> Pattern:
    return key.quantity, key.labels


def fits(pattern: Pattern, key: Key) -> bool:
    """Return whether a pattern may stand for a key."""
    quantity, labels = pattern
    if quantity != key[0] or len(labels) != len(key[1]):
        return False
    return all(want in (None, value) for want, value in zip(labels, key[1], strict=True))
