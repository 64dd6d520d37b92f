"""Compute the ledger: what the client knows must have been counted, confirmed and in doubt."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from scenarios.evidence.exchange import Outcome
from scenarios.evidence.exchanges import Exchanges
from scenarios.language.amounts import Labels, constant_counts, in_units, resolution_of
from scenarios.language.model import Scenario
from scenarios.language.steps import Step

Key = tuple[str, Labels]

_SERVER_ERRORS = 500
_CLIENT_ERRORS = 400


class Weight(StrEnum):
    """How the ledger takes the counts of an exchange, in the words of `when_rejected`."""

    CONFIRMED = "confirmed"
    IN_DOUBT = "in doubt"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Ledger:
    """Amounts by quantity and label values (in the order of the quantity's `by`).

    They are in units of the quantity's resolution. It has every key that the flow can count, with 0
    where nothing was counted.
    """

    confirmed: Mapping[Key, int]
    in_doubt: Mapping[Key, int]

    def counted(self) -> Iterator[Key]:
        """Yield every quantity with its label values, in the order of the scenario."""
        yield from self.confirmed


def ledger_of(scenario: Scenario, exchanges: Iterable[Exchanges]) -> Ledger:
    """Sum the exchanges of all generators up to the ledger."""
    steps = {step.step: step for step in scenario.steps}
    counts = {name: list(constant_counts(scenario, step)) for name, step in steps.items()}
    zero = {key: 0 for step_counts in counts.values() for key, _ in step_counts}
    tallies = {weight: Counter(zero) for weight in Weight}
    for step, outcome, status, count in chain.from_iterable(part.tally() for part in exchanges):
        tally = tallies[weight_of(outcome, status, steps[step])]
        for key, amount in counts[step]:
            tally[key] += amount * count
    return Ledger(dict(tallies[Weight.CONFIRMED]), dict(tallies[Weight.IN_DOUBT]))


def weight_of(outcome: Outcome, status: int | None, step: Step) -> Weight:
    """Return how the ledger takes an exchange.

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


def ledger_json(scenario: Scenario, ledger: Ledger) -> bytes:
    """Render the ledger as a JSON list with one row per key."""
    rows = [
        {
            "quantity": key[0],
            "labels": key[1],
            "confirmed": _number(scenario, key, ledger.confirmed[key]),
            "in_doubt": _number(scenario, key, ledger.in_doubt[key]),
        }
        for key in ledger.counted()
    ]
    return json.dumps(rows, indent=1).encode()


def _number(scenario: Scenario, key: Key, units: int) -> float:
    amount = in_units(units, resolution_of(scenario, key[0]))
    return amount if isinstance(amount, int) else float(amount)
