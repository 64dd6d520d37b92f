"""Draw the response times by percentile: the tail is stretched, and each limit is a line.

The x axis is −log₁₀(1 − p), so p90, p99 and p99.9 are equally far apart.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from checks.latency import percentile
from checks.service_levels import Objective
from checks.timings import Timings, timings_by_step
from reports import formatting as write
from reports.charts.layers import Spec, line_layer, panel, series_colour, short_name
from reports.charts.model import Chart, NotDrawn
from reports.charts.source import ChartSource
from reports.vega import BLUE, INK, LIMIT, OPEN, TEAL, VIOLET, WIDTH
from scenarios.evidence.exchanges import Column
from scenarios.language.model import ITERATION
from scenarios.language.objectives import percentile_name

TITLE = "Response time by percentile"
MOST_STEPS = 5
_MOST_LIMITS = 4
_TICKS = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
_FEWEST = 2
_SHORTEST_S = 1e-6
_COLOURS = (BLUE, VIOLET, TEAL, OPEN, INK)


def charts(source: ChartSource) -> Iterator[Chart | NotDrawn]:
    """Yield the chart: the iteration first, then the slowest steps."""
    timings = timings_by_step(source.case, source.driven) if source.driven else {}
    ordered = {step: _ordered(each) for step, each in timings.items() if len(each)}
    if not any(len(each) >= _FEWEST for each in ordered.values()):
        yield NotDrawn(TITLE, "no step has two response times")
        return
    slowest = sorted(
        ordered, key=lambda step: (step != ITERATION, -percentile(ordered[step], 95.0))
    )
    shown = {step: ordered[step] for step in slowest[:MOST_STEPS] if len(ordered[step]) >= _FEWEST}
    limits = _limits(source, list(shown))
    rows = tuple(
        (step, write.render_count(len(ordered[step])),
         *(write.render_seconds(percentile(ordered[step], p)) if _is_known(ordered[step], p)
           else write.NO_DATA for p in _TICKS))
        for step in slowest
    )  # fmt: skip
    columns = ("Step", "Count", *(percentile_name(each) for each in _TICKS))
    yield Chart(TITLE, _sentence(ordered, slowest[0], source), _spec(shown, limits), columns, rows)


def _ordered(timings: Timings) -> Column:
    values: Column = np.sort(np.concatenate([timings.served_s, timings.timed_out_s]))
    return values


def _is_known(ordered: Column, percent: float) -> bool:
    """Return whether enough values lie above a percentile to tell it from the maximum."""
    return len(ordered) * (100.0 - percent) >= 100.0 - 1e-6


def _limits(source: ChartSource, steps: Sequence[str]) -> list[tuple[str, Objective]]:
    """Return the objectives of the steps, each limit value of a percentile once."""
    found: dict[tuple[float, float], tuple[str, Objective]] = {}
    for step in steps:
        row = source.latency_of(step)
        for objective in row.objectives if row else ():
            found.setdefault((objective.percentile, objective.limit_s), (step, objective))
    return list(found.values())


def _position(percent: float) -> float:
    return -math.log10(1 - percent / 100)


def _spec(shown: dict[str, Column], limits: Sequence[tuple[str, Objective]]) -> Spec:
    names = {step: short_name(step) for step in shown}
    ends = [_position(50.0), _position(99.9)]
    x: Spec = {
        "field": "x", "type": "quantitative", "title": "percentile of requests",
        "scale": {"domain": ends, "zero": False, "nice": False},
        "axis": {"values": [_position(each) for each in _TICKS], "grid": True,
                 "labelExpr": "'p' + format(100 - 100 * pow(10, -datum.value), '.4~r')"},
    }  # fmt: skip
    values = [point for step, ordered in shown.items() for point in _curve(names[step], ordered)]
    seconds = [each["value"] for each in values] + [each.limit_s for _, each in limits]
    y: Spec = {
        "field": "value", "type": "quantitative", "title": "seconds (logarithmic)",
        "scale": {"type": "log", "domain": [min(seconds) / 1.2, max(seconds) * 1.4],
                  "nice": False},
        "axis": {"format": "~g", "tickCount": 5},
    }  # fmt: skip
    encoding = {"x": x, "y": y, **series_colour(list(names.values()), _COLOURS)}
    return panel([line_layer(values, encoding), *_limit_layers(limits)], 240)


def _curve(name: str, ordered: Column) -> Iterator[dict[str, Any]]:
    """Yield points from p50 to where one value is left, a percentile per step of the tail."""
    last = min(_position(99.9), math.log10(len(ordered)))
    for x in np.linspace(_position(50.0), max(last, _position(50.0)), 50):
        value = percentile(ordered, 100 * (1 - 10.0**-x))
        yield {"series": name, "x": round(float(x), 4), "value": max(value, _SHORTEST_S)}


def _limit_layers(limits: Sequence[tuple[str, Objective]]) -> Iterator[Spec]:
    for _, objective in limits[:_MOST_LIMITS]:
        text = f"limit {percentile_name(objective.percentile)} "
        text += write.render_limit(objective.limit_s)
        data = {"values": [{"x": _position(min(objective.percentile, 99.9)),
                            "value": objective.limit_s}]}  # fmt: skip
        y = {"field": "value", "type": "quantitative"}
        yield {"data": data, "mark": {"type": "rule", "color": LIMIT, "strokeWidth": 1.5},
               "encoding": {"x": {"value": 0}, "x2": {"value": WIDTH}, "y": y}}  # fmt: skip
        yield {"data": data,
               "mark": {"type": "point", "shape": "triangle-down", "filled": True, "size": 90,
                        "color": LIMIT, "yOffset": -5},
               "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": y}}  # fmt: skip
        yield {"data": data,
               "mark": {"type": "text", "align": "left", "baseline": "bottom", "dx": 4, "dy": -2,
                        "color": LIMIT, "text": text},
               "encoding": {"x": {"value": 0}, "y": y}}  # fmt: skip


def _sentence(ordered: dict[str, Column], step: str, source: ChartSource) -> str:
    values, limit_s = ordered[step], source.limit_s(step)
    limits = [] if limit_s is None else [limit_s]
    p95 = write.render_seconds(percentile(values, 95.0), *limits)
    limited = f", limit {write.render_limit(limit_s)}" if limit_s is not None else ""
    steps = {name: each for name, each in ordered.items() if name != ITERATION}
    slowest = max(steps, key=lambda name: percentile(steps[name], 95.0), default="")
    tail = ("" if not slowest or slowest == step else
            f"; the slowest step is {short_name(slowest)} with "
            f"{write.render_seconds(percentile(steps[slowest], 95.0))}")  # fmt: skip
    return (f"p95 of {short_name(step)} is {p95}{limited}, the longest "
            f"{write.render_seconds(float(values[-1]), *limits)}{tail}.")  # fmt: skip
