"""Draw what the client and Prometheus counted over time: since when they differ.

client, sent        ──────╱─────   no more can be counted
client, confirmed   ─────╱──────   as much must be counted
Prometheus          ────╱───────   as its scrapes show
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from checks.result import UsageRow
from checks.verdict import Verdict
from reports import formatting as write
from reports.charts.layers import (
    Spec,
    clock,
    epoch_ms,
    line_layer,
    moment_layers,
    panel,
    panels,
    quantity_axis,
    series_colour,
    time_axis,
)
from reports.charts.ledger_over_time import Bounds, bounds_at, totals_of
from reports.charts.model import Chart, NotDrawn
from reports.charts.source import ChartSource
from reports.vega import BLUE, FAIL, TEAL
from reports.views.ordering import failing_first
from witnesses.figure import Figure
from witnesses.prometheus.growth import Growth
from witnesses.prometheus.reading import NAME as PROMETHEUS

TITLE = "Witnesses over time"
MOST_CHARTS = 3
MOST_SCRAPES = 120
_NAMES = ("client, sent", "client, confirmed", "prometheus")


def charts(source: ChartSource) -> Iterator[Chart | NotDrawn]:
    """Yield a chart per row that differs, or of the first row where none does."""
    rows = [row for row in source.result.usage if PROMETHEUS in row.figures]
    error = source.case.prometheus.collection.error if rows else ""
    if not rows or error:
        yield NotDrawn(TITLE, error or "no quantity is counted by Prometheus")
        return
    if not sum(map(len, source.case.exchanges)):
        yield NotDrawn(TITLE, "no request was sent")
        return
    ordered = sorted(failing_first(rows), key=_is_well)
    shown = [row for row in ordered[:MOST_CHARTS] if not _is_well(row)] or ordered[:1]
    for row in shown:
        yield _chart(source, row)


def _is_well(row: UsageRow) -> bool:
    return row.verdict is Verdict.PASS


def _chart(source: ChartSource, row: UsageRow) -> Chart | NotDrawn:
    title = " ".join([row.quantity, *row.label_values, "over time"])
    growths = _growths(source, row)
    if not any(growths):
        return NotDrawn(title, "Prometheus has no scrape of it during the run")
    totals = totals_of(source.case, row)
    bounds = bounds_at(growths, totals, MOST_SCRAPES)
    columns = "At (UTC)", "Prometheus", "Confirmed by then", "Sent by then", "Difference"
    rows = tuple(
        (clock(_instant(at)), write.render_count(grown), write.render_count(low),
         write.render_count(high), write.render_difference(distance))
        for at, grown, low, high, distance in bounds.rows()
    )  # fmt: skip
    return Chart(title, _sentence(row, bounds), _spec(row, bounds), columns, rows)


def _growths(source: ChartSource, row: UsageRow) -> Sequence[Sequence[Growth]]:
    quantity = source.case.quantity(row.quantity)
    reading = source.case.prometheus
    grown = reading.growths(quantity, tuple(row.labels), {row.label_values})
    skew_s = reading.collection.skew_s
    return [
        [Growth(each.at - skew_s, each.answered_at - skew_s, each.grown) for each in series]
        for series in grown.get(row.label_values, ())
    ]


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _spec(row: UsageRow, bounds: Bounds) -> Spec:
    since = moment_layers(row.since, f"differs since {clock(row.since)}") if row.since else []
    at = [epoch_ms(_instant(each)) for each in bounds.at]
    values = [
        {"at": each, "value": float(value), "series": name}
        for name, column in zip(_NAMES, (bounds.sent, bounds.confirmed, bounds.grown), strict=True)
        for each, value in zip(at, column, strict=True)
    ]
    x = time_axis(_instant(bounds.at[0]), _instant(bounds.at[-1]))
    encoding = {"x": x, "y": quantity_axis("count"),
                **series_colour(_NAMES, (TEAL, BLUE, FAIL))}  # fmt: skip
    upper = panel([*since, line_layer(values, encoding, interpolate="step-after")], 130)
    if not bounds.distance.any():
        return panels(upper)
    apart = [{"at": each, "value": float(value)}
             for each, value in zip(at, bounds.distance, strict=True)]  # fmt: skip
    mark = {"type": "area", "line": {"color": FAIL, "strokeWidth": 1.5}, "color": FAIL,
            "fillOpacity": 0.15, "interpolate": "step-after"}  # fmt: skip
    y = quantity_axis("difference", axis={"tickCount": 3, "tickMinStep": 1})
    below = [line_layer(apart, {"x": x, "y": y}, **mark), *since[:1]]
    return panels(upper, panel(below, 60, "prometheus beyond what the client's requests explain"))


def _sentence(row: UsageRow, bounds: Bounds) -> str:
    figures = [(name, _figure_words(each)) for name, each in row.figures.items()]
    client = write.render_client(row.client)
    ends = ", ".join(f"{name} {words}" for name, words in [("client", client), *figures])
    distance = row.client.distance_to(row.figures[PROMETHEUS])
    apart = write.NO_DATA if distance is None else write.render_difference(distance)
    if row.since:
        sentence = f"Prometheus differs from the client since {clock(row.since)} UTC, by {apart}"
    elif distance:
        sentence = f"Prometheus differs from the client by {apart}; no scrape dates since when"
    elif distance is None:
        sentence = "Prometheus has no exact figure"
    else:
        scrapes = write.render_number_of(bounds.scrapes, "scrape")
        sentence = f"Prometheus agrees with the client at the last of {scrapes}"
    return f"{sentence}. At the end: {ends}."


def _figure_words(figure: Figure) -> str:
    if figure.is_exact:
        return write.render_count(figure.value)
    low, high = figure.low, figure.high
    if low is None and high is None:
        return write.NO_DATA
    if high is None:
        return f"at least {write.render_count(low)}"
    if low is None:
        return f"at most {write.render_count(high)}"
    return f"{write.render_count(low)}–{write.render_count(high)}"
