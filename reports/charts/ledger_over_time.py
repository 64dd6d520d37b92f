"""Compute the ledger of one row over time, and what Prometheus showed beside it.

At a scrape, all that was confirmed before it began must be counted, and no more can be than was
sent before it ended; witnesses.prometheus.divergence dates a difference by the same bounds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from checks.case import Case
from checks.result import UsageRow
from scenarios.evidence.exchanges import Column
from scenarios.evidence.ledger import Weight, fits, moved_by
from scenarios.evidence.moves import RecordedAmounts
from scenarios.evidence.recording import Recording
from scenarios.language.amounts import of_quantity
from witnesses.prometheus.growth import Growth

_ROUNDING = 1e-9  # of sums of floats, which are for the eye only
_Part = tuple[Weight, Column, Column, Column]

_SLACK_S = 0.05  # by how much the clocks may differ


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts added up over time: ascending instants (epoch seconds, our clock), and the sums."""

    at: Column
    sums: Column

    def until(self, at: Column) -> Column:
        """Return the sums of all counts up to some instants."""
        found: Column = self.sums[np.searchsorted(self.at, at, side="right")]
        return found


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """What was confirmed until, and what was sent by, an instant."""

    confirmed: Totals
    sent: Totals


@dataclass(frozen=True, slots=True)
class Bounds:
    """At some scrapes: what Prometheus showed, and between which counts it must lie.

    `distance` is by how much it lies outside; `scrapes` is the number of all scrapes.
    """

    at: Column
    grown: Column
    confirmed: Column
    sent: Column
    distance: Column
    scrapes: int

    def rows(self) -> Iterator[tuple[float, float, float, float, float]]:
        """Yield instant, Prometheus' count, lower bound, upper bound and distance."""
        columns = (self.at, self.grown, self.confirmed, self.sent, self.distance)
        yield from zip(*(each.tolist() for each in columns), strict=True)


def totals_of(case: Case, row: UsageRow) -> LedgerTotals:
    """Return the ledger of one row over time, over all phases and generators."""
    parts = [part for recording in case.recordings for part in _moves(case, row, recording)]
    confirmed = _totals([(done_s, n) for weight, _, done_s, n in parts
                         if weight is Weight.CONFIRMED])  # fmt: skip
    return LedgerTotals(confirmed, _totals([(sent_s, n) for _, sent_s, _, n in parts]))


def _moves(case: Case, row: UsageRow, recording: Recording) -> Iterator[_Part]:
    """Yield, by kind of exchange: its weight, when sent, when done, and how much each moved."""
    steps = {step.step: step for step in case.scenario.steps}
    exchanges, key = recording.exchanges, (row.quantity, row.label_values)
    rows, anchor_at = exchanges.rows, recording.start.anchor_at
    resolution = case.promises.resolution_of(row.quantity)
    recorded = RecordedAmounts(exchanges)
    for name, outcome, status, _ in exchanges.tally():
        moved = moved_by(case.scenario, steps[name], outcome, status)
        units = moved.constants.get(key, 0)
        entries = of_quantity(moved.entries, steps[name], row.quantity)
        if not (units or entries):
            continue
        kind = exchanges.is_of_kind(name, outcome, status)
        parts = [(moved.weight, rows[kind], np.full(np.count_nonzero(kind), units))]
        for weight, moves in moved.recorded(recorded, kind, entries) if entries else ():
            fitting = [fits((each.quantity, each.labels), key) for each in moves.keys]
            of_key = np.array(fitting, bool)[moves.rows["key"]]
            parts.append((weight, rows[moves.positions[of_key]], moves.rows["amount"][of_key]))
        for weight, chosen, amounts in parts:
            done_s = chosen["done_s"]
            if moved.is_reported:  # a later step was to see it, at a time that no row has
                done_s = np.full(len(chosen), rows["done_s"].max(initial=0.0))
            yield (
                weight, chosen["sent_s"] + anchor_at, done_s + anchor_at,
                amounts * float(resolution),
            )  # fmt: skip


def _totals(parts: Sequence[tuple[Column, Column]]) -> Totals:
    at = np.concatenate([np.empty(0), *(each for each, _ in parts)])
    amounts = np.concatenate([np.empty(0), *(each for _, each in parts)])
    order = np.argsort(at, kind="stable")
    return Totals(at[order], np.concatenate([[0], np.cumsum(amounts[order])]))


def bounds_at(growths: Sequence[Sequence[Growth]], totals: LedgerTotals, most: int) -> Bounds:
    """Return the bounds at no more than `most` scrapes, with the first that shows a difference."""
    instants = np.unique(np.array([each.at for series in growths for each in series]))
    grown = np.zeros(len(instants))
    stalest_at, answered_at = np.full(len(instants), np.inf), np.full(len(instants), -np.inf)
    for series in growths:
        table = np.array([(-np.inf, -np.inf, 0.0), *series], np.float64)
        latest = table[np.searchsorted(table[:, 0], instants, side="right") - 1]
        grown += latest[:, 2]
        stalest_at = np.minimum(stalest_at, latest[:, 0])
        answered_at = np.maximum(answered_at, latest[:, 1])
    low = totals.confirmed.until(stalest_at - _SLACK_S)
    high = totals.sent.until(answered_at + _SLACK_S)
    distance = np.minimum(0, grown - low) + np.maximum(0, grown - high)
    distance[np.abs(distance) < _ROUNDING * np.maximum(1, np.abs(grown))] = 0
    kept = _kept(distance, most)
    return Bounds(instants[kept], grown[kept], low[kept], high[kept], distance[kept],
                  len(instants))  # fmt: skip


def _kept(distance: Column, most: int) -> Column:
    """Return which scrapes are kept: evenly, and those around the first difference."""
    evenly = np.linspace(0, len(distance) - 1, min(most - 2, len(distance))).round().astype(int)
    first = int(np.argmax(distance != 0))
    return np.unique([*evenly, max(0, first - 1), first])
