"""What does the client know must have been counted? Per quantity and labels, sure and in doubt."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from scenarios.evidence.exchange import Outcome
from scenarios.evidence.exchanges import Exchanges
from scenarios.language.model import Counts, Scenario, Step

Labels = tuple[str, ...]
Key = tuple[str, Labels]

_SERVER_ERRORS = 500
_CLIENT_ERRORS = 400


class Weight(StrEnum):
    """What an exchange leaves of what its step counts; the scenario's words for it."""

    SURE = "sure"
    IN_DOUBT = "in doubt"
    NOTHING = "nothing"


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


def ledger_of(scenario: Scenario, exchanges: Iterable[Exchanges]) -> Ledger:
    """Fold the exchanges of all generators into the ledger."""
    steps = {step.step: step for step in scenario.flow}
    moves = {name: list(moves_of(step)) for name, step in steps.items()}
    zero = {key: 0 for step_moves in moves.values() for key, _ in step_moves}
    tallies = {weight: Counter(zero) for weight in Weight}
    for step, outcome, status, count in chain.from_iterable(each.tally() for each in exchanges):
        tally = tallies[weight_of(outcome, status, steps[step])]
        for key, amount in moves[step]:
            tally[key] += amount * count
    return Ledger(dict(tallies[Weight.SURE]), dict(tallies[Weight.IN_DOUBT]))


def weight_of(outcome: Outcome, status: int | None, step: Step) -> Weight:
    """Decide what an exchange leaves: a refusal (4xx) nothing, any other wrong answer a doubt."""
    if outcome is Outcome.OK:
        return Weight.SURE
    if outcome is Outcome.NOT_SENT:
        return Weight.NOTHING
    if outcome is Outcome.REJECTED and step.when_rejected:
        return Weight(step.when_rejected)
    refused = status is not None and _CLIENT_ERRORS <= status < _SERVER_ERRORS
    nothing = outcome is Outcome.REJECTED and refused
    return Weight.NOTHING if nothing else Weight.IN_DOUBT


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
