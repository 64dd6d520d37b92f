"""Render Vega-Lite specifications to static SVG, without a browser, a network or a script.

Vega-Lite was chosen over Matplotlib and Plotly because one SVG of attributes follows light, dark
and print (its colours are variables of the page, with a fallback), survives a policy that strips
style and script, and is the same, byte for byte, for the same figures.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from config.extras import CHARTS, missing_packages
from reports import formatting as write

INK = "var(--ink, #1f2328)"
SOFT = "var(--soft, #57606a)"
LINE = "var(--line, #d0d7de)"
BLUE = "var(--blue, #0b57d0)"
FAIL = "var(--fail, #b3261e)"
OPEN = "var(--open, #7a5200)"
VIOLET = "var(--violet, #7036b8)"
TEAL = "var(--teal, #0b6e7d)"
LIMIT = "var(--limit, #b3261e)"

WIDTH = 640  # of the plot, without the labels of its axes

_VEGA_LITE = "5.20"
_SVG = "http://www.w3.org/2000/svg"
_DROPPED = re.compile(r"aria-.*|role|class|pointer-events|.*xlink.*|version")
_FRACTION = re.compile(r"(\d+\.\d)\d+")
_FONT = "system-ui, sans-serif"
_CONFIG = {
    "background": None,
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": SOFT, "titleColor": SOFT, "gridColor": LINE, "domainColor": LINE,
        "tickColor": LINE, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
    },
    "legend": {
        "labelColor": INK, "titleColor": SOFT, "orient": "top", "labelFontSize": 12,
        "columnPadding": 18,
    },
    "text": {"color": INK, "fontSize": 12},
}  # fmt: skip


class ChartsUnavailable(Exception):
    """vl-convert-python is not installed, or cannot work; the message is the reason."""


def render_svg(spec: Mapping[str, Any], label: str) -> str:
    """Render a specification; `label` is the text alternative of the picture.

    Raises ChartsUnavailable, or ValueError for a specification that Vega-Lite refuses.
    """
    try:
        import vl_convert  # a report without it has its tables
    except ImportError as error:
        raise ChartsUnavailable(missing_packages(CHARTS)) from error
    whole = {"width": WIDTH, **spec, "config": {**_CONFIG, **spec.get("config", {})}}
    try:
        return _drawn(vl_convert.vegalite_to_svg, json.dumps(whole), label)
    except BaseException as error:
        if isinstance(error, Exception | KeyboardInterrupt):
            raise
        # a panic of its Rust code is no Exception: without files to open, for example
        raise ChartsUnavailable(f"the charts cannot be drawn: {error}") from None


@lru_cache(maxsize=64)
def _drawn(convert: Callable[..., str], spec: str, label: str) -> str:
    """Draw a specification once per process: a run that is judged again has the same charts."""
    # as a dict, since the renderer refuses JSON with NaN, which is a gap of a line
    svg = convert(json.loads(spec), vl_version=_VEGA_LITE, allowed_base_urls=[])
    return _compact(svg, label)


def _compact(svg: str, label: str) -> str:
    """Drop what no reader needs: roles inside the picture, empty groups, digits below 0.1 px."""
    ET.register_namespace("", _SVG)
    picture = ET.fromstring(svg)  # noqa: S314  # rendered above, not foreign
    _drop_attributes(picture)
    _drop_empty(picture)
    picture.set("role", "img")
    picture.set("aria-label", write.one_line(label))
    return ET.tostring(picture, encoding="unicode")


def _drop_attributes(element: ET.Element) -> None:
    for each in element.iter():
        for name in [name for name in each.attrib if _DROPPED.fullmatch(name)]:
            del each.attrib[name]
        for name in ("d", "transform"):
            if name in each.attrib:
                each.set(name, _FRACTION.sub(r"\1", each.attrib[name]))


def _drop_empty(element: ET.Element) -> None:
    """Remove groups without content and paths without extent, from the leaves up."""
    for child in list(element):
        _drop_empty(child)
        is_empty_group = child.tag == f"{{{_SVG}}}g" and not len(child)
        is_empty_path = child.tag == f"{{{_SVG}}}path" and "h0v0" in child.get("d", "")
        if is_empty_group or is_empty_path:
            element.remove(child)
