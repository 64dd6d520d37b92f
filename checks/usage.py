"""Was every use counted exactly once? Each quantity, label by label, across the witnesses."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from checks.case import Case
from checks.diagnosis import Statement, diagnose
from checks.labels import find_elsewhere
from checks.preconditions import (
    TRAFFIC_OF_OTHERS,
    Doubt,
    Precondition,
    examine,
    foreign_traffic,
)
from checks.result import ClientFigure, Code, Finding, Judgement, Kind, UsageRow
from checks.verdict import Verdict, worst
from checks.witnesses.figure import Figure, Figures, Labels
from checks.wording import listed
from scenarios.model import Quantity
from scenarios.selector import Selector, parse_selector
from scenarios.templates import compile_text, names_in

CLIENT, SERVICE, PROMETHEUS, DATABASE = "client", "service", "prometheus", "database"

_MOST_NAMED = 5

Witnesses = Mapping[str, Figures]
Growth = dict[str, dict[str, float]]


def judge_usage(case: Case) -> Judgement:
    """Judge each quantity that the scenario's checks name, and what their witnesses rest on."""
    preconditions = examine(case)
    labelled = [name for name in case.scenario.checks.usage if not _is_shared(case, name)]
    rows = {name: _rows(case, name, preconditions) for name in labelled}
    if tenant_label(case):
        preconditions.append(foreign_traffic(case, _traffic_of_others(case, rows)))
    rows |= {
        name: _rows(case, name, preconditions)
        for name in case.scenario.checks.usage
        if name not in rows
    }
    in_order = {name: rows[name] for name in case.scenario.checks.usage}
    findings = [_finding(name, of_quantity) for name, of_quantity in in_order.items()]
    checklist = [each.finding for each in preconditions]
    return Judgement((*findings, *checklist), tuple(chain.from_iterable(in_order.values())))


def tenant_label(case: Case) -> str:
    """Return the label by which the scenario's counters tell tenants apart, or ""."""
    matchers = (
        matcher
        for quantity in case.scenario.quantities.values()
        if quantity.prometheus and "tenant" in names_in(quantity.prometheus)
        for matcher in _selector(case, quantity).matchers
    )
    return next((each.label for each in matchers if each.value == case.run.tenant), "")


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


def _is_shared(case: Case, name: str) -> bool:
    return case.scenario.quantities[name].shared


def _selector(case: Case, quantity: Quantity) -> Selector:
    return parse_selector(compile_text(quantity.prometheus or "")({"tenant": case.run.tenant}))


def _traffic_of_others(case: Case, rows: Mapping[str, list[UsageRow]]) -> Growth:
    """Return what counters of other tenants grew by, but for what strayed to them from ours."""
    label = tenant_label(case)
    strayed = {
        _selector(case, case.scenario.quantities[name]).metric
        for name, of_quantity in rows.items()
        if any(f"{label}=" in row.detail for row in of_quantity if row.code is Code.WRONG_LABEL)
    }
    grown = case.services.others(label, case.run.tenant)
    kept = {
        job: {metric: amount for metric, amount in of_job.items() if metric not in strayed}
        for job, of_job in grown.items()
    }
    return {job: of_job for job, of_job in kept.items() if of_job}


def _rows(case: Case, name: str, preconditions: Sequence[Precondition]) -> list[UsageRow]:
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
    if not quantity.prometheus or all(row.verdict is not Verdict.FAIL for row in rows):
        return rows
    elsewhere = case.services.elsewhere(_selector(case, quantity), quantity.by)
    return find_elsewhere(rows, elsewhere if case.run.exclusive else {})


def _doubts(case: Case, quantity: Quantity, preconditions: Sequence[Precondition]) -> list[Doubt]:
    """Return the doubts on what a quantity's counters rest on."""
    if not quantity.prometheus:
        return []
    jobs = case.services.jobs(_selector(case, quantity).metric)
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
        witnesses[SERVICE] = case.services.figures(_selector(case, quantity), quantity.by)
        witnesses[PROMETHEUS] = case.prometheus.figures(name, quantity.by)
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


def _finding(name: str, rows: list[UsageRow]) -> Finding:
    verdict = worst(row.verdict for row in rows)
    deciding = [row for row in rows if row.verdict is verdict]
    told = deciding if verdict is not Verdict.PASS else [row for row in rows if row.code]
    return Finding(
        check=f"usage {name}",
        kind=Kind.USAGE,
        verdict=verdict,
        expected=f"{_expected(rows)} counted once by {listed(_asked(rows))}",
        observed=_observed(rows),
        detail=" ".join(_told_together(told)),
        code=_first_code(told),
    )


def _expected(rows: list[UsageRow]) -> str:
    low = sum(row.client.confirmed for row in rows)
    doubt = sum(row.client.in_doubt for row in rows)
    return f"{low:,} to {low + doubt:,}" if doubt else f"{low:,}"


def _observed(rows: list[UsageRow]) -> str:
    """Say each witness' sum, for people; the verdict never rests on it."""
    told = []
    for witness in _asked(rows)[1:]:
        values = [getattr(row, witness) for row in rows]
        known = [value for value in values if value is not None]
        told.append(f"{witness} {sum(known):,.0f}" if known else f"{witness} no data")
    return ", ".join(told)


def _asked(rows: list[UsageRow]) -> list[str]:
    return list(dict.fromkeys(witness for row in rows for witness in row.asked))


def _told_together(rows: list[UsageRow]) -> Iterator[str]:
    """Say a sentence once, for all the label values that it holds for."""
    values: dict[str, list[str]] = {}
    for row in rows:
        values.setdefault(row.detail, []).append(", ".join(row.labels.values()))
    for detail, labels in values.items():
        yield f"{_few(labels)}: {detail}" if any(labels) else detail


def _few(labels: list[str]) -> str:
    more = len(labels) - _MOST_NAMED
    return listed([*labels[:_MOST_NAMED], f"{more:,} more"] if more > 0 else labels)


def _first_code(rows: list[UsageRow]) -> Code | None:
    return next((row.code for row in rows if row.code), None)
