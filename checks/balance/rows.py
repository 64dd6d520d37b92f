"""What does each witness say of each count? The rows of the balance, one a set of labels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from checks.balance.diagnosis import Statement, diagnose
from checks.balance.divergence import date_differences
from checks.balance.doubt_resolution import go_astray
from checks.balance.per_request import Astray
from checks.balance.preconditions import TRAFFIC_OF_OTHERS, Doubt, Precondition
from checks.balance.wrong_labels import find_elsewhere
from checks.case import Case
from checks.result import ClientFigure, Code, UsageRow
from checks.verdict import Verdict
from scenarios.language.model import Quantity
from scenarios.language.selector import Selector, parse_selector
from scenarios.language.templates import compile_text
from witnesses.figure import Figure, Figures, Labels

CLIENT, SERVICE, PROMETHEUS, DATABASE = "client", "service", "prometheus", "database"

_LOST = "Exchanges of a worker are missing, so the client's figure is a lower bound only."

Witnesses = Mapping[str, Figures]


def rows_of(case: Case, name: str, preconditions: Sequence[Precondition]) -> list[UsageRow]:
    """Lay the figures of a quantity side by side, the ledger's labels first, and judge each."""
    quantity = case.scenario.quantities[name]
    doubts = _doubts(case, quantity, preconditions)
    witnesses = _witnesses(case, name, quantity, doubts)
    told = any(each.remark == TRAFFIC_OF_OTHERS for each in doubts)
    foreign = quantity.shared and (told or not case.run.exclusive)
    rows = [
        judge_row(
            name,
            dict(zip(quantity.by, labels, strict=False)),
            ClientFigure(
                case.ledger.confirmed.get((name, labels), 0),
                case.ledger.in_doubt.get((name, labels), 0),
            ),
            {witness: figures.at(labels) for witness, figures in witnesses.items()},
            foreign,
        )
        for labels in _all_labels(case, name, witnesses.values())
    ]
    rows = [_settled(case, row) for row in rows]
    if case.is_partial:
        rows = [_with_lower_bound(row) for row in rows]
    if all(row.verdict is not Verdict.FAIL for row in rows):
        return rows
    rows = _with_ids(case, rows)
    if not quantity.prometheus:
        return rows
    if not foreign:
        rows = date_differences(case, rows)
    if not case.run.exclusive:
        return find_elsewhere(rows, {})
    return find_elsewhere(rows, case.services.elsewhere(selector_of(case, quantity), quantity.by))


def _with_lower_bound(row: UsageRow) -> UsageRow:
    """Leave a row open whose client may have done more than is known: it lacks a worker's part."""
    figures = (row.service, row.prometheus, row.database)
    if any(figure is not None and figure < row.client.confirmed for figure in figures):
        return row
    return replace(
        row,
        verdict=Verdict.INCONCLUSIVE,
        code=Code.IN_DOUBT,
        detail=_LOST,
        remarks={**row.remarks, CLIENT: "at least, since exchanges are missing"},
    )


def _settled(case: Case, row: UsageRow) -> UsageRow:
    """Tell what of a count was in doubt until the database's trace ids settled it."""
    settled = case.narrowed.settled.get((row.quantity, row.label_values))
    if settled is None:
        return row
    number = settled.done + settled.not_done
    told = (
        f"{number:,} in doubt, settled by the database's trace ids: "
        f"{settled.done:,} done, {settled.not_done:,} not."
    )
    return replace(
        row,
        settled=(settled.done, settled.not_done),
        code=row.code or Code.IN_DOUBT,
        detail=f"{row.detail} {told}".strip(),
    )


def _with_ids(case: Case, rows: Sequence[UsageRow]) -> list[UsageRow]:
    """Name the requests whose rows are too few or too many, where the database stands apart."""
    wanted = {row.label_values for row in rows if _is_stored_wrong(row)}
    if not wanted:
        return list(rows)
    astray = go_astray(rows[0].quantity, wanted, case.promises, case.traces)
    return [_named(row, astray.get(row.label_values, Astray())) for row in rows]


def _is_stored_wrong(row: UsageRow) -> bool:
    return row.verdict is Verdict.FAIL and row.database not in (None, row.client.confirmed)


def _named(row: UsageRow, astray: Astray) -> UsageRow:
    told = [
        f"{number:,} {'request has' if number == 1 else 'requests have'} too {few} rows."
        for number, few in ((astray.missing_number, "few"), (astray.surplus_number, "many"))
        if number
    ]
    return replace(
        row,
        detail=" ".join([row.detail, *told]),
        missing=astray.missing,
        surplus=astray.surplus,
    )


def judge_row(
    quantity: str,
    labels: dict[str, str],
    client: ClientFigure,
    figures: Mapping[str, Figure],
    foreign: bool,
) -> UsageRow:
    """Judge one count. `foreign` tells that others' traffic may be in the witnesses' figures."""
    statement = Statement(client, figures, foreign)
    verdict, code, detail = diagnose(statement)
    return UsageRow(
        quantity=quantity,
        labels=labels,
        client=client,
        service=_value(figures, SERVICE),
        prometheus=_value(figures, PROMETHEUS),
        database=_value(figures, DATABASE),
        verdict=verdict,
        detail=detail,
        code=code,
        asked=(CLIENT, *figures),
        remarks={name: figure.remark for name, figure in figures.items() if figure.remark},
    )


def selector_of(case: Case, quantity: Quantity) -> Selector:
    """Return what a quantity selects in this run."""
    return parse_selector(compile_text(quantity.prometheus or "")({"tenant": case.run.tenant}))


def _doubts(case: Case, quantity: Quantity, preconditions: Sequence[Precondition]) -> list[Doubt]:
    """Return the doubts on what a quantity's counters rest on."""
    if not quantity.prometheus:
        return []
    jobs = case.services.jobs(selector_of(case, quantity).metric)
    return [
        doubt
        for precondition in preconditions
        for doubt in precondition.doubts
        if doubt.job in jobs
    ]


def _witnesses(case: Case, name: str, quantity: Quantity, doubts: Iterable[Doubt]) -> Witnesses:
    """Return the figures of each witness that the quantity names."""
    witnesses: dict[str, Figures] = {}
    if quantity.prometheus:
        witnesses[SERVICE] = case.services.figures(selector_of(case, quantity), quantity.by)
        has_others = quantity.shared and not case.run.exclusive
        witnesses[PROMETHEUS] = case.prometheus.figures(
            name, quantity.by, quantity.settle, has_others
        )
    if quantity.database:
        witnesses[DATABASE] = case.databases.figures(name, len(quantity.by))
    for doubt in doubts:
        for witness in doubt.witnesses:
            witnesses[witness] = doubt.cast_on(witnesses[witness])
    return witnesses


def _all_labels(case: Case, name: str, witnesses: Iterable[Figures]) -> list[Labels]:
    """Return the ledger's label values first, then any that only a witness has counted."""
    known = dict.fromkeys(labels for quantity, labels in case.ledger.counted() if quantity == name)
    seen = (
        labels
        for figures in witnesses
        for labels, figure in figures.by_labels.items()
        if figure.value
    )
    return list(known | dict.fromkeys(sorted(seen)))


def _value(figures: Mapping[str, Figure], witness: str) -> float | None:
    figure = figures.get(witness)
    return figure.value if figure else None
