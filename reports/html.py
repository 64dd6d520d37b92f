"""Render the HTML report: one file, without script or network, under its own strict policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from checks.result import Code, Finding, Result
from checks.verdict import Verdict
from reports import formatting as write
from reports.charts import steps
from reports.charts.model import NO_PICTURES, Picture, Pictures, Section
from reports.html_template import SizeLimits, render_page
from reports.views import availability, history, sections
from reports.views.balance import FOLD_ABOVE, columns_of, fold_balance, heading_of
from reports.views.banner import Banner, banner_of
from reports.views.failures import failure_rows
from reports.views.headline import open_findings
from reports.views.kept_reports import FindReport, no_report
from reports.views.kinds import findings_of_section
from reports.views.objectives import ObjectiveRow, objective_rows
from reports.views.ordering import HasVerdict, Table, cut_judged, cut_rows
from reports.views.origins import origin_rows
from reports.views.since import since_sentences
from reports.views.trace_links import trace_url

_ROWS_WITH_CHARTS = 50
_TABLE_PART = 2  # the data of a chart is shown in so much fewer rows than a table

FILES = (
    ("result.json", "every verdict and figure on this page"),
    ("junit.xml", "the checks, for the CI server"),
    ("summary.md", "this page, shorter"),
    ("evidence/", "what the run saw: exchanges, ledger, scrapes, query results"),
)
SECTIONS = (
    ("availability", "Availability"),
    ("objectives", "Objectives"),
    ("balance", "The balance"),
    ("flow", "Flow"),
    ("latency", "Latency"),
    ("server", "Server against client"),
    ("validity", "Validity"),
    ("failures", "Failures"),
    ("history", "History"),
    ("environment", "Environment"),
    ("files", "Files"),
)


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart within the limits of the page: `reason` is why it has no picture."""

    picture: Picture
    svg: str
    reason: str
    data: Table[tuple[str, ...]]


def sections_of(result: Result) -> tuple[tuple[str, str], ...]:
    """Return the sections of a page by id: only a watch has availability."""
    return tuple(each for each in SECTIONS if each[0] != "availability" or result.availability)


def render_html(
    result: Result, pictures: Pictures = NO_PICTURES, find_report: FindReport = no_report
) -> str:
    """Render the page under 400 KB: with shorter tables and texts where it must be.

    `find_report` returns the address of the report of an earlier run, or "".
    """
    objectives = objective_rows(result)
    banner = banner_of(result, objectives)
    content = {**_content(result, banner), "history_svg": history.draw_history(result, find_report)}
    judged, unjudged = _judged_rows(result, objectives), _unjudged_rows(result, find_report)

    def within(limits: SizeLimits) -> dict[str, object]:
        return {
            **content,
            "charts": _charts(pictures, limits),
            "no_charts": pictures.reason,
            "highlights": [each for each in pictures.pictures if each.highlight],
            **{name: cut_judged(rows, limits.rows) for name, rows in judged.items()},
            **{name: cut_rows(rows, limits.rows) for name, rows in unjudged.items()},
            "waterfall_svg": steps.draw_waterfall(result.waterfall[: limits.rows]),
            "steps_svg": steps.draw_intervals(result.latency[: limits.rows]),
        }

    return render_page("report.html.j2", within)


def _charts(pictures: Pictures, limits: SizeLimits) -> dict[str, list[ChartView]]:
    """Return the charts by section; a page that must be very short has no pictures."""
    return {
        str(section): [_chart_view(each, limits) for each in pictures.of(section)]
        for section in Section
    }


def _chart_view(picture: Picture, limits: SizeLimits) -> ChartView:
    is_small = picture.svg and limits.rows < _ROWS_WITH_CHARTS
    reason = "left out to keep this page small" if is_small else picture.reason
    data = cut_rows(picture.rows, limits.rows // _TABLE_PART)
    return ChartView(picture, "" if is_small else picture.svg, reason, data)


def _no_balance(result: Result) -> str:
    """Explain why the balance has no row."""
    if result.availability:
        return "A watch balances no counts: nightly does."
    unasked = [each.detail for each in result.findings if each.code is Code.NOT_ASKED]
    return unasked[0] if unasked else "No usage was counted."


def _since(result: Result, banner: Banner) -> str:
    """Report since which run it is so, or else how the run compares with those before it."""
    compared = history.p95_sentence(result)
    return banner.since or (f"{compared}." if compared else "")


def _content(result: Result, banner: Banner) -> dict[str, object]:
    """Return what the template shows besides tables, by the names under which it does."""
    return {
        "result": result,
        "banner": banner,
        "sections": sections_of(result),
        "files": FILES,
        "witnesses": [heading_of(each) for each in columns_of(result)],
        "remarks": fold_balance(result).remarks,
        "waterfall_sentence": steps.waterfall_sentence(result.waterfall),
        "steps_sentence": steps.intervals_sentence(result.latency),
        "generator": sections.generator_rows(result.generator),
        "history_sentence": history.history_sentence(result),
        "has_streams": bool(result.streams),
        "since": _since(result, banner),
        "no_balance": _no_balance(result),
        "history_since": since_sentences(result),
        "trace_url": partial(trace_url, result),
        "span": write.render_span(result.started_at, result.finished_at),
        "duration": sections.duration(result.started_at, result.finished_at),
    }


def _judged_rows(
    result: Result, objectives: Sequence[ObjectiveRow]
) -> dict[str, Sequence[HasVerdict]]:
    """Return the rows of each table whose failing rows come first."""
    balance = fold_balance(result)
    validity, quiet = _folded(findings_of_section(result, "validity"))
    return {
        "availability": availability.watch_rows(result),
        "objectives": objectives,
        "balance": balance.rows,
        "folded": balance.folded,
        **{name: findings_of_section(result, name) for name in ("flow", "server")},
        "validity": validity,
        "validity_folded": quiet,
        "open": open_findings(result),
    }


def _folded(findings: Sequence[Finding]) -> tuple[Sequence[Finding], Sequence[Finding]]:
    """Split findings into those to show and those to fold: what passed, where there are many."""
    passed = [each for each in findings if each.verdict is Verdict.PASS]
    if len(passed) <= FOLD_ABOVE:
        return findings, ()
    return [each for each in findings if each.verdict is not Verdict.PASS], passed


def _unjudged_rows(result: Result, find_report: FindReport) -> dict[str, Sequence[object]]:
    """Return the rows of each table that keeps its order."""
    return {
        "incidents": availability.incident_rows(result),
        "phases": [sections.phase_row(each) for each in result.phases],
        "waterfall": result.waterfall,
        "steps": sections.step_rows(result),
        "failures": failure_rows(result),
        "origins": origin_rows(result),
        "history": history.history_rows(result, find_report),
        "history_checks": history.check_rows(result),
        "facts": sections.environment_rows(result),
    }
