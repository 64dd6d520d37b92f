"""Draw the response times over time: where a stall or a slow minute begins, and in which step."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from reports import formatting as write
from reports.charts.causes import cause_of
from reports.charts.layers import (
    Spec,
    band_layers,
    epoch_ms,
    interval_clock,
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
    series = served_by_step(source)
    if not series:
        yield NotDrawn(TITLE, "no request was served")
        return
    worst = slowest_period({step: each for step, each in series.items() if step != ITERATION})
    steps = _shown_steps(series, worst, source)
    specs = [_panel(source, step, series[step]) for step in steps]
    rows = tuple(row for step in steps for row in _rows(step, series[step]))
    columns = ("Step", "From (UTC)", "Due", *(each.capitalize() for each in _FIGURES.values()))
    sentence = _sentence(source, series, steps, worst)
    yield Chart(TITLE, sentence, panels(*specs), columns, rows, _highlight(source, series))


def served_by_step(source: ChartSource) -> dict[str, pd.DataFrame]:
    """Return the intervals of each step in which something was served."""
    series = source.series[source.series["p95_s"].notna()]
    return {str(step): of_step for step, of_step in series.groupby("step", sort=False)}


def _shown_steps(
    series: Mapping[str, pd.DataFrame], worst: SlowPeriod | None, source: ChartSource
) -> list[str]:
    """Return the iteration, then the steps whose slowest interval exceeds the usual by most."""

    def rank(step: str) -> tuple[bool, bool, float]:
        p95_s, limit_s = series[step]["p95_s"].to_numpy(), source.limit_s(step)
        is_over = limit_s is not None and bool((p95_s > limit_s).any())
        is_worst = worst is not None and worst.step == step  # a stall may show in the tail only
        return not is_worst, not is_over, -float(p95_s.max() - np.median(p95_s))

    iteration = [ITERATION] if ITERATION in series else []
    steps = sorted((each for each in series if each != ITERATION), key=rank)
    return [*iteration, *steps][:MOST_PANELS]


def _panel(source: ChartSource, step: str, series: pd.DataFrame) -> Spec:
    period = slow_period(step, series)
    x, y = time_axis(*source.axis, titled=False), quantity_axis("seconds")
    intervals = series.to_dict("records")
    values = [
        {"at": epoch_ms(row["at"]), "value": row[name], "series": _FIGURES[name]}
        for name in _FIGURES
        for row in intervals
    ]  # fmt: skip
    colours = series_colour(list(_FIGURES.values()), _COLOURS)
    limit_s, top = source.limit_s(step), float(series["p99_s"].max())
    layers: list[Spec] = [
        *(band_layers(period.begin, period.end, f"from {interval_clock(period.begin)}")
          if period else []),
        line_layer(values, {"x": x, "y": y, **colours}),
        *limit_layers(limit_s, top, "p95 limit", at_end=_is_early(source, period)),
    ]  # fmt: skip
    return panel(layers, 120, short_name(step))


def _is_early(source: ChartSource, period: SlowPeriod | None) -> bool:
    """Tell whether a period begins in the first half of the chart."""
    begin, end = source.axis
    return period is not None and period.begin - begin < (end - begin) / 2


def _rows(step: str, series: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    for row in series.to_dict("records"):
        figures = (write.render_seconds(row[name]) for name in _FIGURES)
        yield step, interval_clock(row["at"]), write.render_count(row["due"]), *figures


def _sentence(
    source: ChartSource, series: Mapping[str, pd.DataFrame], steps: Sequence[str],
    worst: SlowPeriod | None,
) -> str:  # fmt: skip
    first = steps[0]
    period = slow_period(first, series[first]) or worst
    sentence = _period_words(period) if period else _steady_words(first, series[first], source)
    if period and worst and worst.step != period.step:
        sentence += (f"; of the steps, {short_name(worst.step)} was slowest: {worst.figure} "
                     f"{write.render_seconds(worst.peak_s)}, usually "
                     f"{write.render_seconds(worst.usual_s)}")  # fmt: skip
    if period:
        sentence += f"; {cause_of(source, period.begin, period.end)}"
    return f"{sentence}{_limit_words(source, series, steps)}."


def _highlight(source: ChartSource, series: Mapping[str, pd.DataFrame]) -> str:
    """Report when a step was over its p95 limit for a time, which a run that passes may hide.

    The warm-up is not judged: what is slow there is left to the chart.
    """
    steps = {
        step: of_step[of_step["at"] >= source.measured_from]
        for step, of_step in series.items() if step != ITERATION
    }  # fmt: skip
    period = slowest_period(steps)
    limit_s = source.limit_s(period.step) if period else None
    if period is None or limit_s is None or period.peak_s <= limit_s:
        return ""
    return (f"{_period_words(period)}, p95 limit {write.render_limit(limit_s)}; "
            f"{cause_of(source, period.begin, period.end)}.")  # fmt: skip


def _period_words(period: SlowPeriod) -> str:
    begin, end = interval_clock(period.begin), interval_clock(period.end)
    step = "The iteration" if period.step == ITERATION else f"Step {short_name(period.step)}"
    return (f"{step} was slow from {begin} to {end} UTC: {period.figure} "
            f"{write.render_seconds(period.peak_s)}, usually "
            f"{write.render_seconds(period.usual_s)}")  # fmt: skip


def _steady_words(step: str, series: pd.DataFrame, source: ChartSource) -> str:
    low, high = (write.render_seconds(each) for each in (series["p95_s"].min(),
                                                         series["p95_s"].max()))  # fmt: skip
    intervals = write.render_number_of(len(series), "interval")
    return (f"p95 of {short_name(step)} lies between {low} and {high} in {intervals} of "
            f"{source.interval_s:g} s; no period stands out")  # fmt: skip


def _limit_words(
    source: ChartSource, series: Mapping[str, pd.DataFrame], steps: Sequence[str]
) -> str:
    """Count the intervals over the p95 limit, of the first step that exceeds one."""
    for step in steps:
        of_step, limit_s = series[step], source.limit_s(step)
        over = of_step[of_step["p95_s"] > limit_s] if limit_s is not None else of_step[:0]
        if limit_s is not None and len(over):
            return (f"; {short_name(step)} is over its limit of {write.render_limit(limit_s)} in "
                    f"{len(over):,} of {write.render_number_of(len(of_step), 'interval')}, first "
                    f"at {interval_clock(over['at'].min())} UTC")  # fmt: skip
    return ""
