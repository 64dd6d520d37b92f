"""What does the page say? One file: no script, no network, nothing that its own policy forbids."""

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from checks.result import Kind, Result
from reports import drawings, sections
from reports import formatting as write
from reports.balance import fold_balance
from reports.objectives import objective_rows
from reports.ordering import Judged, Table, cut_judged, cut_rows
from reports.story import findings_of, open_findings, tell_story

MOST_BYTES = 400_000
_BANNER_BYTES = 120
FILES = (
    ("result.json", "every verdict and figure on this page"),
    ("junit.xml", "the checks, for the CI server"),
    ("summary.md", "this page, shorter"),
    ("evidence/", "what the run saw: exchanges, ledger, scrapes, answers"),
)
SECTIONS = (
    ("objectives", "Objectives"),
    ("balance", "The balance"),
    ("flow", "Flow"),
    ("latency", "Latency"),
    ("server", "Server against client"),
    ("validity", "Validity"),
    ("failures", "Failures"),
    ("environment", "Environment"),
    ("files", "Files"),
)
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows a table shows, and how many bytes a foreign string."""

    rows: int
    text_bytes: int


_LIMITS = (Limits(200, write.CUT_BYTES), Limits(200, 200), Limits(50, 200), Limits(20, 60))


def render_html(result: Result) -> str:
    """Render the page under 400 KB: with shorter tables and texts where it must be."""
    page = ""
    for limits in _LIMITS:
        page = _render(result, limits)
        if len(page.encode()) < MOST_BYTES:
            break
    return page


def _render(result: Result, limits: Limits) -> str:
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    template = _environment(limits.text_bytes).get_template("report.html.j2")
    return template.render(
        style=style,
        style_hash=_csp_hash(style),
        result=result,
        story=tell_story(result),
        sections=SECTIONS,
        files=FILES,
        shortened=limits != _LIMITS[0],
        **_tables(result, limits),
    )


def _tables(result: Result, limits: Limits) -> dict[str, object]:
    """Return what the template shows, by the names under which it does."""

    def judged(rows: list[Judged] | tuple[Judged, ...]) -> Table[Judged]:
        return cut_judged(rows, limits.rows)

    balance = fold_balance(result)
    steps = result.latency[: limits.rows]
    waterfall = result.waterfall[: limits.rows]
    return {
        "objectives": judged([*objective_rows(result)]),
        "balance": judged([*balance.shown]),
        "folded": judged([*balance.folded]),
        "phases": cut_rows([sections.phase_row(each) for each in result.phases], limits.rows),
        "waterfall": cut_rows(result.waterfall, limits.rows),
        "waterfall_svg": drawings.draw_waterfall(waterfall),
        "waterfall_sentence": drawings.waterfall_sentence(result.waterfall),
        "flow": judged(findings_of(result, Kind.FLOW)),
        "steps": cut_rows([sections.step_row(each) for each in result.latency], limits.rows),
        "steps_svg": drawings.draw_intervals(steps),
        "steps_sentence": drawings.intervals_sentence(result.latency),
        "server": judged(findings_of(result, Kind.PROMQL)),
        "validity": judged(findings_of(result, Kind.HEALTH, Kind.VALIDITY)),
        "generator": sections.generator_rows(result.generator),
        "open": judged(open_findings(result)),
        "failures": cut_rows(result.failures, limits.rows),
        "facts": cut_rows(sections.environment_rows(result), limits.rows),
        "span": write.render_span(result.started_at, result.finished_at),
        "duration": sections.duration(result.started_at, result.finished_at),
    }


def _csp_hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@lru_cache
def _environment(text_bytes: int) -> Environment:
    """Make the templates' environment: whatever a template prints is cut, cleaned and escaped."""

    def finalize(value: object) -> object:
        is_foreign = isinstance(value, str) and not isinstance(value, Markup)
        return write.clean(str(value), text_bytes) if is_foreign else value

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = lambda text: write.one_line(text, _BANNER_BYTES)
    environment.filters["utc"] = write.render_utc
    environment.filters["seconds"] = write.render_seconds
    environment.filters["count"] = write.render_count
    environment.filters["state"] = write.render_verdict
    environment.globals["draw_bar"] = drawings.draw_bar
    return environment
