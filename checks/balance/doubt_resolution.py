"""Resolve what the client is in doubt about by the trace ids that databases keep.

A request without a response leaves the ledger in doubt. Where rows keep the id of the request that
wrote them, they show whether it was done, and how much of it:

    sent ──────✕ no response      rows with its id: done      none: not done
                                  rows with a foreign id: may belong to it, so it stays in doubt

Rows under an id that is none of the run's exist where a service repeats a call by itself, later.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from checks.balance.per_request import RequestLedger, SentAt
from checks.balance.promises import Promise, Promises
from checks.result import RecordGap, ResolvedDoubt
from scenarios.evidence.exchange import Outcome, trace_id
from scenarios.evidence.ledger import Doubt, Key, Ledger, Weight
from scenarios.evidence.trace_ids import TraceIds
from scenarios.language.amounts import Labels, in_units
from witnesses.database.trace_reading import TraceReading
from witnesses.model import Moment
from witnesses.precision import Precision

_ANY_AMOUNT = 2**40


@dataclass(frozen=True)
class DoubtResolution:
    """The ledger with what the databases could resolve, and how much that was, by key.

    `errors` has by quantity why its rows could not be used, where they were needed.
    """

    ledger: Ledger
    resolved: Mapping[Key, ResolvedDoubt]
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _RowCounts:
    """The rows of one quantity by label values: those looked for, those of no request, all."""

    found: defaultdict[str, Counter[Labels]] = field(default_factory=lambda: defaultdict(Counter))
    strays: Counter[Labels] = field(default_factory=Counter)
    total: Counter[Labels] = field(default_factory=Counter)


@dataclass
class _Settled:
    """What the rows showed of one quantity: done and not done by key, and what stays open."""

    done: Counter[Labels] = field(default_factory=Counter)
    not_done: Counter[Labels] = field(default_factory=Counter)
    still_open: list[Promise] = field(default_factory=list)


def resolve_doubts(ledger: Ledger, promises: Promises, traces: TraceReading) -> DoubtResolution:
    """Resolve what is in doubt, quantity by quantity, where the rows are known by trace id."""
    doubtful = dict.fromkeys(
        [*(name for (name, _), amount in ledger.in_doubt.items() if amount),
         *(name for name, _ in ledger.open_doubts)]
    )  # fmt: skip
    resolved: dict[Key, ResolvedDoubt] = {}
    errors = {name: traces.errors[name] for name in doubtful if traces.errors.get(name)}
    for name in filter(traces.knows, doubtful):
        try:
            settled = _settle(name, promises, traces)
        except (OSError, ValueError) as error:
            errors[name] = str(error)
            continue
        ledger = _with_settled(ledger, name, settled)
        resolution = promises.resolution_of(name)
        for labels in dict.fromkeys([*settled.done, *settled.not_done]):
            done, not_done = (
                in_units(amounts[labels], resolution)
                for amounts in (settled.done, settled.not_done)
            )
            if done or not_done:
                resolved[name, labels] = ResolvedDoubt(done, not_done)
    return DoubtResolution(ledger, resolved, errors)


def _with_settled(ledger: Ledger, name: str, settled: _Settled) -> Ledger:
    """Return the ledger with what was settled of one quantity."""
    confirmed, in_doubt = dict(ledger.confirmed), dict(ledger.in_doubt)
    for labels in dict.fromkeys([*settled.done, *settled.not_done]):
        key = name, labels
        confirmed[key] = confirmed.get(key, 0) + settled.done[labels]
        # what was open was not among what is in doubt of a key
        left = in_doubt.get(key, 0) - settled.done[labels] - settled.not_done[labels]
        in_doubt[key] = max(0, left)
    open_doubts = {key: doubt for key, doubt in ledger.open_doubts.items() if key[0] != name}
    for promise in settled.still_open:
        pattern, amount = (name, promise.labels), promise.amount
        amount = amount if None in promise.labels else 0
        doubt = Doubt(amount, promise.is_unbounded)
        open_doubts[pattern] = open_doubts.get(pattern, Doubt()) + doubt
    left_open = {
        key: min(amount, in_doubt.get(key, 0)) for key, amount in ledger.after_hang_up.items()
    }
    return Ledger(confirmed, in_doubt, open_doubts, left_open)


def _settle(name: str, promises: Promises, traces: TraceReading) -> _Settled:
    doubts = list(promises.of(name, Weight.IN_DOUBT))
    ids = [trace_id(promises.run_id, each.exchange.generator, each.exchange.sequence)
           for each in doubts]  # fmt: skip
    rows = _count_rows(name, set(ids), promises, traces)
    moved = _moved_between(name, rows, promises, traces)
    settled = _Settled()
    promised: Counter[Labels] = Counter()
    # a known key first: what is left of a request's rows belongs to the keys that nobody knows
    for promise, trace in sorted(zip(doubts, ids, strict=True), key=lambda pair: pair[0].is_open):
        found = rows.found[trace]
        if promise.is_open:
            _settle_open(promise, found, rows.strays, moved, settled)
            continue
        labels = tuple(value or "" for value in promise.labels)
        if labels not in moved:
            done = min(promise.amount, max(0, found[labels] - promise.counted))
            found[labels] -= done
            settled.done[labels] += done
            promised[labels] += promise.amount
    for labels, amount in promised.items():
        left = amount - settled.done[labels] - rows.strays[labels]
        settled.not_done[labels] = max(0, left)
    return settled


def _settle_open(
    promise: Promise, found: Counter[Labels], strays: Counter[Labels], moved: set[Labels],
    settled: _Settled,
) -> None:  # fmt: skip
    """Settle an amount without a bound, or of a key that nobody knows, by the rows of its request.

    It has one key: rows under a second one, or beyond its bound, are nobody's. The rows of no
    request may be its own.
    """
    doubtful = [labels for labels in moved | set(strays) if strays[labels] or labels in moved]
    own = [labels for labels, amount in found.items() if amount and promise.fits(labels)]
    if own:
        labels = max(own, key=lambda each: found[each])
        done = found[labels] if promise.is_unbounded else min(found[labels], promise.amount)
        settled.done[labels] += done
        found[labels] -= done
    elif any(map(promise.fits, doubtful)):
        settled.still_open.append(promise)


def _moved_between(
    name: str, rows: _RowCounts, promises: Promises, traces: TraceReading
) -> set[Labels]:
    """Return the label values whose rows came between two queries: one has them, one has not."""
    after = traces.counts_at(Moment.AFTER, name, promises.labels_of(name))
    if after is None:
        return set()
    precision = Precision(promises.resolution_of(name))
    return {
        labels
        for labels in after.keys() | rows.total.keys()
        if precision.nearest(after.get(labels, Fraction(0)), after.get(labels, Fraction(0)))
        != in_units(rows.total[labels], precision.resolution)
    }


def _count_rows(
    name: str, wanted: set[str], promises: Promises, traces: TraceReading
) -> _RowCounts:
    rows = _RowCounts()
    for trace, labels, count in _scaled_rows(name, promises, traces):
        rows.total[labels] += count
        if trace in wanted:
            rows.found[trace][labels] += count
        elif promises.trace_ids.request_of(trace) is None:
            rows.strays[labels] += count
    rows.strays = _since_the_run(rows.strays, name, promises, traces)
    return rows


def _since_the_run(
    strays: Counter[Labels], name: str, promises: Promises, traces: TraceReading
) -> Counter[Labels]:
    """Leave out the rows that were there before the run: none of it wrote them."""
    before = traces.counts_at(Moment.BEFORE, name, promises.labels_of(name)) or {}
    precision = Precision(promises.resolution_of(name))
    return Counter({
        labels: max(0, n - _units(before.get(labels, Fraction(0)), precision))
        for labels, n in strays.items()
    })  # fmt: skip


def _units(amount: Fraction, precision: Precision) -> int:
    """Return an amount in units of the resolution, rounded down where it is no multiple."""
    return int(Fraction(precision.nearest(amount, amount)) / precision.resolution)


def _scaled_rows(
    name: str, promises: Promises, traces: TraceReading
) -> Iterator[tuple[str, Labels, int]]:
    """Yield trace id, label values and amount of each row, in units of the resolution.

    An id of the run is RUN-GENERATOR-SEQUENCE, however the database keeps it. An
    amount that is no multiple of the resolution is rounded down: the row's figures show that by
    themselves.
    """
    precision = Precision(promises.resolution_of(name))
    rows = traces.rows(
        name, promises.labels_of(name), has_decimals=precision.resolution.denominator > 1
    )
    for trace, labels, amount in rows:
        yield promises.trace_ids.read(trace), labels, _units(Fraction(amount), precision)


def find_record_gaps(
    name: str, wanted: set[Labels], promises: Promises, traces: TraceReading,
    sent_at: SentAt = lambda *_: None,
) -> dict[Labels, RecordGap]:  # fmt: skip
    """Return the confirmed requests whose rows are fewer or more than promised, by labels."""
    if not traces.knows(name):
        return {}
    ledgers = {labels: RequestLedger(promises.is_rejected) for labels in wanted}
    for promise in promises.of(name, Weight.IN_DOUBT):
        is_ok = promise.exchange.outcome is Outcome.OK
        is_unreported = is_ok and promise.exchange.step in promises.reported
        if promise.exchange.outcome is Outcome.REJECTED or is_unreported:
            _allow(ledgers, promise)
    for promise in promises.of(name, Weight.CONFIRMED):
        labels = tuple(value or "" for value in promise.labels)
        if labels in ledgers:
            ledgers[labels].promise(promise.exchange, promise.amount)
    for promise in promises.further(name):
        labels = tuple(value or "" for value in promise.labels)
        if labels in ledgers:
            ledgers[labels].allow(promise.exchange, promise.amount)
    for exchange in promises.hang_ups(name):
        for ledger in ledgers.values():
            ledger.note_hang_up(exchange)
    try:
        strays = _add_rows(ledgers, name, promises, traces)
    except (OSError, ValueError):
        return {}
    return {
        labels: _shown(ledger.gap(promises.run_id, strays[labels], sent_at), promises.trace_ids)
        for labels, ledger in ledgers.items()
    }


def _allow(ledgers: Mapping[Labels, RequestLedger], promise: Promise) -> None:
    """Allow for what a request in doubt may have counted, under each label set that fits."""
    amount = _ANY_AMOUNT if promise.is_unbounded else promise.amount
    for labels, ledger in ledgers.items():
        if promise.fits(labels):
            ledger.allow(promise.exchange, amount)


def _shown(gap: RecordGap, ids: TraceIds) -> RecordGap:
    """Return a gap with the ids that services log."""
    return replace(
        gap, missing_ids=ids.shown_all(gap.missing_ids), surplus_ids=ids.shown_all(gap.surplus_ids),
        rejected_ids=ids.shown_all(gap.rejected_ids),
    )  # fmt: skip


def _add_rows(
    ledgers: Mapping[Labels, RequestLedger], name: str, promises: Promises, traces: TraceReading
) -> Counter[Labels]:
    """Add the rows found to the ledgers; return how many belong to no request of the run."""
    strays = Counter[Labels]()
    for trace, labels, count in _scaled_rows(name, promises, traces):
        request = promises.trace_ids.request_of(trace)
        if request is None:
            strays[labels] += count
        elif labels in ledgers:
            ledgers[labels].find(*request, count)
    return _since_the_run(strays, name, promises, traces)
