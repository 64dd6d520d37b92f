"""The charts of the page: SVG of attributes only, so that no policy blocks it.

Colours are variables of the page with a fallback: one picture follows light, dark and print, and
still shows where the style was stripped.
"""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

from checks.result import StepTiming
from checks.service_levels import LatencyRow, Objective
from checks.verdict import Verdict
from reports import formatting as write
from reports.views.objectives import P95, LatencyBar

WIDTH = 760
_LEFT = 170
_RIGHT = 130
_ROW = 28
_TOP = 26
_NAME_CHARACTERS = 24
_CURVE_HEIGHT = 170
_CURVE_LEFT = 70
_CURVE_RIGHT = 20
_CURVE_ABOVE = 30
_CURVE_BELOW = 12
_FAR = 1.5  # times what was measured: a limit beyond would press the curve flat

_INK = "var(--ink, #1f2328)"
_SOFT = "var(--soft, #57606a)"
_LINE = "var(--line, #d0d7de)"
_BLUE = "var(--blue, #0b57d0)"
_PAPER = "var(--paper, #ffffff)"
_COLOURS = {
    Verdict.PASS: _BLUE,
    Verdict.FAIL: "var(--fail, #b3261e)",
    Verdict.INCONCLUSIVE: "var(--open, #7a5200)",
}
_LIMIT = "var(--limit, #b3261e)"


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One run on the curve, in seconds; it is hollow where it is of another machine."""

    value: float
    low: float
    high: float
    verdict: Verdict
    is_of_here: bool


def draw_bar(bar: LatencyBar, verdict: Verdict, label: str) -> str:
    """Draw one measured value with its interval and the limit, for a cell of a table."""
    picture = _picture(120, 16, label)
    _line(picture, 0, 8, 120, 8, _LINE, 2)
    _line(picture, 120 * bar.low, 8, 120 * bar.high, 8, _COLOURS[verdict], 4)
    _line(picture, 120 * bar.limit, 1, 120 * bar.limit, 15, _LIMIT, 2)
    _add(picture, "circle", cx=120 * bar.measured, cy=8, r=4, fill=_COLOURS[verdict])
    return _written(picture)


def draw_waterfall(steps: Sequence[StepTiming]) -> str:
    """Draw the steps of one iteration one below the other, each from its start to its end."""
    end_s = max((step.start_s + step.duration_s for step in steps), default=0.0)
    picture = _picture(WIDTH, _ROW * len(steps) + 4, waterfall_sentence(steps))
    for number, step in enumerate(steps):
        middle = _ROW * number + _ROW / 2
        colour = _BLUE if step.outcome == "ok" else _COLOURS[Verdict.FAIL]
        start, width = _along(step.start_s, end_s), _along(step.duration_s, end_s) - _LEFT
        _text(picture, 0, middle, step.step)
        _add(picture, "rect", x=start, y=middle - 7, width=max(width, 2), height=14, fill=colour)
        said = write.render_seconds(step.duration_s)
        said += "" if step.outcome == "ok" else f" {step.outcome}"
        _text(picture, WIDTH, middle, said, anchor="end")
    return _written(picture)


def waterfall_sentence(steps: Sequence[StepTiming]) -> str:
    """Say what the waterfall shows."""
    if not steps:
        return "No iteration was timed."
    end_s = max(step.start_s + step.duration_s for step in steps)
    slowest = max(steps, key=lambda step: step.duration_s)
    return (f"The median iteration took {write.render_seconds(end_s)} over "
            f"{write.render_number_of(len(steps), 'step')}; the longest is {slowest.step} with "
            f"{write.render_seconds(slowest.duration_s)}.")  # fmt: skip


def draw_intervals(rows: Sequence[LatencyRow]) -> str:
    """Draw each step's p95 with its 95 % interval against the limit of that step."""
    limits = {row.step: limit.limit_s for row in rows if (limit := p95_objective(row))}
    ends = [row.p95_high if row.p95_high is not None else row.p95 for row in rows]
    scale_s = 1.1 * max([*ends, *limits.values()], default=0.0)
    picture = _picture(WIDTH, _TOP + _ROW * len(rows) + 4, intervals_sentence(rows))
    _text(picture, _LEFT, 12, "0 s", colour=_SOFT)
    for limit_s in sorted(set(limits.values())):
        at = _along(limit_s, scale_s)
        _text(picture, at, 12, f"limit {write.render_limit(limit_s)}", _LIMIT, "middle")
    for number, row in enumerate(rows):
        _interval(picture, row, limits.get(row.step), _TOP + _ROW * number, scale_s)
    return _written(picture)


