"""Draw the health of the load generator over time: CPU, event loop, iterations in flight."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from checks.saturation import MAX_CPU_RATIO, MAX_LOOP_DELAY_S
from reports import formatting as write
from reports.charts.layers import (
    Spec,
    epoch_ms,
    interval_clock,
    limit_layers,
    line_layer,
    panel,
    panels,
    quantity_axis,
    short_name,
    time_axis,
)
from reports.charts.model import Chart, NotDrawn
from reports.charts.source import ChartSource
from reports.vega import BLUE, TEAL, VIOLET
from scenarios.evidence.recording import Recording

TITLE = "Generator: CPU and event loop delay over time"
_LEAST_WIDTH_S = 1.0  # the period of the evidence


@dataclass(frozen=True, slots=True)
class _Measure:
    """A column of the intervals against its limit, and its words."""

    column: str
    title: str
    limit: float | None
    colour: str


_CPU = _Measure("cpu_ratio", "CPU of the busiest process, of one core", MAX_CPU_RATIO, BLUE)
_DELAY = _Measure("loop_delay_s", "longest event loop delay in seconds", MAX_LOOP_DELAY_S, VIOLET)
_IN_FLIGHT = _Measure("in_flight", "iterations in flight, most", None, TEAL)


def charts(source: ChartSource) -> Iterator[Chart | NotDrawn]:
    """Yield the chart; a single user records no health, since it drives in one process."""
    recorded = [each for each in source.recordings if len(each.health)]
    if source.exchanges.empty or not recorded:
        reason = "no request was sent" if source.exchanges.empty else "recorded under load only"
        yield NotDrawn(TITLE, reason)
        return
    parts = _parts(source, recorded)
    rows = tuple(
        (interval_clock(row["at"]), write.render_percentage(row["cpu_ratio"]),
         write.render_seconds(row["loop_delay_s"]), write.render_count(row["in_flight"]),
         row["busiest"])
        for row in parts.to_dict("records")
    )  # fmt: skip
    specs = [_panel(source, parts, each) for each in (_CPU, _DELAY, _IN_FLIGHT)]
    columns = "From (UTC)", "CPU", "Loop delay", "In flight", "Busiest process"
    yield Chart(TITLE, _sentence(parts, len(recorded)), panels(*specs), columns, rows)


def _parts(source: ChartSource, recorded: Sequence[Recording]) -> pd.DataFrame:
    """Return one row per interval: the busiest process, the longest delay, all in flight."""
    width = pd.Timedelta(seconds=max(_LEAST_WIDTH_S, source.interval_s))
    each = pd.concat([_of_process(recording, width) for recording in recorded])
    each = each.sort_values(["at", "cpu_ratio"])
    by_interval = each.groupby("at")
    parts = by_interval.agg(
        cpu_ratio=("cpu_ratio", "last"), loop_delay_s=("loop_delay_s", "max"),
        in_flight=("in_flight", "sum"), busiest=("process", "last"),
    ).reset_index()  # fmt: skip
    begin, end = source.axis
    # a period that begins before the first request is drawn from that on
    parts["at"] = parts["at"].where(parts["at"] >= begin, begin)
    return parts[parts["at"] < end]


def _of_process(recording: Recording, width: pd.Timedelta) -> pd.DataFrame:
    frame = pd.DataFrame(recording.health)
    begins_at = recording.start.anchor_at + frame["from_s"]
    frame["at"] = pd.to_datetime(begins_at * 1e9, unit="ns", utc=True).dt.floor(width)
    frame["duration_s"] = frame["to_s"] - frame["from_s"]
    parts = frame.groupby("at").agg(
        {"cpu_s": "sum", "duration_s": "sum", "loop_delay_s": "max", "in_flight": "max"}
    )
    ratio = parts["cpu_s"] / parts["duration_s"]
    return parts.assign(cpu_ratio=ratio, process=recording.start.generator).reset_index()


def _panel(source: ChartSource, parts: pd.DataFrame, measure: _Measure) -> Spec:
    is_ratio = measure is _CPU
    values = [{"at": epoch_ms(row["at"]), "value": round(row[measure.column], 4)}
              for row in parts.to_dict("records")]  # fmt: skip
    # a step lasts to the next: the last needs an end of its own
    values.append({**values[-1], "at": epoch_ms(source.axis[1])})
    axis: Spec = {"tickCount": 4, "format": ".0%"} if is_ratio else {"tickCount": 4}
    encoding = {"x": time_axis(*source.axis, titled=measure is _IN_FLIGHT),
                "y": quantity_axis("", axis=axis)}  # fmt: skip
    render = write.render_percentage if is_ratio else write.render_limit
    layers = [
        line_layer(values, encoding, color=measure.colour, interpolate="step-after"),
        *limit_layers(measure.limit, float(parts[measure.column].max()), render=render),
    ]
    return panel(layers, 70, measure.title)


def _sentence(parts: pd.DataFrame, processes: int) -> str:
    busiest = parts.iloc[int(parts["cpu_ratio"].to_numpy().argmax())]
    slowest = parts.iloc[int(parts["loop_delay_s"].to_numpy().argmax())]
    name = f" ({short_name(busiest['busiest'])})" if processes > 1 else ""
    return (
        f"CPU at most {write.render_percentage(busiest['cpu_ratio'], MAX_CPU_RATIO)} of a core"
        f"{name}, {_when(parts, _CPU, busiest)}; event loop delay at most "
        f"{write.render_seconds(slowest['loop_delay_s'], MAX_LOOP_DELAY_S)}, "
        f"{_when(parts, _DELAY, slowest)}; at most "
        f"{write.render_number_of(int(parts['in_flight'].max()), 'iteration')} in flight."
    )


def _when(parts: pd.DataFrame, measure: _Measure, most: "pd.Series[Any]") -> str:
    """Report since when, and how often, the limit was passed, or else when it came nearest."""
    over = parts[parts[measure.column].to_numpy() > (measure.limit or 0.0)]
    if over.empty:
        return f"in the interval from {interval_clock(most['at'])} UTC"
    return (f"over the limit in {len(over):,} of {write.render_number_of(len(parts), 'interval')}, "
            f"first from {interval_clock(over['at'].iloc[0])} UTC")  # fmt: skip
