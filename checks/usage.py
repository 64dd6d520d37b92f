"""Was every use counted exactly once? Each quantity, label by label, across the witnesses."""

from collections.abc import Iterable, Iterator, Mapping

from checks.case import Case
from checks.diagnosis import Statement, diagnose
from checks.result import ClientFigure, Code, Finding, Judgement, Kind, UsageRow
from checks.verdict import Verdict, worst
from checks.witnesses.figure import Figure, Figures, Labels
from checks.wording import listed
from scenarios.model import Quantity
from scenarios.selector import parse_selector
from scenarios.templates import compile_text

CLIENT, SERVICE, PROMETHEUS, DATABASE = "client", "service", "prometheus", "database"

Witnesses = Mapping[str, Figures]


def judge_usage(case: Case) -> Judgement:
    """Judge each quantity that the scenario's checks name."""
    findings: list[Finding] = []
    rows: list[UsageRow] = []
    for name in case.scenario.checks.usage:
        of_quantity = _rows(case, name)
        rows += of_quantity
        findings.append(_finding(name, of_quantity))
    return Judgement(tuple(findings), tuple(rows))


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


def _rows(case: Case, name: str) -> list[UsageRow]:
    quantity = case.scenario.quantities[name]
    witnesses = _witnesses(case, name, quantity)
    foreign = quantity.shared and not case.run.exclusive
    return [
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


def _witnesses(case: Case, name: str, quantity: Quantity) -> Witnesses:
    """Return the figures of each witness that the quantity names."""
    witnesses: dict[str, Figures] = {}
    if quantity.prometheus:
        selector = parse_selector(compile_text(quantity.prometheus)({"tenant": case.run.tenant}))
        witnesses[SERVICE] = case.services.figures(selector, quantity.by)
        witnesses[PROMETHEUS] = case.prometheus.figures(name, quantity.by)
    if quantity.database:
        witnesses[DATABASE] = case.databases.figures(name, len(quantity.by))
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
        yield f"{listed(labels)}: {detail}" if any(labels) else detail


def _first_code(rows: list[UsageRow]) -> Code | None:
    return next((row.code for row in rows if row.code), None)