def intervals_sentence(rows: Sequence[LatencyRow]) -> str:
    """Say which step comes nearest to its p95 limit."""
    limits = [(row, limit) for row in rows if (limit := p95_objective(row))]
    if not limits:
        return "No step has a p95 limit."
    row, limit = max(limits, key=lambda each: each[0].p95 / each[1].limit_s)
    return (f"{row.step} comes nearest to its limit: p95 "
            f"{write.render_seconds(row.p95, limit.limit_s)} of "
            f"{write.render_limit(limit.limit_s)}.")  # fmt: skip


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
    picture = _picture(WIDTH, _CURVE_HEIGHT, label)
    _grid_line(picture, 0.0, scale_s, "0 s")
    if line_s is not None:
        _grid_line(picture, line_s, scale_s, write.render_seconds(line_s))
    if limit_s is not None:
        _limit_line(picture, limit_s, _height(limit_s, scale_s) if is_near else None)
    for number, point in enumerate(points):
        if point is not None:
            at = _CURVE_LEFT + (WIDTH - _CURVE_LEFT - _CURVE_RIGHT) * (number + 0.5) / len(points)
            _point(picture, point, at, scale_s)
    return _written(picture)


def p95_objective(row: LatencyRow) -> Objective | None:
    """Return the strictest p95 objective of a step, if it has one."""
    limits = [each for each in row.objectives if each.percentile == P95]
    return min(limits, key=lambda each: each.limit_s, default=None)


def _grid_line(picture: ET.Element, value_s: float, scale_s: float, said: str) -> None:
    y = _height(value_s, scale_s)
    _line(picture, _CURVE_LEFT, y, WIDTH - _CURVE_RIGHT, y, _LINE, 1)
    _text(picture, _CURVE_LEFT - 8, y, said, _SOFT, "end")


def _limit_line(picture: ET.Element, limit_s: float, y: float | None) -> None:
    said = f"limit {write.render_limit(limit_s)}"
    if y is None:
        _text(picture, _CURVE_LEFT, 10, f"↑ {said}", _LIMIT)
        return
    _line(picture, _CURVE_LEFT, y, WIDTH - _CURVE_RIGHT, y, _LIMIT, 2)
    _text(picture, _CURVE_LEFT, y - 10, said, _LIMIT)


def _point(picture: ET.Element, point: CurvePoint, x: float, scale_s: float) -> None:
    colour = _COLOURS[point.verdict]
    low, high, y = (_height(each, scale_s) for each in (point.low, point.high, point.value))
    _line(picture, x, low, x, high, colour, 2)
    for end in (low, high):
        _line(picture, x - 4, end, x + 4, end, colour, 2)
    fill = colour if point.is_of_here else _PAPER
    _add(picture, "circle", cx=x, cy=y, r=3.5, fill=fill, stroke=colour, stroke_width=1.5)
    if point.verdict is not Verdict.PASS:
        _text(picture, x, high - 11, write.MARKS[point.verdict], colour, "middle")


def _height(value_s: float, scale_s: float) -> float:
    """Return where a value stands in the curve, from above."""
    room = _CURVE_HEIGHT - _CURVE_ABOVE - _CURVE_BELOW
    return _CURVE_HEIGHT - _CURVE_BELOW - room * (value_s / scale_s if scale_s else 0.0)


def _interval(
    picture: ET.Element, row: LatencyRow, limit_s: float | None, top: float, scale_s: float
) -> None:
    middle = top + _ROW / 2
    objective = p95_objective(row)
    colour = _COLOURS[objective.verdict] if objective else _BLUE
    low, high = (row.p95 if end is None else end for end in (row.p95_low, row.p95_high))
    _text(picture, 0, middle, row.step)
    _line(picture, _LEFT, middle, WIDTH - _RIGHT, middle, _LINE, 1)
    _line(picture, _along(low, scale_s), middle, _along(high, scale_s), middle, colour, 5)
    if limit_s is not None:
        at = _along(limit_s, scale_s)
        _line(picture, at, top, at, top + _ROW, _LIMIT, 2, name="limit")
    _add(picture, "circle", cx=_along(row.p95, scale_s), cy=middle, r=5, fill=colour)
    said = write.render_seconds(row.p95, *([] if limit_s is None else [limit_s]))
    _text(picture, WIDTH, middle, said, anchor="end")


def _along(value: float, scale: float) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * (value / scale if scale else 0.0)


def _picture(width: int, height: int, label: str) -> ET.Element:
    size = {"width": str(width), "height": str(height), "viewBox": f"0 0 {width} {height}"}
    return ET.Element("svg", {**size, "role": "img", "aria-label": write.one_line(label)})


def _add(picture: ET.Element, name: str, **attributes: float | str) -> ET.Element:
    written = {key.replace("_", "-"): value if isinstance(value, str) else f"{value:.2f}"
               for key, value in attributes.items()}  # fmt: skip
    return ET.SubElement(picture, name, written)


def _line(
    picture: ET.Element, x1: float, y1: float, x2: float, y2: float, colour: str, width: float,
    name: str = "",
) -> None:  # fmt: skip
    line = _add(picture, "line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=width)
    if name:
        line.set("class", name)


def _text(
    picture: ET.Element, x: float, y: float, text: str, colour: str = _INK, anchor: str = "start"
) -> None:
    line = write.one_line(text)
    line = line if len(line) <= _NAME_CHARACTERS else f"{line[: _NAME_CHARACTERS - 1]}…"
    _add(picture, "text", x=x, y=y + 4, fill=colour, font_size="13", text_anchor=anchor).text = line


def _written(picture: ET.Element) -> str:
    return ET.tostring(picture, encoding="unicode")
