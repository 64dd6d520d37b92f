"""Draw the steps of a run: a bar against a limit, the waterfall, the p95 with its interval."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from checks.observations import StepTiming
from checks.service_levels import LatencyRow
from checks.verdict import Verdict
from reports import formatting as write
from reports.charts.elements import (
    VERDICT_COLOURS,
    WIDTH,
    add_element,
    add_line,
    add_text,
    new_picture,
    render_picture,
)
from reports.vega import BLUE, LIMIT, LINE, SOFT
from reports.views.objectives import LatencyBar

_LEFT = 170
_RIGHT = 130
_ROW = 28
_TOP = 26
_NEAR = 90  # pixels: a limit within would stand on the label of the origin


def draw_bar(bar: LatencyBar, verdict: Verdict, label: str) -> str:
    """Draw one measured value with its interval and the limit, for a cell of a table."""
    picture = new_picture(120, 16, label)
    add_line(picture, 0, 8, 120, 8, LINE, 2)
    add_line(picture, 120 * bar.low, 8, 120 * bar.high, 8, VERDICT_COLOURS[verdict], 4)
    add_line(picture, 120 * bar.limit, 1, 120 * bar.limit, 15, LIMIT, 2)
    add_element(picture, "circle", cx=120 * bar.measured, cy=8, r=4, fill=VERDICT_COLOURS[verdict])
    return render_picture(picture)


def draw_waterfall(steps: Sequence[StepTiming]) -> str:
    """Draw the steps of one iteration one below the other, each from its start to its end."""
    end_s = max((step.start_s + step.duration_s for step in steps), default=0.0)
    picture = new_picture(WIDTH, _ROW * len(steps) + 4, waterfall_sentence(steps))
    for number, step in enumerate(steps):
        middle = _ROW * number + _ROW / 2
        colour = BLUE if step.outcome == "ok" else VERDICT_COLOURS[Verdict.FAIL]
        start, width = _along(step.start_s, end_s), _along(step.duration_s, end_s) - _LEFT
        add_text(picture, 0, middle, step.step)
        add_element(
            picture, "rect", x=start, y=middle - 7, width=max(width, 2), height=14, fill=colour
        )
        label = write.render_seconds(step.duration_s)
        label += "" if step.outcome == "ok" else f" {step.outcome}"
        add_text(picture, WIDTH, middle, label, anchor="end")
    return render_picture(picture)


def waterfall_sentence(steps: Sequence[StepTiming]) -> str:
    """State what the waterfall shows."""
    if not steps:
        return "No iteration was timed."
    end_s = max(step.start_s + step.duration_s for step in steps)
    slowest = max(steps, key=lambda step: step.duration_s)
    return (f"The median iteration took {write.render_seconds(end_s)} over "
            f"{write.render_number_of(len(steps), 'step')}; the longest is {slowest.step} with "
            f"{write.render_seconds(slowest.duration_s)}.")  # fmt: skip


def draw_intervals(rows: Sequence[LatencyRow]) -> str:
    """Draw each step's p95 with its 95 % interval against the limit of that step."""
    limits = {row.step: limit.limit_s for row in rows if (limit := row.p95_objective)}
    ends = [row.p95_high if row.p95_high is not None else row.p95 for row in rows]
    scale_s = 1.1 * max([*ends, *limits.values()], default=0.0)
    picture = new_picture(WIDTH, _TOP + _ROW * len(rows) + 4, intervals_sentence(rows))
    if _along(min(limits.values(), default=scale_s), scale_s) > _LEFT + _NEAR:
        add_text(picture, _LEFT, 12, "0 s", colour=SOFT)
    for limit_s in sorted(set(limits.values())):
        at = _along(limit_s, scale_s)
        add_text(picture, at, 12, f"limit {write.render_limit(limit_s)}", LIMIT, "middle")
    for number, row in enumerate(rows):
        _interval(picture, row, limits.get(row.step), _TOP + _ROW * number, scale_s)
    return render_picture(picture)


def intervals_sentence(rows: Sequence[LatencyRow]) -> str:
    """Name which step comes nearest to its p95 limit."""
    limits = [(row, limit) for row in rows if (limit := row.p95_objective)]
    if not limits:
        return "No step has a p95 limit."
    row, limit = max(limits, key=lambda each: each[0].p95 / each[1].limit_s)
    return (f"{row.step} comes nearest to its limit: p95 "
            f"{write.render_seconds(row.p95, limit.limit_s)} of "
            f"{write.render_limit(limit.limit_s)}.")  # fmt: skip


def _interval(
    picture: ET.Element, row: LatencyRow, limit_s: float | None, top: float, scale_s: float
) -> None:
    middle = top + _ROW / 2
    objective = row.p95_objective
    colour = VERDICT_COLOURS[objective.verdict] if objective else BLUE
    low, high = (row.p95 if end is None else end for end in (row.p95_low, row.p95_high))
    add_text(picture, 0, middle, row.step)
    add_line(picture, _LEFT, middle, WIDTH - _RIGHT, middle, LINE, 1)
    add_line(picture, _along(low, scale_s), middle, _along(high, scale_s), middle, colour, 5)
    if limit_s is not None:
        at = _along(limit_s, scale_s)
        add_line(picture, at, top, at, top + _ROW, LIMIT, 2, name="limit")
    add_element(picture, "circle", cx=_along(row.p95, scale_s), cy=middle, r=5, fill=colour)
    label = write.render_seconds(row.p95, *([] if limit_s is None else [limit_s]))
    add_text(picture, WIDTH, middle, label, anchor="end")


def _along(value: float, scale: float) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * (value / scale if scale else 0.0)
