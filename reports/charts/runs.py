"""Draw one value per run, with its interval and the limit."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

from checks.verdict import Verdict
from reports import formatting as write
from reports.charts.elements import (
    PAPER,
    VERDICT_COLOURS,
    WIDTH,
    add_element,
    add_line,
    add_text,
    new_picture,
    render_picture,
)
from reports.vega import LIMIT, LINE, SOFT

_CURVE_HEIGHT = 170
_CURVE_LEFT = 70
_CURVE_RIGHT = 20
_CURVE_ABOVE = 30
_CURVE_BELOW = 12
_FAR = 1.5  # times what was measured: a limit beyond would press the curve flat


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One run on the curve, in seconds; it is hollow where it is of another machine."""

    value: float
    low: float
    high: float
    verdict: Verdict
    is_of_here: bool


def draw_points(
    points: Sequence[CurvePoint | None], limit_s: float | None, line_s: float | None, label: str
) -> str:
    """Draw one value a run with its interval, oldest first; None leaves a gap.

    Runs that did not pass have their verdict's mark. A limit far above all is named, not drawn;
    `line_s` is a value to see them by.
    """
    top_s = max([line_s or 0.0, *(max(each.high, each.value) for each in points if each)])
    is_near = limit_s is not None and limit_s <= _FAR * top_s
    scale_s = 1.1 * max(top_s, limit_s if limit_s is not None and is_near else 0.0)
    picture = new_picture(WIDTH, _CURVE_HEIGHT, label)
    _grid_line(picture, 0.0, scale_s, "0 s")
    if line_s is not None:
        _grid_line(picture, line_s, scale_s, write.render_seconds(line_s))
    if limit_s is not None:
        _limit_line(picture, limit_s, _height(limit_s, scale_s) if is_near else None)
    for number, point in enumerate(points):
        if point is not None:
            at = _CURVE_LEFT + (WIDTH - _CURVE_LEFT - _CURVE_RIGHT) * (number + 0.5) / len(points)
            _point(picture, point, at, scale_s)
    return render_picture(picture)


def _grid_line(picture: ET.Element, value_s: float, scale_s: float, said: str) -> None:
    y = _height(value_s, scale_s)
    add_line(picture, _CURVE_LEFT, y, WIDTH - _CURVE_RIGHT, y, LINE, 1)
    add_text(picture, _CURVE_LEFT - 8, y, said, SOFT, "end")


def _limit_line(picture: ET.Element, limit_s: float, y: float | None) -> None:
    said = f"limit {write.render_limit(limit_s)}"
    if y is None:
        add_text(picture, _CURVE_LEFT, 10, f"↑ {said}", LIMIT)
        return
    add_line(picture, _CURVE_LEFT, y, WIDTH - _CURVE_RIGHT, y, LIMIT, 2)
    add_text(picture, _CURVE_LEFT, y - 10, said, LIMIT)


def _point(picture: ET.Element, point: CurvePoint, x: float, scale_s: float) -> None:
    colour = VERDICT_COLOURS[point.verdict]
    low, high, y = (_height(each, scale_s) for each in (point.low, point.high, point.value))
    add_line(picture, x, low, x, high, colour, 2)
    for end in (low, high):
        add_line(picture, x - 4, end, x + 4, end, colour, 2)
    fill = colour if point.is_of_here else PAPER
    add_element(picture, "circle", cx=x, cy=y, r=3.5, fill=fill, stroke=colour, stroke_width=1.5)
    if point.verdict is not Verdict.PASS:
        add_text(picture, x, high - 11, write.MARKS[point.verdict], colour, "middle")


def _height(value_s: float, scale_s: float) -> float:
    """Return where a value stands in the curve, from above."""
    room = _CURVE_HEIGHT - _CURVE_ABOVE - _CURVE_BELOW
    return _CURVE_HEIGHT - _CURVE_BELOW - room * (value_s / scale_s if scale_s else 0.0)
