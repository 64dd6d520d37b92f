"""Lay the figures of a quantity side by side: one row per set of labels, each judged."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from checks.balance.client import client_total
from checks.balance.diagnosis import Statement, diagnose
from checks.balance.divergence import date_differences
from checks.balance.doubt_resolution import find_record_gaps
from checks.balance.foreign_counts import doubt_excess
from checks.balance.preconditions import Precondition, cast_doubts, doubts_on
from checks.balance.unseen_replicas import doubt_shortfall, may_lack_replica
from checks.balance.wrong_labels import find_misplaced
from checks.case import Case
from checks.result import ClientFigure, Code, RecordGap, UsageRow
from checks.verdict import Verdict
from scenarios.language.amounts import in_units
from scenarios.language.quantities import Expectation
from witnesses.figure import Figure, Figures, Labels, Reason, total_of
from witnesses.model import CountedQuantity, Moment, RecordKind
from witnesses.prometheus.reading import NAME as PROMETHEUS
from witnesses.service.reading import NAME as SERVICE
from witnesses.service.shortfall import shortfall_doubt

# More was counted than was done.
_MORE = (Code.DOUBLE_COUNT, Code.EXTRA_ROW, Code.DOUBLE_EVENT, Code.FOREIGN_TRAFFIC)


def rows_of(
    case: Case,
    name: str,
    figures: Mapping[str, Figures],
    preconditions: Sequence[Precondition],
) -> list[UsageRow]:
    """Return the rows of a quantity, the ledger's labels first; `figures` are by witness.

    A row that fails is looked into: the requests behind it, since when, and under which label.
    """
    quantity = case.quantity(name)
    doubts = doubts_on(case, quantity, preconditions)
    figures = cast_doubts(figures, doubts)
    has_other_traffic = quantity.settings.shared and (
        not case.run.exclusive or any(doubt.reason is Reason.OTHER_TRAFFIC for doubt in doubts)
    )
    keeps = {witness.name: witness.keeps for witness in case.witnesses}

    def rows_by(figures: Mapping[str, Figures]) -> list[UsageRow]:
        doubt = _doubt_of_shortfall(case, quantity, figures)
        lacks_replica = may_lack_replica(case, quantity, figures)

        def doubted(of_row: Mapping[str, Figure], client: ClientFigure) -> Mapping[str, Figure]:
            if doubt:
                of_row = _doubted_by_shortfall(of_row, client, *doubt)
            return doubt_shortfall(of_row, client) if lacks_replica else of_row

        return [
            _row(case, quantity, labels, figures, keeps, has_other_traffic, doubted)
            for labels in _all_labels(case, name, figures.values())
        ]

    rows = rows_by(figures)
    if any(row.code is Code.DOUBLE_COUNT for row in rows):
        rows = rows_by(doubt_excess(case, quantity, figures))
    return _explained(case, quantity, rows, keeps, has_other_traffic)


def _explained(
    case: Case, quantity: CountedQuantity, rows: list[UsageRow], keeps: Mapping[str, RecordKind],
    has_other_traffic: bool,
) -> list[UsageRow]:  # fmt: skip
    """Return the rows with what is behind a failing one."""
    if all(_is_empty(row) for row in rows):
        return [
            replace(row, verdict=Verdict.INCONCLUSIVE, code=Code.NOTHING_COUNTED) for row in rows
        ]
    rows = _compared_by_request(case, rows, keeps)
    if all(row.verdict is not Verdict.FAIL for row in rows):
        return rows
    rows = _with_possible_causes(case, quantity.name, _misplaced_in_records(rows, keeps))
    if not quantity.settings.prometheus:
        return rows
    if not has_other_traffic:
        rows = date_differences(case, rows)
    beside = case.services.beside(quantity) if case.run.exclusive else {}
    # its metrics may be shown to Prometheus alone
    counter = SERVICE if any(SERVICE in row.figures for row in rows) else PROMETHEUS
    return find_misplaced(rows, beside, counter)


def _with_possible_causes(case: Case, name: str, rows: list[UsageRow]) -> list[UsageRow]:
    """Add to rows with too much what may have counted it: hang-ups, and what was rejected."""
    hang_ups = sum(1 for _ in case.promises.hang_ups(name))
    rejections = case.promises.rejections(name)
    return [
        replace(row, hang_ups=hang_ups, rejections=rejections)
        if row.verdict is Verdict.FAIL and row.code in _MORE
        else row
        for row in rows
    ]


def _misplaced_in_records(rows: list[UsageRow], keeps: Mapping[str, RecordKind]) -> list[UsageRow]:
    for name, kind in keeps.items():
        if kind is not RecordKind.COUNTER and all(row.misplaced is None for row in rows):
            rows = find_misplaced(rows, {}, name)
    return rows


def judge_row(
    quantity: str,
    labels: dict[str, str],
    client: ClientFigure,
    figures: Mapping[str, Figure],
    keeps: Mapping[str, RecordKind],
    has_other_traffic: bool,
    in_doubt_limit: float = 1.0,
    least_witnesses: int | None = None,
) -> UsageRow:
    """Judge one count by what each witness reports of it."""
    statement = Statement(
        client, figures, keeps, has_other_traffic, in_doubt_limit, least_witnesses
    )
    verdict, code = diagnose(statement)
    return UsageRow(
        quantity, labels, client, dict(figures), verdict, code,
        has_other_traffic=has_other_traffic, least_witnesses=least_witnesses,
    )  # fmt: skip


def _row(
    case: Case,
    quantity: CountedQuantity,
    labels: Labels,
    figures: Mapping[str, Figures],
    keeps: Mapping[str, RecordKind],
    has_other_traffic: bool,
    doubted: Callable[[Mapping[str, Figure], ClientFigure], Mapping[str, Figure]],
) -> UsageRow:
    key = quantity.name, labels
    resolution = quantity.precision.resolution
    confirmed = in_units(case.ledger.confirmed.get(key, 0), resolution)
    doubt = case.ledger.doubt_of(key)
    allows_more = quantity.settings.expect is Expectation.AT_LEAST
    in_doubt = in_units(doubt.amount, resolution)
    client = ClientFigure(
        confirmed, in_doubt, case.is_partial, doubt.is_unbounded, allows_more,
        in_units(case.ledger.after_hang_up.get(key, 0), resolution),
    )  # fmt: skip
    of_row = {name: _doubted_by_growth(of.at(labels), client) for name, of in figures.items()}
    row = judge_row(
        quantity.name,
        dict(zip(quantity.labels, labels, strict=False)),
        client,
        doubted(of_row, client),
        keeps,
        has_other_traffic,
        quantity.settings.in_doubt,
        case.scenario.least_witnesses(quantity.name),
    )
    row = replace(row, unit=quantity.settings.unit, resolution=in_units(1, resolution))
    resolved = case.resolution.resolved.get(key)
    if resolved:
        row = replace(row, resolved=resolved, code=row.code or Code.IN_DOUBT)
    values = (figure.value for figure in row.figures.values())
    falls_short = any(value is not None and value < client.confirmed for value in values)
    # A client of which not all is known may have done more; it has not done less.
    if case.is_partial and not falls_short:
        return replace(row, verdict=Verdict.INCONCLUSIVE, code=Code.IN_DOUBT)
    return row


def _doubted_by_growth(figure: Figure, client: ClientFigure) -> Figure:
    """Return a figure with a doubt if it grew further when it had all of the client's already.

    client  20     at the last response  21     later  23: others count on it
                                         15            21: late, and one too many
    """
    if not figure.late or figure.value is None or figure.value <= client.most:
        return figure
    had_all = figure.value - figure.late >= client.confirmed
    return figure.doubted(Reason.MOVED_AFTER) if had_all else figure


def _doubt_of_shortfall(
    case: Case, quantity: CountedQuantity, figures: Mapping[str, Figures]
) -> tuple[Reason, str] | None:
    """Return why the pages can fall short in all though nothing was lost, or None.

    Not where one label has less and another more: a restart moves no count.
    """
    if SERVICE not in figures:
        return None
    client = client_total(case.ledger, quantity.name, quantity.precision.resolution)
    values = (figure.value or 0 for figure in figures[SERVICE].by_labels.values())
    is_short = total_of(*values) < client.confirmed
    return shortfall_doubt(case.services, quantity, float(client.most)) if is_short else None


def _doubted_by_shortfall(
    figures: Mapping[str, Figure], client: ClientFigure, reason: Reason, detail: str
) -> Mapping[str, Figure]:
    """Return the figures of a row, with a doubt in the counters that fall short.

    A Prometheus with an exact figure has seen the counter go on, unless another counter fell.
    """
    prometheus = figures.get(PROMETHEUS)
    has_fallen = reason is Reason.COUNTER_FELL
    if not has_fallen and prometheus is not None and prometheus.is_exact:
        return figures
    doubted = (SERVICE, PROMETHEUS) if has_fallen else (SERVICE,)
    return {
        name: figure.doubted(reason, detail)
        if name in doubted and figure.value is not None and figure.value < client.confirmed
        else figure
        for name, figure in figures.items()
    }


def _is_empty(row: UsageRow) -> bool:
    """Return whether the client counted nothing, and every witness agrees."""
    values = (figure.value for figure in row.figures.values())
    is_idle = not row.client.confirmed and not row.client.is_in_doubt
    return row.verdict is Verdict.PASS and is_idle and not any(values)


def _compared_by_request(
    case: Case, rows: Sequence[UsageRow], keeps: Mapping[str, RecordKind]
) -> list[UsageRow]:
    """Compare the records of each request with what it must have counted, where they stand apart.

    A loss and a duplicate cancel in every total: a row whose totals agree fails for its requests.
    """
    if not case.traces.knows(rows[0].quantity):
        return list(rows)
    keepers = [name for name, kind in keeps.items() if kind is RecordKind.RECORDS]
    wanted = {
        row.label_values
        for row in rows
        for name in keepers
        if name in row.figures
        and (row.verdict is Verdict.PASS or _stands_apart(row, row.figures[name]))
    }
    name = rows[0].quantity
    gaps = find_record_gaps(name, wanted, case.promises, case.traces, case.sent_at)
    traced = case.traces.stores.get(name)
    counts_after = {
        each.name: each.counts_at(Moment.AFTER, name, len(rows[0].label_values)) or {}
        for each in case.traces.databases
        if each.store == traced
    }
    compared = (_with_gap(row, gaps.get(row.label_values)) for row in rows)
    return [_without_removed_rows(row, counts_after, keeps) for row in compared]


def _without_removed_rows(
    row: UsageRow,
    counts_after: Mapping[str, Mapping[Labels, Fraction]],
    keeps: Mapping[str, RecordKind],
) -> UsageRow:
    """Return a row with a doubt in the records that fall short though each request has its own.

    count    before 40   after 54        10 short, of 24
    traces   24 requests, 24 rows        so 10 rows of before were removed meanwhile

    A count after the run of less than 24 does not hold all 24 rows, whatever was removed.
    """
    short = [
        name
        for name, counts in counts_after.items()
        if _falls_short(row, name) and counts.get(row.label_values, 0) >= row.client.confirmed
    ]
    if not short or row.records is None or not row.records.is_whole:
        return row
    figures = {
        name: figure.doubted(Reason.ROWS_REMOVED) if name in short else figure
        for name, figure in row.figures.items()
    }
    verdict, code = diagnose(
        Statement(row.client, figures, keeps, row.has_other_traffic, least=row.least_witnesses)
    )
    return replace(row, figures=figures, verdict=verdict, code=code)


def _falls_short(row: UsageRow, name: str) -> bool:
    value = row.figures[name].value if name in row.figures else None
    return row.verdict is Verdict.FAIL and value is not None and value < row.client.confirmed


def _stands_apart(row: UsageRow, figure: Figure) -> bool:
    return row.verdict is Verdict.FAIL and figure.value not in (None, row.client.confirmed)


def _with_gap(row: UsageRow, gap: RecordGap | None) -> UsageRow:
    if row.verdict is not Verdict.PASS:
        return replace(row, code=_code_by_request(row, gap), records=gap)
    if gap is None or not gap.missing:
        return replace(row, records=gap) if gap and gap.rejected else row
    return replace(row, verdict=Verdict.FAIL, code=Code.LOST_ROW, records=gap)


def _code_by_request(row: UsageRow, gap: RecordGap | None) -> Code | None:
    """Return the code of a row that has too much, by the requests that have too much."""
    if gap is None or row.code not in _MORE:
        return row.code
    if 0 < gap.surplus == gap.after_hang_up:
        return Code.AFTER_HANG_UP
    return Code.COUNTED_THOUGH_REJECTED if gap.rejected and not gap.surplus else row.code


def _all_labels(case: Case, name: str, figures: Iterable[Figures]) -> list[Labels]:
    """Return the ledger's label values first, then any that only a witness has counted."""
    known = dict.fromkeys(labels for quantity, labels in case.ledger.counted() if quantity == name)
    counted = (
        labels
        for of_witness in figures
        for labels, figure in of_witness.by_labels.items()
        if figure.value
    )
    return list(known | dict.fromkeys(sorted(counted)))
