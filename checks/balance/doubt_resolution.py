"""Resolve what the client is in doubt about by the trace ids that databases keep.

A request without a response leaves the ledger in doubt. Where rows keep the id of the request that
wrote them, they show whether it was done, and how much of it:

    sent ──────✕ no response      rows with its id: done      none: not done
                                  rows with a foreign id: may belong to it, so it stays in doubt

Rows under an id that is none of the run's exist where a service repeats a call by itself, later.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from checks.balance.per_request import RequestLedger
from checks.result import RecordGap, ResolvedDoubt
from scenarios.evidence.exchange import Exchange, trace_id
from scenarios.evidence.exchanges import Exchanges
from scenarios.evidence.ledger import Key, Ledger, Weight, weight_of
from scenarios.language.amounts import Labels, constant_counts, in_units, resolution_of
from scenarios.language.model import Scenario
from witnesses.database.trace_reading import TraceReading
from witnesses.model import Moment
from witnesses.precision import Precision


@dataclass(frozen=True)
class DoubtResolution:
    """The ledger with what the databases could resolve, and how much that was, by key.

    `errors` says by quantity why its rows could not be used, where they were needed.
    """

    ledger: Ledger
    resolved: Mapping[Key, ResolvedDoubt]
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Promises:
    """What each exchange must have counted, confirmed or in doubt."""

    scenario: Scenario
    run_id: str
    exchanges: Iterable[Exchanges]

    def of(self, quantity: str, weight: Weight) -> Iterator[tuple[Exchange, Labels, int]]:
        """Yield each exchange of this weight that moved a quantity, label values and amount."""
        steps = {step.step: step for step in self.scenario.steps}
        moves = {
            name: [
                (labels, n)
                for (of, labels), n in constant_counts(self.scenario, step)
                if of == quantity and n
            ]
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

    def resolution_of(self, quantity: str) -> Fraction:
        """Return the resolution of a quantity."""
        return resolution_of(self.scenario, quantity)


@dataclass
class _RowCounts:
    """The rows of one quantity by label values: those looked for, those of no request, all."""

    found: defaultdict[Labels, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    strays: Counter[Labels] = field(default_factory=Counter)
    total: Counter[Labels] = field(default_factory=Counter)


def resolve_doubts(ledger: Ledger, promises: Promises, traces: TraceReading) -> DoubtResolution:
    """Resolve what is in doubt, quantity by quantity, where the rows are known by trace id."""
    doubtful = dict.fromkeys(name for (name, _), amount in ledger.in_doubt.items() if amount)
    settled: dict[Key, tuple[int, int]] = {}
    errors = {name: traces.errors[name] for name in doubtful if traces.errors.get(name)}
    for name in filter(traces.knows, doubtful):
        try:
            settled |= _resolve(name, promises, traces)
        except (OSError, ValueError) as error:
            errors[name] = str(error)
    confirmed, in_doubt = dict(ledger.confirmed), dict(ledger.in_doubt)
    resolved = {}
    for key, (done, not_done) in settled.items():
        confirmed[key] = confirmed.get(key, 0) + done
        in_doubt[key] -= done + not_done
        resolution = promises.resolution_of(key[0])
        resolved[key] = ResolvedDoubt(in_units(done, resolution), in_units(not_done, resolution))
    return DoubtResolution(Ledger(confirmed, in_doubt), resolved, errors)


def _resolve(name: str, promises: Promises, traces: TraceReading) -> dict[Key, tuple[int, int]]:
    doubts: dict[Labels, dict[str, int]] = {}
    for exchange, labels, amount in promises.of(name, Weight.IN_DOUBT):
        of_labels = doubts.setdefault(labels, {})
        of_labels[trace_id(promises.run_id, exchange.generator, exchange.sequence)] = amount
    rows = _count_rows(name, {id_ for of in doubts.values() for id_ in of}, promises, traces)
    resolution = promises.resolution_of(name)
    after = traces.counts_at(Moment.AFTER, name, promises.labels_of(name))
    resolved = {}
    for labels, amounts in doubts.items():
        # Rows that came between the two queries would be done by one and not by the other.
        if after is not None and in_units(rows.total[labels], resolution) != after.get(labels, 0):
            continue
        done = sum(min(n, rows.found[labels][trace]) for trace, n in amounts.items())
        not_done = max(0, sum(amounts.values()) - done - rows.strays[labels])
        if done or not_done:
            resolved[name, labels] = done, not_done
    return resolved


def _count_rows(
    name: str, wanted: set[str], promises: Promises, traces: TraceReading
) -> _RowCounts:
    rows, own = _RowCounts(), f"{promises.run_id}-"
    for trace, labels, count in _scaled_rows(name, promises, traces):
        rows.total[labels] += count
        if trace in wanted:
            rows.found[labels][trace] += count
        elif not trace.startswith(own):
            rows.strays[labels] += count
    rows.strays = _since_the_run(rows.strays, name, promises, traces)
    return rows


def _since_the_run(
    strays: Counter[Labels], name: str, promises: Promises, traces: TraceReading
) -> Counter[Labels]:
    """Leave out the rows that were there before the run: none of it wrote them."""
    before = traces.counts_at(Moment.BEFORE, name, promises.labels_of(name)) or {}
    resolution = promises.resolution_of(name)
    return Counter({
        labels: max(0, n - int(before.get(labels, 0) / resolution)) for labels, n in strays.items()
    })  # fmt: skip


def _scaled_rows(
    name: str, promises: Promises, traces: TraceReading
) -> Iterator[tuple[str, Labels, int]]:
    """Yield trace id, label values and amount of each row, in units of the resolution.

    What is no multiple of it is rounded down: the row's figures show that by themselves.
    """
    precision = Precision(promises.resolution_of(name))
    rows = traces.rows(
        name, promises.labels_of(name), has_decimals=precision.resolution.denominator > 1
    )
    for trace, labels, amount in rows:
        nearest = precision.nearest(amount, amount)
        yield trace, labels, int(Fraction(nearest) / precision.resolution)


def find_record_gaps(
    name: str, wanted: set[Labels], promises: Promises, traces: TraceReading
) -> dict[Labels, RecordGap]:
    """Return the confirmed requests whose rows are fewer or more than promised, by labels."""
    if not traces.knows(name):
        return {}
    ledgers = {labels: RequestLedger() for labels in wanted}
    for exchange, labels, amount in promises.of(name, Weight.CONFIRMED):
        if labels in ledgers:
            ledgers[labels].promise(exchange, amount)
    try:
        strays = _add_rows(ledgers, name, promises, traces)
    except (OSError, ValueError):
        return {}
    return {
        labels: ledger.gap(promises.run_id, strays[labels]) for labels, ledger in ledgers.items()
    }


def _add_rows(
    ledgers: Mapping[Labels, RequestLedger], name: str, promises: Promises, traces: TraceReading
) -> Counter[Labels]:
    """Add the rows found to the ledgers; return how many belong to no request of the run."""
    strays, own = Counter[Labels](), f"{promises.run_id}-"
    for trace, labels, count in _scaled_rows(name, promises, traces):
        if not trace.startswith(own):
            strays[labels] += count
        elif labels in ledgers:
            generator, _, sequence = trace.removeprefix(own).rpartition("-")
            ledgers[labels].find(generator, sequence, count)
    return _since_the_run(strays, name, promises, traces)
