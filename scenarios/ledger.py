"""What does the client know must have been counted? Per quantity and labels, sure and in doubt."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from scenarios.exchange import Exchange, Outcome
from scenarios.model import Counts, Scenario, Step

Labels = tuple[str, ...]
Key = tuple[str, Labels]

_SURE, _IN_DOUBT, _NOTHING = "sure", "in doubt", "nothing"
_SERVER_ERRORS = 500
_CLIENT_ERRORS = 400


@dataclass(frozen=True)
class Ledger:
    """Counts by quantity and label values (in the order of the quantity's `by`).

    Every key that the flow can move is there, with 0 where nothing moved it.
    """

    confirmed: Mapping[Key, int]
    in_doubt: Mapping[Key, int]

    def counted(self) -> Iterator[Key]:
        """Yield every quantity with its label values, in the scenario's order."""
        yield from self.confirmed


def ledger_of(scenario: Scenario, exchanges: Iterable[Exchange]) -> Ledger:
    """Fold exchanges into the ledger."""
    steps = {step.step: step for step in scenario.flow}
    moves = {name: list(moves_of(step)) for name, step in steps.items()}
    zero = {key: 0 for step_moves in moves.values() for key, _ in step_moves}
    tallies = {_SURE: Counter(zero), _IN_DOUBT: Counter(zero), _NOTHING: Counter[Key]()}
    for exchange in exchanges:
        tally = tallies[_weight(exchange, steps[exchange.step])]
        for key, amount in moves[exchange.step]:
            tally[key] += amount
    return Ledger(dict(tallies[_SURE]), dict(tallies[_IN_DOUBT]))


def moves_of(step: Step) -> Iterator[tuple[Key, int]]:
    """Yield what one answer as expected moves."""
    for quantity, counts in step.counts.items():
        for labels, amount in _flat(counts):
            yield (quantity, labels), amount


def ledger_json(ledger: Ledger) -> bytes:
    """Render the ledger as a JSON list of its rows."""
    rows = [
        {
            "quantity": key[0],
            "labels": key[1],
            "confirmed": ledger.confirmed[key],
            "in_doubt": ledger.in_doubt[key],
        }
        for key in ledger.counted()
    ]
    return json.dumps(rows, indent=1).encode()


def _flat(counts: Counts) -> Iterator[tuple[Labels, int]]:
    if isinstance(counts, int):
        yield (), counts
        return
    for value, inner in counts.items():
        for labels, amount in _flat(inner):
            yield (value, *labels), amount


def _weight(exchange: Exchange, step: Step) -> str:
    """Decide what an exchange leaves: a refusal (4xx) nothing, any other wrong answer a doubt."""
    if exchange.outcome is Outcome.OK:
        return _SURE
    if exchange.outcome is Outcome.NOT_SENT:
        return _NOTHING
    if exchange.outcome is Outcome.REJECTED and step.when_rejected:
        return step.when_rejected
    refused = exchange.status is not None and _CLIENT_ERRORS <= exchange.status < _SERVER_ERRORS
    return _NOTHING if exchange.outcome is Outcome.REJECTED and refused else _IN_DOUBT
