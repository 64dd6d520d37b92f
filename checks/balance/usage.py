"""Was every use counted exactly once? Each quantity, label by label, across the witnesses."""

from collections.abc import Iterator, Mapping
from itertools import chain

from checks.balance.preconditions import examine, foreign_traffic
from checks.balance.rows import rows_of, selector_of
from checks.case import Case
from checks.result import Code, Finding, Judgement, Kind, UsageRow
from checks.verdict import Verdict, worst
from checks.wording import listed
from scenarios.language.templates import names_in

_MOST_NAMED = 5

Growth = dict[str, dict[str, float]]


def judge_usage(case: Case) -> Judgement:
    """Judge each quantity that the scenario's checks name, and what their witnesses rest on."""
    preconditions = examine(case)
    quantities = case.scenario.quantities
    labelled = [name for name in case.scenario.checks.usage if not quantities[name].shared]
    rows = {name: rows_of(case, name, preconditions) for name in labelled}
    label = tenant_label(case)
    if label:
        preconditions.append(foreign_traffic(case, _traffic_of_others(case, label, rows)))
    rows |= {
        name: rows_of(case, name, preconditions)
        for name in case.scenario.checks.usage
        if name not in rows
    }
    in_order = {name: rows[name] for name in case.scenario.checks.usage}
    findings = [_finding(name, of_quantity) for name, of_quantity in in_order.items()]
    checklist = [each.finding for each in preconditions]
    return Judgement((*findings, *checklist), tuple(chain.from_iterable(in_order.values())))


def falls_short(case: Case) -> bool:
    """Tell whether a counter stands below what the client confirmed: it may only be late."""
    return any(
        row.code in (Code.LOST_COUNT, Code.NOT_DONE, Code.SCRAPE_GAP)
        and row.verdict is Verdict.FAIL
        for row in judge_usage(case).usage
    )


def tenant_label(case: Case) -> str:
    """Return the label by which the scenario's counters tell tenants apart, or ""."""
    matchers = (
        matcher
        for quantity in case.scenario.quantities.values()
        if quantity.prometheus and "tenant" in names_in(quantity.prometheus)
        for matcher in selector_of(case, quantity).matchers
    )
    return next((each.label for each in matchers if each.value == case.run.tenant), "")


def _traffic_of_others(case: Case, label: str, rows: Mapping[str, list[UsageRow]]) -> Growth:
    """Return what counters of other tenants grew by, but for what strayed to them from ours."""
    strayed = {
        selector_of(case, case.scenario.quantities[name]).metric
        for name, of_quantity in rows.items()
        if any(f"{label}=" in row.detail for row in of_quantity if row.code is Code.WRONG_LABEL)
    }
    grown = case.services.others(label, case.run.tenant)
    kept = {
        job: {metric: amount for metric, amount in of_job.items() if metric not in strayed}
        for job, of_job in grown.items()
    }
    return {job: of_job for job, of_job in kept.items() if of_job}


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
        detail=" ".join([*_told_together(told), *_since(told)]),
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


def _since(rows: list[UsageRow]) -> Iterator[str]:
    """Say when the first scrape began that shows any of the differences."""
    instants = [row.since for row in rows if row.since]
    if instants:
        yield f"It shows since the scrape of {min(instants):%H:%M:%S} UTC."


def _few(labels: list[str]) -> str:
    more = len(labels) - _MOST_NAMED
    return listed([*labels[:_MOST_NAMED], f"{more:,} more"] if more > 0 else labels)


def _first_code(rows: list[UsageRow]) -> Code | None:
    return next((row.code for row in rows if row.code), None)
