"""Date the differences of Prometheus: the first scrape that shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import inf

from checks.case import Case
from checks.result import UsageRow
from checks.verdict import Verdict
from scenarios.evidence.ledger import Weight
from scenarios.language.amounts import in_units
from witnesses.figure import Labels
from witnesses.prometheus.divergence import DatedCount, differs_since
from witnesses.prometheus.reading import NAME as PROMETHEUS


def date_differences(case: Case, rows: Sequence[UsageRow]) -> list[UsageRow]:
    """Return one quantity's rows; where Prometheus differs, with the first scrape that shows it."""
    differing = {row.label_values for row in rows if _differs(row)}
    if not differing:
        return list(rows)
    name, skew_s = rows[0].quantity, case.prometheus.collection.skew_s
    moves = _moves(case, name, differing)
    growths = case.prometheus.growths(case.quantity(name), tuple(rows[0].labels), differing)
    since = {labels: differs_since(growths.get(labels, ()), moves[labels]) for labels in differing}
    return [
        row
        if (at := since.get(row.label_values)) is None
        else replace(row, since=datetime.fromtimestamp(at - skew_s, UTC))
        for row in rows
    ]


def _differs(row: UsageRow) -> bool:
    """Return whether an exact figure of Prometheus contradicts the client."""
    figure = row.figures.get(PROMETHEUS)
    if row.verdict is not Verdict.FAIL or figure is None or not figure.is_exact:
        return False
    return not row.client.confirmed <= (figure.value or 0) <= row.client.most


def _moves(case: Case, name: str, wanted: set[Labels]) -> Mapping[Labels, list[DatedCount]]:
    """Return what every exchange moved of a quantity, on Prometheus' clock (epoch seconds)."""
    skew_s, resolution = case.prometheus.collection.skew_s, case.promises.resolution_of(name)
    anchors = {
        recording.start.generator: recording.start.anchor_at + skew_s
        for driven in case.driven
        for recording in driven.recordings
    }
    moves: dict[Labels, list[DatedCount]] = {labels: [] for labels in wanted}
    for weight in (Weight.CONFIRMED, Weight.IN_DOUBT):
        for promise in case.promises.of(name, weight):
            exchange, is_confirmed = promise.exchange, weight is Weight.CONFIRMED
            at = anchors[exchange.generator]
            by = inf if promise.is_unbounded else in_units(promise.amount, resolution)
            move = DatedCount(at + exchange.sent_s, at + exchange.done_s, by, is_confirmed)
            for labels in filter(promise.fits, wanted):
                moves[labels].append(move)
    return moves
