"""What came of the requests that the client is in doubt about? The databases' trace ids tell.

A request without an answer leaves the ledger in doubt. Where the rows keep the id of the request
that wrote them, they show whether it was done, and how much of it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from checks.witnesses.traces import Found, TraceEvidence
from scenarios.exchange import Exchange, trace_id
from scenarios.ledger import Key, Labels, Ledger, ledger_of
from scenarios.model import Scenario

MOST_IDS = 20


@dataclass(frozen=True, slots=True)
class Settled:
    """How much of a count that was in doubt the database shows as done, and as not."""

    done: int
    not_done: int


@dataclass(frozen=True)
class Narrowed:
    """The ledger with what the databases could settle, and how much that was, by key."""

    ledger: Ledger
    settled: Mapping[Key, Settled]


@dataclass(frozen=True, slots=True)
class Astray:
    """The requests whose rows are fewer or more than the answer promised: some, and how many."""

    missing: tuple[str, ...] = ()
    missing_number: int = 0
    surplus: tuple[str, ...] = ()
    surplus_number: int = 0


@dataclass(frozen=True)
class Promises:
    """What each exchange must have counted, by kind of exchange: surely, and perhaps."""

    scenario: Scenario
    run_id: str
    exchanges: Iterable[Exchange]

    def of(self, quantity: str, *, sure: bool) -> Iterator[tuple[str, Labels, int]]:
        """Yield trace id, label values and amount of each exchange that moved a quantity."""
        by_kind: dict[tuple[str, str, int | None], list[tuple[Labels, int]]] = {}
        for each in self.exchanges:
            kind = each.step, str(each.outcome), each.status
            if kind not in by_kind:
                by_kind[kind] = self._moves(each, quantity, sure=sure)
            for labels, amount in by_kind[kind]:
                yield trace_id(self.run_id, each.generator, each.sequence), labels, amount

    def _moves(self, one: Exchange, quantity: str, *, sure: bool) -> list[tuple[Labels, int]]:
        ledger = ledger_of(self.scenario, [one])
        counts = ledger.confirmed if sure else ledger.in_doubt
        return [(labels, n) for (name, labels), n in counts.items() if name == quantity and n]


def narrow(ledger: Ledger, promises: Promises, traces: TraceEvidence) -> Narrowed:
    """Settle what is in doubt, quantity by quantity, where the rows are known by trace id."""
    doubtful = dict.fromkeys(name for (name, _), amount in ledger.in_doubt.items() if amount)
    settled: dict[Key, Settled] = {}
    for name in filter(traces.knows, doubtful):
        doubts = list(promises.of(name, sure=False))
        found = _found(traces, name, {trace for trace, _, _ in doubts})
        if found is not None:
            settled |= _settle(name, doubts, found)
    confirmed, in_doubt = dict(ledger.confirmed), dict(ledger.in_doubt)
    for key, each in settled.items():
        confirmed[key] = confirmed.get(key, 0) + each.done
        in_doubt[key] -= each.done + each.not_done
    return Narrowed(Ledger(confirmed, in_doubt), settled)


def go_astray(name: str, wanted: set[Labels], promises: Promises, traces: TraceEvidence) -> dict[
    Labels, Astray
]:  # fmt: skip
    """Return the confirmed requests whose rows are fewer or more than promised, by labels."""
    if not traces.knows(name):
        return {}
    promised: dict[Labels, Counter[str]] = {labels: Counter() for labels in wanted}
    for trace, labels, amount in promises.of(name, sure=True):
        if labels in wanted:
            promised[labels][trace] += amount
    found = _found(traces, name, {each for counts in promised.values() for each in counts}) or {}
    return {labels: _astray(counts, found.get(labels, {})) for labels, counts in promised.items()}


def _found(traces: TraceEvidence, name: str, trace_ids: set[str]) -> Found | None:
    """Return the rows of some requests; None where they are not what they should be."""
    try:
        return traces.find(name, trace_ids)
    except (OSError, ValueError, TypeError):
        return None


def _settle(
    name: str, doubts: Iterable[tuple[str, Labels, int]], found: Found
) -> dict[Key, Settled]:
    settled: dict[Key, Settled] = {}
    for trace, labels, amount in doubts:
        done = min(amount, found.get(labels, {}).get(trace, 0))
        so_far = settled.get((name, labels), Settled(0, 0))
        settled[name, labels] = Settled(so_far.done + done, so_far.not_done + amount - done)
    return settled


def _astray(promised: Mapping[str, int], found: Mapping[str, int]) -> Astray:
    missing = [trace for trace, amount in promised.items() if found.get(trace, 0) < amount]
    surplus = [trace for trace, amount in promised.items() if found.get(trace, 0) > amount]
    return Astray(tuple(missing[:MOST_IDS]), len(missing), tuple(surplus[:MOST_IDS]), len(surplus))
