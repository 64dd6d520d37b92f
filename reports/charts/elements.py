"""SVG of attributes only, so that no policy blocks it.

Colours are variables of the page with a fallback: one picture follows light, dark and print, and
still shows where the style was stripped.
"""

import xml.etree.ElementTree as ET

from checks.verdict import Verdict
from reports import formatting as write
from reports.vega import BLUE, FAIL, INK, OPEN

WIDTH = 760
PAPER = "var(--paper, #ffffff)"
VERDICT_COLOURS = {Verdict.PASS: BLUE, Verdict.FAIL: FAIL, Verdict.INCONCLUSIVE: OPEN}
_NAME_CHARACTERS = 24


def new_picture(width: int, height: int, label: str) -> ET.Element:
    """Begin a picture with its text alternative."""
    size = {"width": str(width), "height": str(height), "viewBox": f"0 0 {width} {height}"}
    return ET.Element("svg", {**size, "role": "img", "aria-label": write.one_line(label)})


def add_element(picture: ET.Element, name: str, **attributes: float | str) -> ET.Element:
    """Add an element; numbers are written to a hundredth of a pixel."""
    written = {key.replace("_", "-"): value if isinstance(value, str) else f"{value:.2f}"
               for key, value in attributes.items()}  # fmt: skip
    return ET.SubElement(picture, name, written)


def add_line(
    picture: ET.Element, x1: float, y1: float, x2: float, y2: float, colour: str, width: float,
    name: str = "",
) -> ET.Element:  # fmt: skip
    """Add a straight line, and return it."""
    line = add_element(
        picture, "line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=width
    )
    if name:
        line.set("class", name)
    return line


def add_text(
    picture: ET.Element, x: float, y: float, text: str, colour: str = INK, anchor: str = "start"
) -> None:
    """Add a text, cut to what fits beside a chart."""
    line = write.one_line(text)
    line = line if len(line) <= _NAME_CHARACTERS else f"{line[: _NAME_CHARACTERS - 1]}…"
    add_element(
        picture, "text", x=x, y=y + 4, fill=colour, font_size="13", text_anchor=anchor
    ).text = line


def render_picture(picture: ET.Element) -> str:
    """Render a picture as XML."""
    return ET.tostring(picture, encoding="unicode")
