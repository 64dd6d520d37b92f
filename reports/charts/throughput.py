"""Draw the throughput over time, and below it the failures by step and reason."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pandas as pd

from reports import formatting as write
from reports.charts.layers import (
    Spec,
    epoch_ms,
    interval_clock,
    line_layer,
    panel,
    panels,
    quantity_axis,
    short_name,
    time_axis,
)
from reports.charts.model import Chart, NotDrawn
from reports.charts.source import ChartSource
from reports.vega import BLUE, FAIL, OPEN, SOFT, TEAL, VIOLET
from scenarios.evidence.exchange import Outcome

TITLE = "Throughput and failures over time"
MOST_REASONS = 4
OTHERS = "other failures"
_COLOURS = (FAIL, VIOLET, OPEN, TEAL, SOFT)


def charts(source: ChartSource) -> Iterator[Chart | NotDrawn]:
    """Yield the chart; a request is counted in the interval in which it ended."""
    if source.exchanges.empty:
        yield NotDrawn(TITLE, "no request was sent")
        return
    rates, failures = _rates(source), _failures(source)
    total = failures.groupby("at", observed=True)["count"].sum()
    rates["failed"] = rates["at"].map(total).fillna(0).astype("int64")
    upper = panel(
        [_rate_layer(source, rates, titled=failures.empty)], 120, "expected responses per second"
    )
    specs = [upper, _failure_panel(source, failures)] if len(failures) else [upper]
    rows = tuple(
        (interval_clock(row["at"]), write.render_count(row["ok"]), f"{row['rate_per_s']:,.1f}/s",
         write.render_count(row["failed"]))
        for row in rates.to_dict("records")
    )  # fmt: skip
    columns = "From (UTC)", "Expected responses", "Rate", "Failures"
    yield Chart(TITLE, _sentence(source, rates, failures), panels(*specs), columns, rows)


def _rates(source: ChartSource) -> pd.DataFrame:
    """Return responses per interval without a gap; the rate is per second that the load covers.

    An edge of a moment must not look like a peak: its rate is that of half an interval.
    """
    width = pd.Timedelta(seconds=source.interval_s)
    begin, end = source.span
    ended = source.exchanges.loc[source.exchanges["outcome"] == str(Outcome.OK), "done_at"]
    at = pd.date_range(pd.Timestamp(begin).floor(width), pd.Timestamp(end), freq=width)
    counts = ended.dt.floor(width).value_counts().reindex(at, fill_value=0)
    begins_s, whole_s = (at - begin).total_seconds().to_numpy(), (end - begin).total_seconds()
    covered_s = np.clip(begins_s + source.interval_s, 0, whole_s) - np.clip(begins_s, 0, whole_s)
    return pd.DataFrame({"at": at, "ok": counts.to_numpy(),
                         "rate_per_s": counts.to_numpy() / np.maximum(
                             covered_s, source.interval_s / 2),
                         "covered_s": covered_s})  # fmt: skip


def _failures(source: ChartSource) -> pd.DataFrame:
    """Return the failures by interval and kind, with the most frequent kinds by name."""
    failed = source.exchanges[source.exchanges["outcome"] != str(Outcome.OK)]
    groups = {
        reason: group
        for recording in source.recordings
        for reason, group in zip(recording.exchanges.reasons, recording.exchanges.groups,
                                 strict=True)
    }  # fmt: skip
    reasons = failed["reason"].astype("str").map(groups).fillna("")
    kinds = failed["step"].astype("str") + ": " + reasons
    frequent = kinds.value_counts().index[:MOST_REASONS]
    named = kinds.where(kinds.isin(frequent), OTHERS)
    width = pd.Timedelta(seconds=source.interval_s)
    frame = pd.DataFrame({"at": failed["done_at"].dt.floor(width), "kind": named})
    return frame.value_counts().rename("count").reset_index().sort_values(["at", "kind"])


def _rate_layer(source: ChartSource, rates: pd.DataFrame, *, titled: bool) -> Spec:
    whole = rates[rates["covered_s"] >= source.interval_s / 2]
    values = [{"at": epoch_ms(row["at"]), "value": round(row["rate_per_s"], 3)}
              for row in (whole if len(whole) else rates).to_dict("records")]  # fmt: skip
    encoding = {"x": time_axis(*source.axis, titled=titled), "y": quantity_axis("per second")}
    mark = {"type": "area", "line": {"color": BLUE, "strokeWidth": 1.5}, "color": BLUE,
            "fillOpacity": 0.15, "interpolate": "step-after"}  # fmt: skip
    return line_layer(values, encoding, **mark)


def _failure_panel(source: ChartSource, failures: pd.DataFrame) -> Spec:
    kinds = _by_number(failures).index.tolist()
    names = {kind: f"{number}. {short_name(kind)}" for number, kind in enumerate(kinds, 1)}
    width = pd.Timedelta(seconds=source.interval_s)
    tops = failures.groupby("at")["count"].cumsum()
    values = [
        {"at": epoch_ms(row["at"]), "end": epoch_ms(row["at"] + width), "value": top,
         "below": top - row["count"], "series": names[row["kind"]]}
        for row, top in zip(failures.to_dict("records"), tops.tolist(), strict=True)
    ]  # fmt: skip
    colour = {"field": "series", "type": "nominal", "title": None,
              "legend": {"columns": 1, "labelLimit": 600},
              "scale": {"domain": list(names.values()),
                        "range": list(_COLOURS[: len(names)])}}  # fmt: skip
    layer: Spec = {
        "data": {"values": values}, "mark": {"type": "rect", "stroke": None},
        "encoding": {"x": time_axis(*source.axis), "x2": {"field": "end"},
                     "y": quantity_axis("failures", axis={"tickCount": 4, "format": "~s"}),
                     "y2": {"field": "below"}, "color": colour},
    }  # fmt: skip
    return panel([layer], 80, f"failures per {source.interval_s:g} s")


def _by_number(failures: pd.DataFrame) -> "pd.Series[int]":
    return failures.groupby("kind")["count"].sum().sort_values(ascending=False)


def _sentence(source: ChartSource, rates: pd.DataFrame, failures: pd.DataFrame) -> str:
    begin, end = source.span
    duration_s = max((end - begin).total_seconds(), 1e-9)
    sentence = f"{rates['ok'].sum() / duration_s:,.1f} expected responses per second on average"
    whole = rates[rates["covered_s"] >= source.interval_s / 2]
    lowest = whole if len(whole) else rates
    least = lowest.iloc[int(lowest["rate_per_s"].to_numpy().argmin())]
    sentence += f", fewest from {interval_clock(least['at'])} UTC ({least['rate_per_s']:,.1f}/s)"
    if failures.empty:
        return f"{sentence}; no request failed."
    number = int(failures["count"].sum())
    numbers = _by_number(failures)
    first, last = _when(failures, str(numbers.index[0]), source)
    return (f"{sentence}; {write.render_number_of(number, 'failure')}, most of them "
            f"{short_name(str(numbers.index[0]))} ({numbers.iloc[0]:,}, "
            f"from {interval_clock(first)} to {interval_clock(last)} UTC).")  # fmt: skip


def _when(failures: pd.DataFrame, kind: str, source: ChartSource) -> tuple[datetime, datetime]:
    at = failures.loc[failures["kind"] == kind, "at"]
    return at.min(), at.max() + pd.Timedelta(seconds=source.interval_s)
