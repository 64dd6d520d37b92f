"""Draw one value over the seconds of a load, with its limit."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

from reports.charts.elements import (
    WIDTH,
    add_element,
    add_line,
    add_text,
    new_picture,
    render_picture,
)
from reports.charts.runs import grid_of
from reports.vega import LIMIT, LINE, SOFT

_HEIGHT, _LEFT, _RIGHT, _ABOVE, _BELOW = 170, 70, 20, 16, 28
_FAR = 3.0  # times what was measured: a limit beyond would press the curve flat


@dataclass(frozen=True, slots=True)
class Curve:
    """A value over time in seconds, of at least one point, and a limit to hold it against."""

    title: str
    at_s: Sequence[float]
    values: Sequence[float]
    colour: str
    limit: float | None = None


def draw_curve(curve: Curve) -> str:
    """Draw a curve from zero on; a limit far above is left to the text alternative."""
    top = max(curve.values)
    is_near = curve.limit is not None and curve.limit <= _FAR * top
    limit = curve.limit if is_near else None
    scale = 1.1 * max(top, limit or 0.0) or 1.0
    of = "" if curve.limit is None else f", limit {curve.limit:g}"
    picture = new_picture(WIDTH, _HEIGHT, f"{curve.title}: {curve.values[-1]:.3g} now{of}")
    for tick in grid_of(scale):
        y = _y(tick, scale)
        add_line(picture, _LEFT, y, WIDTH - _RIGHT, y, LINE, 1)
        add_text(picture, _LEFT - 8, y, f"{tick:g}", SOFT, "end")
    if limit is not None:
        add_line(picture, _LEFT, _y(limit, scale), WIDTH - _RIGHT, _y(limit, scale), LIMIT, 2)
    _line(picture, curve, scale)
    return render_picture(picture)


def _line(picture: ET.Element, curve: Curve, scale: float) -> None:
    until_s = max(curve.at_s[-1], 1.0)
    xs = [_LEFT + (WIDTH - _LEFT - _RIGHT) * at / until_s for at in curve.at_s]
    points = " ".join(
        f"{x:.1f},{_y(value, scale):.1f}" for x, value in zip(xs, curve.values, strict=True)
    )
    add_element(picture, "polyline", points=points, fill="none", stroke=curve.colour,
                stroke_width=2.0)  # fmt: skip
    add_element(picture, "circle", cx=xs[-1], cy=_y(curve.values[-1], scale), r=3.0,
                fill=curve.colour)  # fmt: skip
    add_text(picture, _LEFT, _HEIGHT - 10, "0 s", SOFT)
    add_text(picture, WIDTH - _RIGHT, _HEIGHT - 10, f"{curve.at_s[-1]:,.0f} s", SOFT, "end")


def _y(value: float, scale: float) -> float:
    return _HEIGHT - _BELOW - (_HEIGHT - _ABOVE - _BELOW) * value / scale
