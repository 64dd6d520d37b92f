"""Draw one value per run, with its interval and the limit."""

import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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

_CURVE_HEIGHT = 200
_CURVE_LEFT = 70
_CURVE_RIGHT = 20
_CURVE_ABOVE = 30
_CURVE_BELOW = 32
_LEAST_BETWEEN = 62  # px between two dates
_GRID_LINES = 4
_FAR = 1.5  # times what was measured: a limit beyond would press the curve flat


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One run on the curve, in seconds; `verdict` is that of the check of this value.

    It is hollow where it cannot be compared: on another machine, or of another scenario file.
    `report` is the address of the run's report, or "".
    """

    value: float
    low: float
    high: float
    verdict: Verdict | None
    is_comparable: bool
    started_at: datetime
    report: str = ""


def draw_points(
    points: Sequence[CurvePoint | None], limit_s: float | None, line_s: float | None, label: str
) -> str:
    """Draw one value a run with its interval and date, oldest first; None leaves a gap.

    Values that did not pass have their verdict's mark. A limit far above all is named, not drawn;
    `line_s` is a value to see them by.
    """
    top_s = max([line_s or 0.0, *(max(each.high, each.value) for each in points if each)])
    is_near = limit_s is not None and limit_s <= _FAR * top_s
    scale_s = 1.1 * max(top_s, limit_s if limit_s is not None and is_near else 0.0)
    picture = new_picture(WIDTH, _CURVE_HEIGHT, label)
    if any(each.report for each in points if each):
        picture.set("role", "group")  # an image has nothing that can be followed
    for tick_s in grid_of(scale_s):
        _grid_line(picture, tick_s, scale_s)
    if line_s is not None:
        y = _height(line_s, scale_s)
        line = add_line(picture, _CURVE_LEFT, y, WIDTH - _CURVE_RIGHT, y, SOFT, 1)
        line.set("stroke-dasharray", "4 3")
    if limit_s is not None:
        _limit_line(picture, limit_s, _height(limit_s, scale_s) if is_near else None)
    width = (WIDTH - _CURVE_LEFT - _CURVE_RIGHT) / max(1, len(points))
    dated = -math.inf
    for number, point in enumerate(points):
        if point is not None:
            at = _CURVE_LEFT + width * (number + 0.5)
            _point(picture, point, at, scale_s)
            if at >= dated + _LEAST_BETWEEN:
                add_text(picture, at, _CURVE_HEIGHT - 12, _date(point, points), SOFT, "middle")
                dated = at
    return render_picture(picture)


def grid_of(scale_s: float) -> list[float]:
    """Return round values of a scale: multiples of 1, 2 or 5 in its order of magnitude.

    >>> grid_of(0.77), grid_of(2.75), grid_of(0.0)
    ([0.0, 0.2, 0.4, 0.6], [0.0, 1.0, 2.0], [0.0])
    """
    if not scale_s:
        return [0.0]
    power = 10 ** math.floor(math.log10(scale_s / _GRID_LINES))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= scale_s / _GRID_LINES)
    return [round(step * number, 9) for number in range(int(scale_s / step) + 1)]


def _date(point: CurvePoint, points: Sequence[CurvePoint | None]) -> str:
    """Write the day of a run, or the time where all runs are of one day."""
    days = {each.started_at.date() for each in points if each}
    return f"{point.started_at:%m-%d}" if len(days) > 1 else f"{point.started_at:%H:%M}"


def _grid_line(picture: ET.Element, value_s: float, scale_s: float) -> None:
    y = _height(value_s, scale_s)
    add_line(picture, _CURVE_LEFT, y, WIDTH - _CURVE_RIGHT, y, LINE, 1)
    add_text(picture, _CURVE_LEFT - 8, y, f"{value_s:g} s", SOFT, "end")


def _limit_line(picture: ET.Element, limit_s: float, y: float | None) -> None:
    label = f"limit {write.render_limit(limit_s)}"
    if y is None:
        add_text(picture, _CURVE_LEFT, 10, f"↑ {label}", LIMIT)
        return
    add_line(picture, _CURVE_LEFT, y, WIDTH - _CURVE_RIGHT, y, LIMIT, 2)
    add_text(picture, _CURVE_LEFT, y - 10, label, LIMIT)


def _point(picture: ET.Element, point: CurvePoint, x: float, scale_s: float) -> None:
    verdict = point.verdict or Verdict.PASS
    colour = VERDICT_COLOURS[verdict]
    if point.report:
        picture = add_element(picture, "a", href=point.report)
        name = f"report of the run of {write.render_utc(point.started_at)}"
        picture.set("aria-label", name)
    low, high, y = (_height(each, scale_s) for each in (point.low, point.high, point.value))
    add_line(picture, x, low, x, high, colour, 2)
    for end in (low, high):
        add_line(picture, x - 4, end, x + 4, end, colour, 2)
    fill = colour if point.is_comparable else PAPER
    add_element(picture, "circle", cx=x, cy=y, r=3.5, fill=fill, stroke=colour, stroke_width=1.5)
    if verdict is not Verdict.PASS:
        add_text(picture, x, high - 11, write.MARKS[verdict], colour, "middle")


def _height(value_s: float, scale_s: float) -> float:
    """Return where a value stands in the curve, from above."""
    room = _CURVE_HEIGHT - _CURVE_ABOVE - _CURVE_BELOW
    return _CURVE_HEIGHT - _CURVE_BELOW - room * (value_s / scale_s if scale_s else 0.0)
