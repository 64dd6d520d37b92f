"""Judge whether every use was counted exactly once: each quantity that the checks name."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import chain

from checks.balance.client import client_total
from checks.balance.figures import read_figures
from checks.balance.label_sentences import sentences_by_labels
from checks.balance.preconditions import judge_other_traffic, judge_preconditions
from checks.balance.relations import relation_finding, relation_rows
from checks.balance.rows import rows_of
from checks.balance.sentences import client_range
from checks.case import Case
from checks.judgement import Judgement
from checks.result import Code, Finding, Kind, UsageRow, finding_id
from checks.verdict import Verdict, worst
from checks.wording import amount_words, listed
from scenarios.language.amounts import in_units, text_of
from scenarios.language.templates import variables_in
from witnesses.figure import Reason, total_of

# Why a figure may show more when it is asked for again.
_MAY_BE_LATE = (Reason.RESTART_UNSEEN, Reason.REPLICA_UNSEEN, Reason.SERIES_ABSENT)

# Why the records of a row may be whole when they are asked for again.
_MAY_BE_WHOLE = (Reason.ROWS_REMOVED, Reason.API_DOWN, Reason.USAGE_INCOMPLETE)

_SHORT_RECORDS = (Code.LOST_ROW, Code.LOST_EVENT)

# What a late count looks like at the first answer: the counter lacks it, all witnesses lack it, or
# one of two counters does.
_SHORT_COUNTS = (Code.LOST_COUNT, Code.NOT_DONE, Code.SCRAPE_GAP)


def judge_usage(case: Case) -> Judgement:
    """Judge the quantities, and the preconditions that their figures rest on.

    Quantities that only this tenant's traffic moves come first: what strayed from them to another
    tenant is not other traffic.
    """
    preconditions = judge_preconditions(case)
    names = case.scenario.judged_quantities
    figures = read_figures(case, names)
    rows = {
        name: rows_of(case, name, figures[name], preconditions)
        for name in names
        if not case.scenario.quantities[name].shared
    }
    label = tenant_label(case)
    if label:
        preconditions.append(judge_other_traffic(case, _other_traffic(case, label, rows)))
    for name in names:
        if name not in rows:
            rows[name] = rows_of(case, name, figures[name], preconditions)
    findings = [_finding(case, name, rows[name]) for name in names]
    relations = relation_rows(case, rows)
    return Judgement(
        (
            *findings,
            *map(relation_finding, relations),
            *(each.finding for each in preconditions),
        ),
        tuple(chain.from_iterable(rows[name] for name in names)),
        relations=relations,
    )


def counters_fall_short(rows: Iterable[UsageRow]) -> bool:
    """Return whether a counter stands below what the client confirmed: it may only be late.

    A restart that nothing shows is one explanation of that, and lateness another. So it is where
    Prometheus has no series yet: a backend shows the samples of a new one seconds later.
    """
    return any(
        (row.code in _SHORT_COUNTS and row.verdict is Verdict.FAIL)
        or any(figure.reason in _MAY_BE_LATE for figure in row.figures.values())
        for row in rows
    )


def records_fall_short(rows: Iterable[UsageRow]) -> bool:
    """Return whether a database or a usage API lacks what the client confirmed: it may be late.

    An API that is busy, or has a page missing, may have it whole a moment later. Where rows by
    trace id, asked for after the count, are whole, rows may have come in between.
    """
    return any(
        (row.code in _SHORT_RECORDS and row.verdict is Verdict.FAIL)
        or any(each.reason in _MAY_BE_WHOLE for each in row.figures.values())
        for row in rows
    )


def counters_exceed(rows: Iterable[UsageRow]) -> bool:
    """Return whether a counter stands above the client: it may be that others count on it."""
    return any(row.code is Code.DOUBLE_COUNT and row.verdict is Verdict.FAIL for row in rows)


def tenant_label(case: Case) -> str:
    """Return the label by which the scenario's counters tell tenants apart, or ""."""
    matchers = (
        matcher
        for name, settings in case.scenario.quantities.items()
        if settings.prometheus and "tenant" in variables_in(settings.prometheus)
        for matcher in case.quantity(name).selector.matchers
    )
    return next((each.label for each in matchers if each.value == case.run.tenant), "")


def _other_traffic(
    case: Case, label: str, rows: Mapping[str, Sequence[UsageRow]]
) -> dict[str, dict[str, float]]:
    """Return what grew of other tenants (by job and metric) without the metrics that strayed."""
    strayed = {
        case.quantity(name).selector.metric
        for name, of_quantity in rows.items()
        for row in of_quantity
        if row.misplaced and row.misplaced.instead and row.misplaced.instead[0] == label
    }
    grown = case.services.of_other_tenants(label, case.run.tenant)
    kept = {
        job: {metric: amount for metric, amount in of_job.items() if metric not in strayed}
        for job, of_job in grown.items()
    }
    return {job: of_job for job, of_job in kept.items() if of_job}


def _finding(case: Case, name: str, rows: list[UsageRow]) -> Finding:
    verdict = worst(row.verdict for row in rows) if rows else Verdict.INCONCLUSIVE
    deciding = [row for row in rows if row.verdict is verdict]
    notable = deciding if verdict is not Verdict.PASS else [row for row in rows if row.code]
    witnesses = list(dict.fromkeys(witness for row in rows for witness in row.figures))
    resolution = case.quantity(name).precision.resolution
    total = client_total(case.ledger, name, resolution)
    since = [row.since for row in notable if row.since]
    observed = []
    for witness in witnesses:
        # The sum is for people: every row has been judged by itself.
        figures = (row.figures.get(witness) for row in rows)
        values = [figure.value for figure in figures if figure and figure.value is not None]
        observed.append(
            f"{witness} {amount_words(total_of(*values))}" if values else f"{witness} no data"
        )
    unit = rows[0].unit if rows else ""
    dated = [f"First seen in the scrape of {min(since):%H:%M:%S} UTC."] if since else []
    return Finding(
        finding_id("usage", name),
        f"usage {name}",
        Kind.USAGE,
        verdict,
        f"{client_range(total, unit)} counted once by {listed(['client', *witnesses])}"
        f"{_at_resolution(in_units(1, resolution))}",
        ", ".join(observed),
        " ".join([*sentences_by_labels(notable), *dated]),
        next((row.code for row in notable if row.code), None),
        _missing_declaration(name, deciding) if verdict is Verdict.INCONCLUSIVE else "",
    )


def _missing_declaration(name: str, rows: Iterable[UsageRow]) -> str:
    """Return which declaration is missing where Prometheus cannot be read, or ""."""
    reasons = {figure.reason for row in rows for figure in row.figures.values()}
    if Reason.PROMETHEUS_DOWN not in reasons:
        return ""
    return (f"usage {name}: Prometheus cannot be read; leave prometheus: out of the environment's "
            "file to declare that there is none, or correct it")  # fmt: skip


def _at_resolution(resolution: int | Fraction) -> str:
    """Report how finely amounts were compared, unless they are whole numbers."""
    return "" if resolution == 1 else f", compared at the resolution {text_of(resolution)}"
