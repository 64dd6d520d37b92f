"""Render the table of a load test."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from checks.latency import objective_id
from checks.result import Kind, Result
from checks.verdict import Verdict, exit_code, worst
from reports import formatting as write
from reports.terminal_output import (
    TerminalFormat,
    finish,
    make_console,
    make_table,
    mark,
    print_banner,
    print_line,
    print_table,
    print_whole,
)
from reports.views.banner import banner_of
from reports.views.objectives import ObjectiveRow, objective_rows
from scenarios.language.model import ITERATION
from scenarios.language.objectives import percentile_name

CARDS = "cards_created"
LIMITS_S = {50.0: 0.5, 95.0: 2.5, 99.0: 5.0}


@dataclass(frozen=True, slots=True)
class LoadTestRow:
    """One row of the table; `text` is shown in place of the verdict's word."""

    name: str
    measured: str
    expected: str = ""
    verdict: Verdict | None = None
    text: str = ""


def render_load_test(result: Result, report: Path, terminal: TerminalFormat) -> str:
    """Render the verdict, the table and where the report is."""
    console, banner = make_console(terminal), banner_of(result)
    table = make_table(("", "measured", "expected", "result"), right=(1,))
    for line in load_test_lines(result):
        cells = (Text(terminal.spell(each)) for each in (line.name, line.measured, line.expected))
        state = (
            mark(terminal, line.verdict, line.text)
            if line.verdict
            else Text(terminal.spell(line.text))
        )
        table.add_row(*cells, state)
    with console.capture() as capture:
        print_banner(console, terminal, banner.verdict, banner.headline, banner.lines)
        print_table(console, terminal, table)
        console.print()
        print_whole(console, terminal, "report", str(report))
        print_line(console, terminal, f"exit {exit_code(result.verdict)}", Text(banner.tally))
    return finish(capture.get())


def load_test_lines(result: Result) -> list[LoadTestRow]:
    """Return the table's lines; latency is of the whole iteration, cards of the whole run."""
    objectives = {row.id: row for row in objective_rows(result)}
    percentiles = [_percentile(result, objectives, percentile) for percentile in LIMITS_S]
    if not result.phases:
        return [*percentiles, _cards(result)]
    phase = result.phases[-1]
    done, planned = write.render_count(phase.completed), write.render_count(phase.scheduled)
    share = write.render_share(phase.completed, phase.scheduled)
    # There is one finding per profile, in the order of driving: the last is of this phase.
    judged = [each for each in result.findings if each.kind is Kind.SUCCESS][-1:]
    success = [LoadTestRow("success rate", share, each.expected, each.verdict) for each in judged]
    return [
        LoadTestRow("requests", done, f"of {planned}"),
        LoadTestRow("concurrency", write.render_count(phase.users)),
        LoadTestRow("duration", write.render_seconds(phase.elapsed_s)),
        *percentiles,
        *(success or [LoadTestRow("success rate", share, text="not judged")]),
        _cards(result),
    ]


def _percentile(
    result: Result, objectives: Mapping[str, ObjectiveRow], percentile: float
) -> LoadTestRow:
    """Write a percentile as it was judged, or beside its usual limit where it was not."""
    name = f"{ITERATION} {percentile_name(percentile)}"
    if row := objectives.get(objective_id(ITERATION, percentile)):
        return LoadTestRow(name, row.measured, row.objective, row.verdict, row.state)
    timed = next((each for each in result.latency if each.step == ITERATION), None)
    value_s = {50.0: timed.p50, 95.0: timed.p95, 99.0: timed.p99}[percentile] if timed else None
    limit_s = LIMITS_S[percentile]
    measured, expected = write.render_seconds(value_s, limit_s), write.render_limit(limit_s)
    side = "" if value_s is None else "within, " if value_s <= limit_s else "over, "
    return LoadTestRow(name, measured, f"≤ {expected}", text=f"{side}not judged")


def _cards(result: Result) -> LoadTestRow:
    """Write how many cards there are: rows, or what the services responded where nobody saw rows.

    The verdict is that of the whole balance of cards.
    """
    rows = [row for row in result.usage if row.quantity == CARDS]
    planned = sum(phase.planned_counts.get(CARDS, 0) for phase in result.phases)
    stored = [figure.value for row in rows for name, figure in row.figures.items()
              if name.startswith("database:") and figure.value is not None]  # fmt: skip
    made = sum(stored) if len(stored) == len(rows) else sum(row.client.confirmed for row in rows)
    if not rows:
        return LoadTestRow("cards created", write.NO_DATA, text="not judged")
    figure = f"{write.render_count(made)}/{write.render_count(planned)}"
    share = write.render_percentage(float(made / planned)) if planned else write.NO_DATA
    verdict = worst(row.verdict for row in rows)
    return LoadTestRow("cards created", f"{figure} ({share})", "all, counted once", verdict)
