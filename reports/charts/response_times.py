"""Draw the response times over time: where a stall or a slow minute begins, and in which step."""

from collections.abc import Iterator, Sequence

import pandas as pd

from reports import formatting as write
from reports.charts.layers import (
    Spec,
    band_layers,
    clock,
    epoch_ms,
    limit_layers,
    line_layer,
    panel,
    panels,
    quantity_axis,
    series_colour,
    short_name,
    time_axis,
)
from reports.charts.model import Chart, NotDrawn
from reports.charts.slow_periods import SlowPeriod, slow_period, slowest_period
from reports.charts.source import ChartSource
from reports.vega import BLUE, SOFT, TEAL, VIOLET
from scenarios.language.model import ITERATION

TITLE = "Response time over time"
MOST_PANELS = 3
_FIGURES = {"p50_s": "p50", "p95_s": "p95", "p99_s": "p99", "max_s": "longest"}
_COLOURS = (TEAL, BLUE, VIOLET, SOFT)


def charts(source: ChartSource) -> Iterator[Chart | NotDrawn]:
    """Yield the chart: the iteration, and below it the steps that vary most."""
    if source.exchanges.empty:
        yield NotDrawn(TITLE, "no request was sent")
        return
    series = source.series[source.series["p95_s"].notna()]
    if series.empty:
        yield NotDrawn(TITLE, "no request was served")
        return
    steps = _shown_steps(series, source)
    periods = {step: slow_period(step, _of(series, step)) for step in steps}
    specs = [_panel(source, step, _of(series, step), periods[step]) for step in steps]
    rows = tuple(row for step in steps for row in _rows(step, _of(series, step)))
    columns = ("Step", "From (UTC)", "Due", *(each.capitalize() for each in _FIGURES.values()))
    yield Chart(TITLE, _sentence(source, series, steps), panels(*specs), columns, rows)


def _of(series: pd.DataFrame, step: str) -> pd.DataFrame:
    return series[series["step"] == step]


def _shown_steps(series: pd.DataFrame, source: ChartSource) -> list[str]:
    """Return the iteration, then the steps whose slowest interval exceeds the usual by most."""

    def rank(step: str) -> tuple[bool, float]:
        of_step = _of(series, step)
        limit_s = source.limit_s(step)
        is_over = limit_s is not None and bool((of_step["p95_s"] > limit_s).any())
        return not is_over, -float(of_step["p95_s"].max() - of_step["p95_s"].median())

    names = [each for each in series["step"].unique() if each != ITERATION]
    steps = sorted(names, key=rank)
    worst = slowest_period(series, steps)
    if worst:  # a stall may show in the tail only
        steps = [worst.step, *(each for each in steps if each != worst.step)]
    iteration = [ITERATION] if (series["step"] == ITERATION).any() else []
    return [*iteration, *steps][:MOST_PANELS]


def _panel(source: ChartSource, step: str, series: pd.DataFrame, period: SlowPeriod | None) -> Spec:
    x, y = time_axis(*source.axis, titled=False), quantity_axis("seconds")
    values = [
        {"at": epoch_ms(row["at"]), "value": row[name], "series": _FIGURES[name]}
        for name in _FIGURES
        for row in series.to_dict("records")
    ]  # fmt: skip
    told = series_colour(list(_FIGURES.values()), _COLOURS)
    limit_s, top = source.limit_s(step), float(series["p99_s"].max())
    layers: list[Spec] = [
        *(band_layers(period.begin, period.end, f"from {clock(period.begin)}") if period else []),
        line_layer(values, {"x": x, "y": y, **told}),
        *limit_layers(limit_s, top, "p95 limit"),
    ]
    return panel(layers, 120, short_name(step))


def _rows(step: str, series: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    for row in series.to_dict("records"):
        figures = (write.render_seconds(row[name]) for name in _FIGURES)
        yield step, clock(row["at"]), write.render_count(row["due"]), *figures


def _sentence(source: ChartSource, series: pd.DataFrame, steps: Sequence[str]) -> str:
    first = steps[0]
    worst = slowest_period(series, [step for step in series["step"].unique() if step != ITERATION])
    period = slow_period(first, _of(series, first)) or worst
    told = _period_words(period) if period else _steady_words(first, _of(series, first), source)
    if period and worst and worst.step != period.step:
        told += (f"; of the steps, {short_name(worst.step)} rises most, from "
                 f"{write.render_seconds(worst.usual_s)} to "
                 f"{write.render_seconds(worst.peak_s)}")  # fmt: skip
    if period:
        told += _cause_words(source, period)
    return f"{told}{_limit_words(source, series, steps)}."


def _cause_words(source: ChartSource, period: SlowPeriod) -> str:
    """Say who took most of the time that was waited in a period: generator or service."""
    due_at = source.exchanges["due_at"]
    waited = source.exchanges[(due_at >= period.begin) & (due_at < period.end)]
    whole_s = float(waited["response_s"].sum())
    lag_ratio = float(waited["lag_s"].sum()) / whole_s if whole_s else 0.0
    if lag_ratio > 0.5:  # noqa: PLR2004  # more than half
        share = write.render_percentage(lag_ratio)
        return f"; the load generator, not the service, took {share} of the time then"
    share = write.render_percentage(1 - lag_ratio)
    return f"; the service and the network took {share} of the time then"


def _period_words(period: SlowPeriod) -> str:
    return (f"{period.figure} of {short_name(period.step)} rises from "
            f"{write.render_seconds(period.usual_s)} to {write.render_seconds(period.peak_s)} "
            f"between {clock(period.begin)} and {clock(period.end)} UTC")  # fmt: skip


def _steady_words(step: str, series: pd.DataFrame, source: ChartSource) -> str:
    low, high = (write.render_seconds(each) for each in (series["p95_s"].min(),
                                                         series["p95_s"].max()))  # fmt: skip
    intervals = write.render_number_of(len(series), "interval")
    return (f"p95 of {short_name(step)} lies between {low} and {high} in {intervals} of "
            f"{source.interval_s:,} s; no period stands out")  # fmt: skip


def _limit_words(source: ChartSource, series: pd.DataFrame, steps: Sequence[str]) -> str:
    """Say in how many intervals the p95 limit was exceeded, of the first step that exceeds one."""
    for step in steps:
        of_step, limit_s = _of(series, step), source.limit_s(step)
        over = of_step[of_step["p95_s"] > limit_s] if limit_s is not None else of_step[:0]
        if limit_s is not None and len(over):
            return (f"; {short_name(step)} is over its limit of {write.render_limit(limit_s)} in "
                    f"{len(over):,} of {write.render_number_of(len(of_step), 'interval')}, first "
                    f"at {clock(over['at'].min())} UTC")  # fmt: skip
    return ""
