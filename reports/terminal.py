"""The summary at the end of a run's output in the terminal."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO, TypeVar

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from checks.result import Result
from checks.service_levels import P95
from checks.verdict import Verdict, exit_code
from reports import formatting as write
from reports.terminal_output import (
    TerminalFormat,
    finish,
    hold,
    make_console,
    make_table,
    mark,
    paper_of,
    print_banner,
    print_line,
    print_table,
    print_whole,
)
from reports.views import sections
from reports.views.availability import incident_rows, watch_rows
from reports.views.balance import BalanceRow, fold_balance
from reports.views.banner import banner_of
from reports.views.history import p95_sentence
from reports.views.objectives import ObjectiveRow, objective_rows
from reports.views.ordering import WORST_FIRST, HasVerdict

_MOST_ROWS = 8
_MOST_OPEN_ROWS = 20
_MOST_REASONS = 5
RowT = TypeVar("RowT", bound=HasVerdict)


def print_result(result: Result, report: Path | None, stream: TextIO) -> None:
    """Write the verdict to a stream, colours only to a terminal."""
    stream.write(render_terminal(result, report, paper_of(stream)))
    stream.flush()


def render_terminal(result: Result, report: Path | None, terminal: TerminalFormat) -> str:
    """Render verdict, checks, balance, phases, and the last lines.

    Paths and commands are never broken: wider than the terminal, they are left to it.
    """
    console, objectives = make_console(terminal), objective_rows(result)
    banner = banner_of(result, objectives)
    with console.capture() as capture:
        print_banner(console, terminal, banner.verdict, banner.headline, banner.lines)
        _print_availability(console, terminal, result)
        _print_checks(console, terminal, objectives)
        _print_balance(console, terminal, result)
        _print_footer(console, terminal, result, report, banner.tally)
    return finish(capture.get())


def _print_checks(console: Console, terminal: TerminalFormat, rows: Sequence[ObjectiveRow]) -> None:
    """Print limits with their figures as a table, and checks that speak in words as lines."""
    limits = [row for row in rows if row.bar]
    p95_limits = [row for row in limits if row.percentile == P95]
    shown = _worth_showing(limits, p95_limits or limits)
    table = make_table(("check", "measured", "interval", "objective", "result"), right=(1, 3))
    for row in shown:
        cells = (row.title, row.measured, row.interval, row.objective)
        state = mark(terminal, row.verdict, row.state)
        table.add_row(*(Text(terminal.spell(cell)) for cell in cells), state)
    print_table(console, terminal, table, _left_out(limits, shown, "limit"))
    worded = [row for row in rows if not row.bar]
    shown = _worth_showing(worded, worded)
    lines = Table.grid(padding=(0, 2, 0, 0))
    for row in shown:
        text = f"{row.title}: {row.measured}, expected {row.objective}"
        lines.add_row(mark(terminal, row.verdict), Text(terminal.spell(text)))
    print_table(console, terminal, lines, _left_out(worded, shown, "check"))


def _print_availability(console: Console, terminal: TerminalFormat, result: Result) -> None:
    """Print each service of a watch, and its latest incidents."""
    rows = watch_rows(result)
    if not rows:
        return
    table = make_table(("service", "available", "objective", "down", "budget", "left", "result"),
                       right=(1, 2, 3, 4, 5))  # fmt: skip
    for row in rows:
        cells = (row.service, row.ratio, row.objective, row.down, row.budget, row.left)
        table.add_row(*(Text(terminal.spell(cell)) for cell in cells), mark(terminal, row.verdict))
    incidents = incident_rows(result)
    print_table(console, terminal, table, "")
    for each in incidents[:_MOST_REASONS]:
        line = f"{each.service} from {each.began} to {each.ended}: {each.lasted}, {each.error}"
        console.print(Padding(Text(terminal.spell(write.one_line(line))), (0, 0, 0, 2)))
    if incidents:
        console.print()


def _worth_showing(rows: Sequence[RowT], passing: Sequence[RowT]) -> list[RowT]:
    """Return what does not pass, then as much of what passes as there is room for."""
    shown = [row for row in rows if row.verdict is not Verdict.PASS][:_MOST_OPEN_ROWS]
    room = max(0, _MOST_ROWS - len(shown))
    return shown + [row for row in passing if row.verdict is Verdict.PASS][:room]


def _print_balance(console: Console, terminal: TerminalFormat, result: Result) -> None:
    """Print the rows that say something, and the others summed by quantity."""
    balance = fold_balance(result, most=_MOST_ROWS)
    shown = [
        *_worth_showing(balance.shown, balance.shown),
        *_worth_showing(balance.relations, balance.relations),
    ]
    head = ("quantity", "client", *map(terminal.spell, balance.columns), "result")
    table = make_table(head, right=range(1, len(head) - 1))
    for row in shown:
        state = mark(terminal, row.verdict)
        if row.differs:
            state.append(f" {terminal.spell(row.difference)}")
        cells = (row.name, row.client, *row.figures)
        table.add_row(*(Text(terminal.spell(cell)) for cell in cells), state)
    print_table(console, terminal, table, _left_out(balance.rows, shown, "row"))
    for line in (*_reasons(shown), *balance.remarks[:_MOST_REASONS]):
        console.print(Padding(Text(terminal.spell(line)), (0, 0, 0, 2)))


def _reasons(rows: Sequence[BalanceRow]) -> list[str]:
    """Write each reason once, with the rows that it is about; of one that passes, what it hides."""
    about: dict[str, list[str]] = {}
    for row in rows:
        if row.verdict is not Verdict.PASS or row.notes:
            about.setdefault(f"{row.code} {' '.join(row.notes)}".strip(), []).append(row.name)
    return [f"{names[0]}{f' and {len(names) - 1:,} more' if len(names) > 1 else ''}: {reason}"
            for reason, names in list(about.items())[:_MOST_REASONS]]  # fmt: skip


def _left_out(rows: Sequence[RowT], shown: Sequence[RowT], noun: str) -> list[str]:
    """Report how many of each verdict are not shown."""
    left = Counter(row.verdict for row in rows) - Counter(row.verdict for row in shown)
    return [write.render_more(left[verdict], noun, verdict)
            for verdict in WORST_FIRST if left[verdict]]  # fmt: skip


def _print_footer(
    console: Console, terminal: TerminalFormat, result: Result, report: Path | None, tally: str
) -> None:
    console.print()
    earlier = len(result.phases) - _MOST_ROWS
    if earlier > 0:
        print_line(console, terminal, "phases", Text(f"{earlier:,} earlier ones, then"))
    for phase in result.phases[-_MOST_ROWS:]:
        row = sections.phase_row(phase)
        parts = [f"{row.iterations} iterations in {row.elapsed}"]
        parts += [each.text for each in row.counts if not each.is_as_planned]
        grouped = ", ".join(hold(terminal.spell(part)) for part in parts)
        print_line(console, terminal, row.profile, Text(grouped))
    if before := p95_sentence(result):
        print_line(console, terminal, "history", Text(terminal.spell(before)))
    if report is not None:
        print_whole(console, terminal, "report", str(report))
    if result.repeat:
        print_whole(console, terminal, "again", result.repeat)
    print_line(console, terminal, f"exit {exit_code(result.verdict)}", Text(tally))
