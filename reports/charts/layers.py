"""Parts of Vega-Lite specifications that several charts have: axes, lines, rules, bands."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from reports import formatting as write
from reports.vega import LIMIT, OPEN, SOFT, WIDTH

Spec = dict[str, Any]

SHORTEST_INTERVAL_S = 0.1
MOST_INTERVALS = 80  # four values in each of three panels stay below a thousand points
NAME_BYTES = 48
_HOUR_S = 3600
_SHORT_S = 6  # whole seconds would be too few
_TIME_FORMATS = ((_SHORT_S, "%H:%M:%S.%L"), (2 * _HOUR_S, "%H:%M:%S"), (48 * _HOUR_S, "%H:%M"))
_FAR = 3.0  # times what was measured: a limit beyond would press the lines flat
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [1, 4], [12, 4])


def epoch_ms(at: datetime) -> int:
    """Return an instant as Vega-Lite reads it: milliseconds of the epoch."""
    return round(at.timestamp() * 1000)


def clock(at: datetime) -> str:
    """Write the time of day of an instant in UTC.

    >>> clock(datetime(2026, 11, 22, 17, 50, 3))
    '17:50:03'
    """
    return f"{at:%H:%M:%S}"


def interval_clock(at: datetime) -> str:
    """Write when an interval begins, with tenths of a second where there are.

    >>> interval_clock(datetime(2026, 11, 22, 17, 50, 3, 400_000))
    '17:50:03.4'
    """
    tenths = at.microsecond // 100_000
    return f"{clock(at)}.{tenths}" if tenths else clock(at)


def short_name(name: str) -> str:
    """Cut a foreign name to what fits into a chart."""
    return write.one_line(name, NAME_BYTES)


def time_axis(begin: datetime, end: datetime, *, titled: bool = True) -> Spec:
    """Return the x encoding of a chart over time, in UTC."""
    span_s = (end - begin).total_seconds()
    form = next((form for most_s, form in _TIME_FORMATS if span_s < most_s), "%m-%d %Hh")
    ticks = 3 if span_s < _SHORT_S else 6
    # a first label that is moved into the axis would cover the second
    axis: Spec = {"grid": False, "format": form, "tickCount": ticks, "labelFlush": False}
    return {
        "field": "at", "type": "temporal", "title": "time of day (UTC)" if titled else None,
        "scale": {"type": "utc", "domain": [epoch_ms(begin), epoch_ms(end)]}, "axis": axis,
    }  # fmt: skip


def quantity_axis(title: str, **changes: Any) -> Spec:
    """Return the y encoding of the field `value`, from zero."""
    return {"field": "value", "type": "quantitative", "title": title,
            "axis": {"tickCount": 5}, **changes}  # fmt: skip


def series_colour(names: Sequence[str], colours: Sequence[str]) -> Spec:
    """Return the encodings that tell the series apart, by colour and by dashes."""
    domain = list(names)
    dashes = [list(each) for each in _DASHES[: len(domain)]]
    return {
        "color": {"field": "series", "type": "nominal", "title": None,
                  "scale": {"domain": domain, "range": list(colours[: len(domain)])}},
        "strokeDash": {"field": "series", "type": "nominal", "title": None,
                       "scale": {"domain": domain, "range": dashes}},
    }  # fmt: skip


def line_layer(values: Sequence[Mapping[str, Any]], encoding: Spec, **mark: Any) -> Spec:
    """Return a layer of lines."""
    return {"data": {"values": list(values)},
            "mark": {"type": "line", "strokeWidth": 1.5, **mark}, "encoding": encoding}  # fmt: skip


def limit_layers(
    limit: float | None, top: float, name: str = "limit",
    render: Callable[[float], str] = write.render_limit, *, at_end: bool = False,
) -> list[Spec]:  # fmt: skip
    """Return the line of a limit with its label; a limit far above all is named, not drawn.

    The label is at the beginning of the line, or at its end where something else is there.
    """
    if limit is None:
        return []
    is_near = limit <= _FAR * top
    text = f"{'' if is_near else '↑ '}{name} {render(limit)}"
    at: Spec = {"datum": limit, "type": "quantitative"} if is_near else {"value": 4}
    label: Spec = {
        "data": {"values": [{}]},
        "mark": {"type": "text", "align": "right" if at_end else "left",
                 "baseline": "bottom" if is_near else "top",
                 "dx": -4 if at_end else 4, "dy": -3 if is_near else 0, "color": LIMIT,
                 "text": text},
        "encoding": {"x": {"value": WIDTH if at_end else 0}, "y": at},
    }  # fmt: skip
    rule: Spec = {
        "data": {"values": [{}]}, "mark": {"type": "rule", "color": LIMIT, "strokeWidth": 2},
        "encoding": {"x": {"value": 0}, "x2": {"value": WIDTH}, "y": at},
    }  # fmt: skip
    return [rule, label] if is_near else [label]


def band_layers(begin: datetime, end: datetime, text: str) -> list[Spec]:
    """Return a shaded period with a label where it begins."""
    values = [{"at": epoch_ms(begin), "end": epoch_ms(end)}]
    x: Spec = {"field": "at", "type": "temporal"}
    return [
        {"data": {"values": values}, "mark": {"type": "rect", "color": OPEN, "opacity": 0.16},
         "encoding": {"x": x, "x2": {"field": "end"}}},
        *moment_layers(begin, text),
    ]  # fmt: skip


def moment_layers(at: datetime, text: str) -> list[Spec]:
    """Return a vertical line at an instant with a label beside it."""
    values = [{"at": epoch_ms(at)}]
    x: Spec = {"field": "at", "type": "temporal"}
    return [
        {"data": {"values": values},
         "mark": {"type": "rule", "color": OPEN, "strokeWidth": 2, "strokeDash": [4, 3]},
         "encoding": {"x": x}},
        {"data": {"values": values},
         "mark": {"type": "text", "align": "left", "baseline": "bottom", "dx": -2, "dy": -3,
                  "color": OPEN, "text": text},
         "encoding": {"x": x, "y": {"value": 0}}},
    ]  # fmt: skip


def panel(layers: Sequence[Spec], height: int, title: str = "") -> Spec:
    """Return one panel of a chart; panels stand one below the other."""
    spec: Spec = {"width": WIDTH, "height": height, "layer": list(layers)}
    if title:
        spec["title"] = {"text": title, "anchor": "start", "fontSize": 12, "color": SOFT,
                         "fontWeight": "normal", "offset": 14}  # fmt: skip
    return spec


def panels(*specs: Spec) -> Spec:
    """Return panels one below the other, each with scales of its own."""
    resolve = {"scale": {"color": "independent", "strokeDash": "independent",
                         "x": "independent", "y": "independent"}}  # fmt: skip
    return {"vconcat": list(specs), "resolve": resolve, "spacing": 12}


def instants(frame: "pd.Series[pd.Timestamp]") -> list[int]:
    """Return a column of instants in milliseconds of the epoch."""
    return [epoch_ms(each) for each in frame.tolist()]
