"""What does the page say? One file: no script, no network, nothing that its own policy forbids."""

import base64
import hashlib
from collections.abc import Sequence
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
from reports.ordering import Judged, cut_judged, cut_rows
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
    content = _content(result)
    judged, unjudged = _judged_rows(result), _unjudged_rows(result)
    page = ""
    for limits in _LIMITS:
        tables: dict[str, object] = {
            **{name: cut_judged(rows, limits.rows) for name, rows in judged.items()},
            **{name: cut_rows(rows, limits.rows) for name, rows in unjudged.items()},
        }
        page = _render(result, limits, {**content, **tables})
        if len(page.encode()) < MOST_BYTES:
            break
    return page


def _render(result: Result, limits: Limits, content: dict[str, object]) -> str:
    template = _environment(limits.text_bytes).get_template("report.html.j2")
    return template.render(
        content,
        result=result,
        waterfall_svg=drawings.draw_waterfall(result.waterfall[: limits.rows]),
        steps_svg=drawings.draw_intervals(result.latency[: limits.rows]),
        shortened=limits != _LIMITS[0],
    )


def _content(result: Result) -> dict[str, object]:
    """Return what the template shows besides tables, by the names under which it does."""
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    return {
        "style": style,
        "style_hash": _csp_hash(style),
        "story": tell_story(result),
        "sections": SECTIONS,
        "files": FILES,
        "waterfall_sentence": drawings.waterfall_sentence(result.waterfall),
        "steps_sentence": drawings.intervals_sentence(result.latency),
        "generator": sections.generator_rows(result.generator),
        "span": write.render_span(result.started_at, result.finished_at),
        "duration": sections.duration(result.started_at, result.finished_at),
    }


def _judged_rows(result: Result) -> dict[str, Sequence[Judged]]:
    """Return the rows of each table whose failing rows come first."""
    balance = fold_balance(result)
    return {
        "objectives": objective_rows(result),
        "balance": balance.shown,
        "folded": balance.folded,
        "flow": findings_of(result, Kind.FLOW),
        "server": findings_of(result, Kind.PROMQL),
        "validity": findings_of(result, Kind.HEALTH, Kind.VALIDITY),
        "open": open_findings(result),
    }


def _unjudged_rows(result: Result) -> dict[str, Sequence[object]]:
    """Return the rows of each table that keeps its order."""
    return {
        "phases": [sections.phase_row(each) for each in result.phases],
        "waterfall": result.waterfall,
        "steps": [sections.step_row(each) for each in result.latency],
        "failures": result.failures,
        "facts": sections.environment_rows(result),
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
