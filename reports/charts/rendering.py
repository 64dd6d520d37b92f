"""Draw the charts of a run's page from its evidence; a report never fails for a chart."""

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from checks.case import read_case
from checks.result import Result
from config.extras import CHARTS, missing_packages
from reports import formatting as write
from reports.charts.model import Chart, NotDrawn, Picture, Pictures, Section
from reports.vega import ChartsUnavailable, render_svg
from scenarios.evidence.manifest import changed_files
from scenarios.evidence.run_folder import RunFolder

if TYPE_CHECKING:
    from reports.charts.source import ChartSource

Maker = Callable[["ChartSource"], Iterable[Chart | NotDrawn]]

DrawnT = TypeVar("DrawnT")

_ERROR_BYTES = 200
_LOG = logging.getLogger(__name__)


def draw_charts(result: Result, run_dir: Path) -> Pictures:
    """Draw all charts of a run, or say why there are none."""
    folder = RunFolder(run_dir)
    if not folder.evidence.is_dir():
        return Pictures(reason="the folder of the run has no evidence")
    try:
        run = folder.read_run()
        if run.run_id != result.run_id:
            return Pictures(reason="the evidence is that of another run")
        if changed_files(folder, run):
            return Pictures(reason="the evidence changed since the run")
        source = _source(result, folder)
    except ImportError as error:  # pandas
        return Pictures(reason=missing_packages(CHARTS) or str(error))
    except Exception as error:
        _LOG.exception("the evidence cannot be read for the charts")
        return Pictures(reason=f"the evidence cannot be read: {type(error).__name__}")
    makers = watch_makers() if run.watch else chart_makers()
    return Pictures(tuple(draw_pictures(source, makers)))


def draw_pictures(
    source: "ChartSource", makers: Iterable[tuple[Section, str, Maker]]
) -> Iterator[Picture]:
    """Draw the charts of each maker; one that fails leaves the reason in its place."""
    # all are computed before the first is rendered: both take memory, and not at the same time
    computed = [
        (section, chart)
        for section, title, make in makers
        for chart in _safely(title, partial(make, source))
    ]
    for section, chart in computed:
        for drawn in _safely(chart.title, partial(_rendered, section, chart)):
            if isinstance(drawn, NotDrawn):
                yield Picture(section, drawn.title, reason=drawn.reason)
            else:
                yield drawn


def _safely(title: str, compute: Callable[[], Iterable[DrawnT]]) -> Iterator[DrawnT | NotDrawn]:
    """Yield what is computed; the first error ends it, and becomes the reason."""
    try:
        yield from compute()
    except Exception as error:
        _LOG.exception("the chart %r could not be drawn", title)
        words = write.one_line(f"{type(error).__name__}: {error}", _ERROR_BYTES)
        yield NotDrawn(title, f"this chart could not be drawn: {words}")


def _source(result: Result, folder: RunFolder) -> "ChartSource":
    from reports.charts.source import ChartSource  # pandas takes long to import

    return ChartSource(read_case(folder), result)


def chart_makers() -> tuple[tuple[Section, str, Maker], ...]:
    """Return the charts in the order of each section. A new chart adds one entry."""
    from reports.charts import (
        arrivals,
        generator,
        generator_health,
        percentiles,
        response_times,
        server_shares,
        throughput,
        witnesses,
    )

    return (
        (Section.FLOW, throughput.TITLE, throughput.charts),
        (Section.FLOW, arrivals.TITLE, arrivals.charts),
        (Section.LATENCY, response_times.TITLE, response_times.charts),
        (Section.LATENCY, percentiles.TITLE, percentiles.charts),
        (Section.SERVER, server_shares.TITLE, server_shares.charts),
        (Section.BALANCE, witnesses.TITLE, witnesses.charts),
        (Section.VALIDITY, generator.TITLE, generator.charts),
        (Section.VALIDITY, generator_health.TITLE, generator_health.charts),
    )


def watch_makers() -> tuple[tuple[Section, str, Maker], ...]:
    """Return the charts of a watch, which has no load to show."""
    from reports.charts import availability

    return ((Section.AVAILABILITY, availability.TITLE, availability.charts),)


def _rendered(section: Section, chart: Chart | NotDrawn) -> Iterator[Picture]:
    if isinstance(chart, NotDrawn):
        yield Picture(section, chart.title, reason=chart.reason)
        return
    svg = reason = ""
    try:
        svg = render_svg(chart.spec, f"{chart.title}. {chart.sentence}")
    except ChartsUnavailable as error:
        reason = str(error)
    yield Picture(
        section, chart.title, chart.sentence, svg, reason, chart.columns, chart.rows,
        chart.highlight,
    )  # fmt: skip
