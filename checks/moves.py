"""Since when does Prometheus' figure differ from what the client did?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from checks.case import Case
from checks.result import UsageRow
from checks.verdict import Verdict
from checks.witnesses.figure import Labels
from checks.witnesses.since import Move, differs_since
from scenarios.exchange import Exchange
from scenarios.ledger import Ledger, ledger_of


def date_differences(case: Case, rows: Sequence[UsageRow]) -> list[UsageRow]:
    """Return one quantity's rows; where Prometheus differs, with the first scrape that shows it."""
    differing = {_labels(row) for row in rows if _differs(row)}
    if not differing:
        return list(rows)
    name = rows[0].quantity
    moves = _moves(case, name, differing)
    growths = case.prometheus.growths(name, tuple(rows[0].labels), differing)
    since = {labels: differs_since(growths.get(labels, ()), moves[labels]) for labels in differing}
    return [_dated(case, row, since.get(_labels(row))) for row in rows]


def _differs(row: UsageRow) -> bool:
    """Tell whether an exact figure of Prometheus contradicts the client."""
    if row.verdict is not Verdict.FAIL or row.prometheus is None or "prometheus" in row.remarks:
        return False
    most = row.client.confirmed + row.client.in_doubt
    return not row.client.confirmed <= row.prometheus <= most


def _moves(case: Case, name: str, wanted: set[Labels]) -> Mapping[Labels, list[Move]]:
    """Return what every exchange moved of a quantity, on Prometheus' clock."""
    moves: dict[Labels, list[Move]] = {labels: [] for labels in wanted}
    left: dict[tuple[str, str, int | None], Ledger] = {}
    for exchange, anchor_at in _anchored(case):
        kind = exchange.step, str(exchange.outcome), exchange.status
        if kind not in left:
            left[kind] = ledger_of(case.scenario, [exchange])
        sent_at, done_at = anchor_at + exchange.sent_s, anchor_at + exchange.done_s
        for counted, sure in ((left[kind].confirmed, True), (left[kind].in_doubt, False)):
            for labels in wanted:
                amount = counted.get((name, labels), 0)
                if amount:
                    moves[labels].append(Move(sent_at, done_at, amount, sure))
    return moves


def _anchored(case: Case) -> Iterator[tuple[Exchange, float]]:
    for driven in case.driven:
        for recording in driven.recordings:
            anchor_at = recording.start.anchor_at + case.prometheus.reading.skew_s
            for exchange in recording.exchanges:
                yield exchange, anchor_at


def _dated(case: Case, row: UsageRow, at: float | None) -> UsageRow:
    if at is None:
        return row
    return replace(row, since=datetime.fromtimestamp(at - case.prometheus.reading.skew_s, UTC))


def _labels(row: UsageRow) -> Labels:
    return tuple(row.labels.values())
