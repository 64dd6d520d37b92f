"""What all pages share: a style, an escaping environment, and a maximum size."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from reports import formatting as write
from reports.charts.steps import draw_bar

MOST_BYTES = 400_000
_BANNER_BYTES = 120
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """How many rows a table shows, and how many bytes a foreign string."""

    rows: int
    text_bytes: int


# Tried in turn until the page is small enough; the last is taken whatever comes of it.
_LIMITS = (
    SizeLimits(200, write.CUT_BYTES),
    SizeLimits(200, 200),
    SizeLimits(50, 200),
    SizeLimits(20, 60),
)


def render_page(template: str, content_of: Callable[[SizeLimits], dict[str, object]]) -> str:
    """Render a page under 400 KB: with shorter tables and texts where it must be.

    `content_of` returns what the template shows within some limits, by the names it uses.
    """
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    # The policy of the page allows exactly this style, so the hash is of the text as it is put in.
    style_hash = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = ""
    for limits in _LIMITS:
        page = (
            _environment(limits.text_bytes)
            .get_template(template)
            .render(
                content_of(limits),
                style=style,
                style_hash=style_hash,
                shortened=limits != _LIMITS[0],
            )
        )
        if len(page.encode()) < MOST_BYTES:
            break
    return page


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
    environment.filters["whole"] = escape  # an address is never cut
    environment.filters["seconds"] = write.render_seconds
    environment.filters["count"] = write.render_count
    environment.filters["state"] = write.render_verdict
    environment.globals["draw_bar"] = draw_bar
    return environment
