"""The trends of a project: one page over all runs that its history remembers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from pydantic import TypeAdapter
from rich.padding import Padding
from rich.text import Text

from checks.history.trends import Trend
from reports import formatting as write
from reports.html_template import SizeLimits, render_page
from reports.terminal_output import (
    TerminalFormat,
    finish,
    make_console,
    make_table,
    mark,
    paper_of,
    print_table,
    print_whole,
)
from reports.vega import ChartsUnavailable, render_svg
from reports.views import trends as view
from reports.views.kept_reports import FindReport
from reports.views.ordering import cut_rows
from scenarios.language.model import ITERATION

_MOST_CHARTS = 8
_ROWS_WITH_CHARTS = 50  # a page that must be shorter than that has its tables only
_ROWS_PER_WEEK = 10  # a week of the calendar takes about as many bytes as ten rows
_TRENDS = TypeAdapter(tuple[Trend, ...])


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart as it stands on the page."""

    title: str
    sentence: str
    svg: str


def trends_json(trends: Sequence[Trend]) -> str:
    """Render the trends as a JSON list, one object per environment, scenario and profiles."""
    return _TRENDS.dump_json(tuple(trends), indent=2).decode()


def print_trends(trends: Sequence[Trend], page: str, stream: TextIO) -> None:
    """Write the trends to a stream, and where their page is."""
    stream.write(render_trends_terminal(trends, paper_of(stream), page))
    stream.flush()


def render_trends_terminal(trends: Sequence[Trend], terminal: TerminalFormat, page: str) -> str:
    """Render one row per trend, the shifts below, and the path of the page."""
    console = make_console(terminal)
    table = make_table(("scenario", "runs", "p95", "last runs", "newest"), right=(1, 2),
                       gives_way=(0, 3))  # fmt: skip
    for trend in trends:
        step = trend.newest.latency.get(ITERATION)
        cells = (view.trend_title(trend), f"{len(trend.entries):,}",
                 write.render_seconds(step.p95) if step else write.NO_DATA,
                 "".join(view.verdict_marks(trend).split()[-20:]))  # fmt: skip
        state = mark(terminal, trend.newest.verdict)
        table.add_row(*(Text(terminal.spell(cell)) for cell in cells), state)
    with console.capture() as capture:
        print_table(console, terminal, table)
        for line in (each for trend in trends for each in view.shift_sentences(trend)):
            console.print(Padding(Text(terminal.spell(line)), (0, 0, 0, 2)))
        console.print()
        print_whole(console, terminal, "page", page)
    return finish(capture.get())


def render_trends_html(trends: Sequence[Trend], find_report: FindReport) -> str:
    """Render the page under 400 KB: with shorter tables where it must be."""
    pictures, reason = _pictures(trends)

    def within(limits: SizeLimits) -> dict[str, object]:
        return {
            "title": _title(trends),
            "newest_shift": view.newest_shift(trends),
            "days": view.week_days(),
            "no_charts": reason,
            "trends": [
                {
                    "title": view.trend_title(trend),
                    "sentence": view.trend_sentence(trend),
                    "verdict": trend.newest.verdict,
                    "weeks": view.calendar(trend, find_report)[-limits.rows // _ROWS_PER_WEEK :],
                    "pictures": pictures[number] if limits.rows >= _ROWS_WITH_CHARTS else [],
                    "shifts": cut_rows(view.shift_rows(trend, find_report), limits.rows),
                    "quantities": cut_rows(view.quantity_rows(trend), limits.rows),
                    "flaky": cut_rows(view.flaky_rows(trend), limits.rows),
                }
                for number, trend in enumerate(trends)
            ],
        }

    return render_page("trends.html.j2", within)


def _pictures(trends: Sequence[Trend]) -> tuple[list[list[Picture]], str]:
    """Draw the first charts of all trends; return also why there are none, if so."""
    drawn, pictures = 0, []
    for trend in trends:
        curves = view.curves(trend)[: max(0, _MOST_CHARTS - drawn)]
        drawn += len(curves)
        try:
            pictures.append(
                [
                    Picture(each.title, each.sentence, render_svg(each.spec, each.sentence))
                    for each in curves
                ]
            )
        except ChartsUnavailable as error:
            return [[] for _ in trends], str(error)
    return pictures, ""


def _title(trends: Sequence[Trend]) -> str:
    runs = sum(len(trend.entries) for trend in trends)
    # the percentiles of all steps often shift with one run
    shifts = len({shift.first.run_id for trend in trends for shift in trend.shifts})
    scenarios = write.render_number_of(len(trends), "scenario")
    shifted = write.render_number_of(shifts, "shift") if shifts else "no shift"
    return f"{write.render_number_of(runs, 'run')} of {scenarios}, {shifted}"
