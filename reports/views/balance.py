"""What did each witness count, and where do the books not agree?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from checks.result import ClientFigure, Result, UsageRow
from checks.verdict import Verdict, worst
from reports import formatting as write
from reports.views.ordering import failing_first

WITNESSES = ("service", "prometheus", "database")
FOLD_ABOVE = 12


@dataclass(frozen=True, slots=True)
class Named:
    """Requests whose rows are too few or too many, by their X-Trace-ID."""

    what: str
    trace_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """One quantity under one set of labels as people read it; `notes` belong under the row."""

    quantity: str
    labels: str
    client: str
    service: str
    prometheus: str
    database: str
    difference: str
    verdict: Verdict
    code: str
    notes: tuple[str, ...]
    short_labels: str = ""
    requests: tuple[Named, ...] = ()

    @property
    def name(self) -> str:
        """The quantity with its labels' values, for narrow places."""
        return f"{self.quantity} {self.short_labels}".strip()


@dataclass(frozen=True, slots=True)
class Balance:
    """The rows that are shown at once, and those that are folded since all witnesses agree.

    Folded rows are summed by quantity among the shown ones.
    """

    shown: list[BalanceRow]
    folded: list[BalanceRow]


def balance_rows(result: Result) -> list[BalanceRow]:
    """Return every row, failing ones first."""
    return failing_first([_row(each) for each in result.usage])


def fold_balance(result: Result, most: int = FOLD_ABOVE) -> Balance:
    """Fold the rows without anything to say where there are more than `most`."""
    if len(result.usage) <= most:
        return Balance(balance_rows(result), [])
    quiet = [each for each in result.usage if _is_quiet(each)]
    loud = [_row(each) for each in result.usage if not _is_quiet(each)]
    return Balance([*failing_first(loud), *_totals(quiet)], [_row(each) for each in quiet])


def _is_quiet(row: UsageRow) -> bool:
    return row.verdict is Verdict.PASS and not _notes(row)


def _row(row: UsageRow) -> BalanceRow:
    figures = (_figure(row, witness) for witness in WITNESSES)
    service, prometheus, database = figures
    return BalanceRow(
        quantity=row.quantity,
        labels=", ".join(f"{name}={value}" for name, value in row.labels.items()),
        client=_client(row.client),
        service=service,
        prometheus=prometheus,
        database=database,
        difference=_difference(row),
        verdict=row.verdict,
        code=row.code or "",
        notes=_notes(row),
        short_labels=" ".join(row.labels.values()),
        requests=_requests(row),
    )


def _requests(row: UsageRow) -> tuple[Named, ...]:
    """Name the requests, which the services' logs know by the same ids."""
    told = (("Too few rows", row.missing), ("Too many rows", row.surplus))
    return tuple(Named(f"{what}: the first by X-Trace-ID", ids) for what, ids in told if ids)


def _client(figure: ClientFigure) -> str:
    return write.render_range(figure.confirmed, figure.confirmed + figure.in_doubt)


def _value(row: UsageRow, witness: str) -> float | None:
    figures = {"service": row.service, "prometheus": row.prometheus, "database": row.database}
    return figures[witness]


def _figure(row: UsageRow, witness: str) -> str:
    value = _value(row, witness)
    if value is None and witness not in row.asked:
        return write.NOT_ASKED
    at_least = "≥ " if value is not None and witness in row.remarks else ""
    return at_least + write.render_count(value)


def _difference(row: UsageRow) -> str:
    """Write the largest distance of a witness from what the client may have counted.

    A lower bound tells a distance only where it lies above the client's figure.
    """
    distances = [_distance(row, each) for each in WITNESSES]
    known = [distance for distance in distances if distance is not None]
    return write.render_difference(max(known, key=abs)) if known else write.NO_DATA


def _distance(row: UsageRow, witness: str) -> float | None:
    value = _value(row, witness)
    if value is None:
        return None
    most = row.client.confirmed + row.client.in_doubt
    distance = value - min(max(value, row.client.confirmed), most)
    return None if witness in row.remarks and value <= most else distance


def _notes(row: UsageRow) -> tuple[str, ...]:
    """Return the row's sentence, then each witness' remark; a row that differs has at least one."""
    said = [row.detail] if row.detail else []
    said += [f"{witness}: {remark}" for witness, remark in row.remarks.items()
             if remark not in row.detail]  # fmt: skip
    said += [f"It shows since the scrape of {write.render_utc(row.since)}."] if row.since else []
    if not said and row.verdict is not Verdict.PASS:
        said = [f"Worst difference from the client: {_difference(row)}."]
    return tuple(said)


def _totals(rows: Sequence[UsageRow]) -> list[BalanceRow]:
    by_quantity: dict[str, list[UsageRow]] = {}
    for row in rows:
        by_quantity.setdefault(row.quantity, []).append(row)
    return [_total(each) for each in by_quantity.values()]


def _total(rows: list[UsageRow]) -> BalanceRow:
    """Sum rows that agree one by one: a figure for people, which judges nothing."""
    client = ClientFigure(sum(row.client.confirmed for row in rows),
                          sum(row.client.in_doubt for row in rows))  # fmt: skip
    total = replace(
        rows[0],
        client=client,
        service=_sum(rows, "service"),
        prometheus=_sum(rows, "prometheus"),
        database=_sum(rows, "database"),
        verdict=worst(row.verdict for row in rows),
        asked=tuple({witness for row in rows for witness in row.asked}),
    )
    if len(rows) == 1:
        return _row(total)
    labels = f"{len(rows):,} rows together"
    return replace(_row(total), labels=labels, short_labels=f"({labels})")


def _sum(rows: list[UsageRow], witness: str) -> float | None:
    values = [_value(row, witness) for row in rows]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
