"""What came of the requests that the client is in doubt about? The databases' trace ids tell.

A request without an answer leaves the ledger in doubt. Where the rows keep the id of the request
that wrote them, they show whether it was done, and how much of it. Rows under an id that is none
of the run's (a use that a service made up for later carries the id of its own call) may belong to
any request: so many are left in doubt.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from checks.balance.per_request import Astray, Sheet
from scenarios.evidence.exchange import Exchange, trace_id
from scenarios.evidence.exchanges import Exchanges
from scenarios.evidence.ledger import Key, Labels, Ledger, Weight, moves_of, weight_of
from scenarios.language.model import Scenario
from witnesses.database.trace_rows import TraceEvidence


@dataclass(frozen=True, slots=True)
class Settled:
    """How much of a count that was in doubt the database shows as done, and as not."""

    done: int
    not_done: int


@dataclass(frozen=True)
class Narrowed:
    """The ledger with what the databases could settle, and how much that was, by key.

    `troubles` says by quantity why its rows could not be used, where they were needed.
    """

    ledger: Ledger
    settled: Mapping[Key, Settled]
    troubles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Promises:
    """What each exchange must have counted: surely, or perhaps."""

    scenario: Scenario
    run_id: str
    exchanges: Iterable[Exchanges]

    def of(self, quantity: str, weight: Weight) -> Iterator[tuple[Exchange, Labels, int]]:
        """Yield each exchange of this weight that moved a quantity, label values and amount."""
        steps = {step.step: step for step in self.scenario.flow}
        moves = {
            name: [(labels, n) for (of, labels), n in moves_of(step) if of == quantity and n]
            for name, step in steps.items()
        }
        for table in self.exchanges:
            for step, outcome, status, _ in table.tally():
                if not moves[step] or weight_of(outcome, status, steps[step]) is not weight:
                    continue
                for each in table.of_kind(step, outcome, status):
                    for labels, amount in moves[step]:
                        yield each, labels, amount

    def labels_of(self, quantity: str) -> int:
        """Return by how many labels a quantity is counted."""
        return len(self.scenario.quantities[quantity].by)


@dataclass
class _Known:
    """What the rows of one quantity say by label values, in one pass over them."""

    found: defaultdict[Labels, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    strays: Counter[Labels] = field(default_factory=Counter)
    total: Counter[Labels] = field(default_factory=Counter)


def narrow(ledger: Ledger, promises: Promises, traces: TraceEvidence) -> Narrowed:
    """Settle what is in doubt, quantity by quantity, where the rows are known by trace id."""
    doubtful = dict.fromkeys(name for (name, _), amount in ledger.in_doubt.items() if amount)
    settled: dict[Key, Settled] = {}
    troubles = {name: traces.troubles[name] for name in doubtful if traces.troubles.get(name)}
    for name in filter(traces.knows, doubtful):
        try:
            settled |= _settle(name, promises, traces)
        except (OSError, ValueError) as error:
            troubles[name] = str(error)
    confirmed, in_doubt = dict(ledger.confirmed), dict(ledger.in_doubt)
    for key, each in settled.items():
        confirmed[key] = confirmed.get(key, 0) + each.done
        in_doubt[key] -= each.done + each.not_done
    return Narrowed(Ledger(confirmed, in_doubt), settled, troubles)


def _settle(name: str, promises: Promises, traces: TraceEvidence) -> dict[Key, Settled]:
    doubts: dict[Labels, dict[str, int]] = {}
    for each, labels, amount in promises.of(name, Weight.IN_DOUBT):
        of_labels = doubts.setdefault(labels, {})
        of_labels[trace_id(promises.run_id, each.generator, each.sequence)] = amount
    known = _known(name, {each for of in doubts.values() for each in of}, promises, traces)
    settled = {}
    for labels, amounts in doubts.items():
        if not _is_same_moment(name, labels, promises, traces, known):
            continue
        done = sum(min(n, known.found[labels][trace]) for trace, n in amounts.items())
        not_done = max(0, sum(amounts.values()) - done - known.strays[labels])
        if done or not_done:
            settled[name, labels] = Settled(done, not_done)
    return settled


def _known(name: str, wanted: set[str], promises: Promises, traces: TraceEvidence) -> _Known:
    known, ours = _Known(), f"{promises.run_id}-"
    for trace, labels, count in traces.rows(name, promises.labels_of(name)):
        known.total[labels] += count
        if trace in wanted:
            known.found[labels][trace] += count
        elif not trace.startswith(ours):
            known.strays[labels] += count
    known.strays = _grown(known.strays, name, promises, traces)
    return known


def _grown(
    strays: Counter[Labels], name: str, promises: Promises, traces: TraceEvidence
) -> Counter[Labels]:
    """Leave out the rows that were there before the run: none of it wrote them."""
    before = traces.databases.before_by_labels(name, promises.labels_of(name)) or {}
    return Counter({labels: max(0, n - int(before.get(labels, 0))) for labels, n in strays.items()})


def _is_same_moment(
    name: str, labels: Labels, promises: Promises, traces: TraceEvidence, known: _Known
) -> bool:
    """Tell whether the rows are those that the database witness counted: some may have come since.

    What came in between would be done by one look and not by the other.
    """
    after = traces.databases.after_by_labels(name, promises.labels_of(name))
    return after is None or known.total[labels] == after.get(labels, 0)


def go_astray(
    name: str, wanted: set[Labels], promises: Promises, traces: TraceEvidence
) -> dict[Labels, Astray]:
    """Return the confirmed requests whose rows are fewer or more than promised, by labels."""
    if not traces.knows(name):
        return {}
    sheets = {labels: Sheet() for labels in wanted}
    for each, labels, amount in promises.of(name, Weight.SURE):
        if labels in sheets:
            sheets[labels].promise(each, amount)
    try:
        strays = _enter(sheets, name, promises, traces)
    except (OSError, ValueError):
        return {}
    return {
        labels: sheet.astray(promises.run_id, strays[labels]) for labels, sheet in sheets.items()
    }


def _enter(
    sheets: Mapping[Labels, Sheet], name: str, promises: Promises, traces: TraceEvidence
) -> Counter[Labels]:
    """Enter the rows found into the sheets; return how many belong to no request of the run."""
    strays, ours = Counter[Labels](), f"{promises.run_id}-"
    for trace, labels, count in traces.rows(name, promises.labels_of(name)):
        if not trace.startswith(ours):
            strays[labels] += count
        elif labels in sheets:
            generator, _, sequence = trace.removeprefix(ours).rpartition("-")
            sheets[labels].find(generator, sequence, count)
    return _grown(strays, name, promises, traces)
