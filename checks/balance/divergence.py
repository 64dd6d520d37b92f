"""Since when does Prometheus' figure differ from what the client did?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from checks.case import Case
from checks.result import UsageRow
from checks.verdict import Verdict
from scenarios.evidence.ledger import Weight
from witnesses.figure import Labels
from witnesses.prometheus.divergence import Move, differs_since


def date_differences(case: Case, rows: Sequence[UsageRow]) -> list[UsageRow]:
    """Return one quantity's rows; where Prometheus differs, with the first scrape that shows it."""
    differing = {row.label_values for row in rows if _differs(row)}
    if not differing:
        return list(rows)
    name = rows[0].quantity
    moves = _moves(case, name, differing)
    growths = case.prometheus.growths(name, tuple(rows[0].labels), differing)
    since = {labels: differs_since(growths.get(labels, ()), moves[labels]) for labels in differing}
    return [_dated(case, row, since.get(row.label_values)) for row in rows]


def _differs(row: UsageRow) -> bool:
    """Tell whether an exact figure of Prometheus contradicts the client."""
    if row.verdict is not Verdict.FAIL or row.prometheus is None or "prometheus" in row.remarks:
        return False
    most = row.client.confirmed + row.client.in_doubt
    return not row.client.confirmed <= row.prometheus <= most


def _moves(case: Case, name: str, wanted: set[Labels]) -> Mapping[Labels, list[Move]]:
    """Return what every exchange moved of a quantity, on Prometheus' clock."""
    anchors = _anchors(case)
    moves: dict[Labels, list[Move]] = {labels: [] for labels in wanted}
    for weight in (Weight.SURE, Weight.IN_DOUBT):
        for exchange, labels, amount in case.promises.of(name, weight):
            if labels in wanted:
                at, sure = anchors[exchange.generator], weight is Weight.SURE
                move = Move(at + exchange.sent_s, at + exchange.done_s, amount, sure)
                moves[labels].append(move)
    return moves


def _anchors(case: Case) -> dict[str, float]:
    """Return each generator's time 0 on Prometheus' clock, in epoch seconds."""
    return {
        recording.start.generator: recording.start.anchor_at + case.prometheus.reading.skew_s
        for driven in case.driven
        for recording in driven.recordings
    }


def _dated(case: Case, row: UsageRow, at: float | None) -> UsageRow:
    if at is None:
        return row
    return replace(row, since=datetime.fromtimestamp(at - case.prometheus.reading.skew_s, UTC))
