"""Draw where the response time was spent: in the load generator (lag) or in the service.

due ├── lag ──┤ sent ├──── service ────┤ done
generator          network and SUT
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from reports import formatting as write
from reports.charts.causes import cause_of
from reports.charts.layers import (
    Spec,
    epoch_ms,
    interval_clock,
    line_layer,
    panel,
    quantity_axis,
    series_colour,
    time_axis,
)
from reports.charts.model import Chart, NotDrawn
from reports.charts.source import ChartSource
from reports.vega import BLUE, FAIL
from scenarios.evidence.exchanges import Column

TITLE = "Generator and service over time"
_PERCENT = 99.0
_NAMES = {"lag_s": "lag: sent − due (load generator), p99",
          "service_s": "done − sent (service and network), p99"}  # fmt: skip


def charts(source: ChartSource) -> Iterator[Chart | NotDrawn]:
    """Yield the chart of lag and service time."""
    if source.exchanges.empty:
        yield NotDrawn(TITLE, "no request was sent")
    else:
        parts = _parts(source)
        rows = tuple(
            (interval_clock(row["at"]), *(write.render_seconds(row[name]) for name in _NAMES),
             write.render_percentage(row["lag_ratio"]))
            for row in parts.to_dict("records")
        )  # fmt: skip
        columns = "From (UTC)", "Lag, p99", "Service, p99", "Lag in all response time"
        yield Chart(TITLE, _sentence(source, parts), _spec(source, parts), columns, rows)


def _parts(source: ChartSource) -> pd.DataFrame:
    """Return p99 of lag and service time per interval in which requests were due."""
    width = pd.Timedelta(seconds=source.interval_s)
    # an offset of the wall clock within a row is no lag
    frame = source.exchanges[["lag_s", "service_s"]].clip(lower=0.0)
    at = source.exchanges["due_at"].dt.floor(width)
    begins, which = np.unique(at.dt.tz_localize(None).to_numpy(), return_inverse=True)
    columns = {name: _percentiles(which, frame[name].to_numpy()) for name in _NAMES}
    lag_s, service_s = (np.bincount(which, frame[name]) for name in _NAMES)
    whole_s = lag_s + service_s
    ratio = np.divide(lag_s, whole_s, out=np.zeros_like(lag_s), where=whole_s > 0)
    at_utc = pd.to_datetime(begins, utc=True)
    return pd.DataFrame({"at": at_utc, **columns, "lag_ratio": ratio, "whole_s": whole_s})


def _percentiles(which: Column, values: Column) -> Column:
    """Return the nearest-rank percentile of the values of each group."""
    order = np.lexsort((values, which))
    sizes = np.bincount(which)
    ranks = np.maximum(1, np.ceil(np.round(_PERCENT * sizes, 6) / 100)).astype(int)
    percentiles: Column = values[order][np.cumsum(sizes) - sizes + ranks - 1]
    return percentiles


def _spec(source: ChartSource, parts: pd.DataFrame) -> Spec:
    values = [
        {"at": epoch_ms(row["at"]), "value": row[name], "series": series}
        for name, series in _NAMES.items()
        for row in parts.to_dict("records")
    ]
    colours = series_colour(list(_NAMES.values()), (FAIL, BLUE))
    colours["color"] |= {"legend": {"labelLimit": 400, "columns": 1}}
    encoding = {"x": time_axis(*source.axis), "y": quantity_axis("seconds"), **colours}
    return panel([line_layer(values, encoding)], 120)


def _sentence(source: ChartSource, parts: pd.DataFrame) -> str:
    worst = parts.iloc[int((parts["lag_s"] + parts["service_s"]).to_numpy().argmax())]
    begin = worst["at"]
    cause = cause_of(source, begin, begin + pd.Timedelta(seconds=source.interval_s))
    return (f"In the slowest interval, from {interval_clock(begin)} UTC on, p99 of the lag is "
            f"{write.render_seconds(worst['lag_s'])}, of the service "
            f"{write.render_seconds(worst['service_s'])}; {cause}.")  # fmt: skip
