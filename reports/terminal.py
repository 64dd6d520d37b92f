"""What do the last lines in the terminal say?"""

import io
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import get_terminal_size
from typing import TextIO, TypeVar

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from checks.result import Result
from checks.verdict import Verdict, exit_code
from reports import formatting as write
from reports import sections
from reports.balance import BalanceRow, fold_balance
from reports.objectives import P95, ObjectiveRow, objective_rows
from reports.ordering import WORST_FIRST, Judged
from reports.story import tell_story

MOST_COLUMNS = 100
_LEAST_COLUMNS = 60
_NAME_COLUMNS = 9
_HOLD = "\ue000"  # stands for a space at which no line is broken, until all are
_MOST_ROWS = 8
_MOST_OPEN_ROWS = 20
_MOST_REASONS = 5
_COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.INCONCLUSIVE: "yellow"}
RowT = TypeVar("RowT", bound=Judged)
_ASCII = str.maketrans({
    "✓": "ok", "✕": "x", "–": "-", "−": "-", "≤": "<=", "≥": ">=", "·": "-", "…": "...",
    "“": '"', "”": '"', "×": "x",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paper:
    """What the verdict is written on: how wide, in which encoding, with colours or without."""

    columns: int
    encoding: str
    colours: bool

    def spell(self, text: str) -> str:
        """Clean a foreign string, and replace what the encoding lacks."""
        line = write.one_line(text, 600)
        try:
            line.encode(self.encoding)
        except UnicodeEncodeError:
            plain = line.translate(_ASCII)
            line = plain.encode(self.encoding, errors="replace").decode(self.encoding)
        return line


def print_result(result: Result, report: Path | None, stream: TextIO) -> None:
    """Write the verdict to a stream, colours only to a terminal. Raises BrokenPipeError."""
    stream.write(render_terminal(result, report, paper_of(stream)))
    stream.flush()


def paper_of(stream: TextIO) -> Paper:
    """Find out what a stream can show; `NO_COLOR` and a dumb terminal get plain text."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    columns = get_terminal_size((MOST_COLUMNS, 24)).columns
    return Paper(
        columns=max(_LEAST_COLUMNS, min(columns, MOST_COLUMNS)),
        encoding=stream.encoding or "ascii",
        colours=stream.isatty() and not plain,
    )


def render_terminal(result: Result, report: Path | None, paper: Paper) -> str:
    """Render verdict, checks, balance, phases, and the last lines.

    Paths and commands are never broken: longer than the paper, they are left to the terminal.
    """
    console = Console(
        file=io.StringIO(),
        width=paper.columns,
        force_terminal=paper.colours,
        color_system="standard" if paper.colours else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    with console.capture() as capture:
        _print_banner(console, paper, result)
        _print_checks(console, paper, objective_rows(result))
        _print_balance(console, paper, result)
        _print_footer(console, paper, result, report)
    return "\n".join(line.rstrip() for line in capture.get().replace(_HOLD, " ").split("\n"))


def _print_banner(console: Console, paper: Paper, result: Result) -> None:
    story = tell_story(result)
    grid = Table.grid(padding=(0, 2))
    grid.add_row(
        Text(story.word, style=f"bold {_COLOURS[story.verdict]}"),
        Text(paper.spell(story.title), style="bold"),
    )
    for sentence in (story.sentence, *story.warnings):
        grid.add_row("", Text(paper.spell(sentence)))
    console.print()
    console.print(grid)


def _print_checks(console: Console, paper: Paper, rows: Sequence[ObjectiveRow]) -> None:
    """Print limits with their figures as a table, and checks that speak in words as lines."""
    limits = [row for row in rows if row.bar]
    p95_limits = [row for row in limits if row.percentile == P95]
    shown = _worth_showing(limits, p95_limits or limits)
    table = _table(("check", "measured", "interval", "objective", "result"), right=(1, 3))
    for row in shown:
        cells = (row.check, row.measured, row.interval, row.objective)
        table.add_row(*(Text(paper.spell(cell)) for cell in cells), _state(paper, row.verdict))
    _print_table(console, paper, table, _left_out(limits, shown, "limit"))
    worded = [row for row in rows if not row.bar]
    shown = _worth_showing(worded, worded)
    lines = Table.grid(padding=(0, 2, 0, 0))
    for row in shown:
        said = f"{row.check}: {row.measured}, expected {row.objective}"
        lines.add_row(_state(paper, row.verdict), Text(paper.spell(said)))
    _print_table(console, paper, lines, _left_out(worded, shown, "check"))


def _worth_showing(rows: Sequence[RowT], passing: Sequence[RowT]) -> list[RowT]:
    """Return what does not pass, then as much of what passes as there is room for."""
    shown = [row for row in rows if row.verdict is not Verdict.PASS][:_MOST_OPEN_ROWS]
    room = max(0, _MOST_ROWS - len(shown))
    return shown + [row for row in passing if row.verdict is Verdict.PASS][:room]


def _print_balance(console: Console, paper: Paper, result: Result) -> None:
    """Print the rows that say something, and the others summed by quantity."""
    balance = fold_balance(result, most=_MOST_ROWS)
    shown = _worth_showing(balance.shown, balance.shown)
    head = ("quantity", "client", "service", "prometheus", "database", "result")
    table = _table(head, right=(1, 2, 3, 4))
    for row in shown:
        _add_balance_row(table, paper, row)
    _print_table(console, paper, table, _left_out(balance.shown, shown, "row"))
    for line in _reasons(shown):
        console.print(Padding(Text(paper.spell(line)), (0, 0, 0, 2)))


def _reasons(rows: Sequence[BalanceRow]) -> list[str]:
    """Say each reason once, with the rows that it is about."""
    about: dict[str, list[str]] = {}
    for row in rows:
        if row.verdict is not Verdict.PASS:
            about.setdefault(f"{row.code} {' '.join(row.notes)}".strip(), []).append(row.name)
    return [f"{names[0]}{f' and {len(names) - 1:,} more' if len(names) > 1 else ''}: {reason}"
            for reason, names in list(about.items())[:_MOST_REASONS]]  # fmt: skip


def _add_balance_row(table: Table, paper: Paper, row: BalanceRow) -> None:
    cells = (row.name, row.client, row.service, row.prometheus, row.database)
    state = _state(paper, row.verdict)
    if row.difference.startswith(("+", "−")):
        state.append(f" {paper.spell(row.difference)}")
    table.add_row(*(Text(paper.spell(cell)) for cell in cells), state)


def _left_out(rows: Sequence[RowT], shown: Sequence[RowT], noun: str) -> list[str]:
    """Say how many of each verdict are not shown."""
    left = Counter(row.verdict for row in rows) - Counter(row.verdict for row in shown)
    return [write.render_more(left[verdict], noun, verdict)
            for verdict in WORST_FIRST if left[verdict]]  # fmt: skip


def _table(head: Sequence[str], right: Sequence[int]) -> Table:
    """Make a table without lines, whose first column gives way on narrow paper."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, name in enumerate(head):
        table.add_column(
            name,
            justify="right" if place in right else "left",
            no_wrap=place > 0,
            overflow="fold",
        )
    return table


def _print_table(console: Console, paper: Paper, table: Table, more: Sequence[str]) -> None:
    if not table.row_count:
        return
    console.print()
    console.print(Padding(table, (0, 0, 0, 2)))
    for line in more:
        console.print(Padding(Text(paper.spell(line), style="dim"), (0, 0, 0, 2)))


def _state(paper: Paper, verdict: Verdict) -> Text:
    return Text(paper.spell(write.render_verdict(verdict)), style=_COLOURS[verdict])


def _print_footer(console: Console, paper: Paper, result: Result, report: Path | None) -> None:
    console.print()
    earlier = len(result.phases) - _MOST_ROWS
    if earlier > 0:
        _print_line(console, "phases", Text(f"{earlier:,} earlier ones, then"), paper)
    for phase in result.phases[-_MOST_ROWS:]:
        row = sections.phase_row(phase)
        said = [f"{row.iterations} iterations in {row.elapsed}", *(it.said for it in row.counts)]
        grouped = ", ".join(paper.spell(part).replace(" ", _HOLD) for part in said)
        _print_line(console, row.profile, Text(grouped), paper)
    if report is not None:
        _print_whole(console, paper, "report", str(report))
    if result.repeat:
        _print_whole(console, paper, "again", result.repeat)
    tally = Text(tell_story(result).tally)
    _print_line(console, f"exit {exit_code(result.verdict)}", tally, paper)


def _print_line(console: Console, name: str, said: Text, paper: Paper) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=_NAME_COLUMNS, no_wrap=True)
    grid.add_row(Text(paper.spell(name)), said)
    console.print(Padding(grid, (0, 0, 0, 2)))


def _print_whole(console: Console, paper: Paper, name: str, said: str) -> None:
    """Print a line that is never broken, so that it can be copied."""
    console.print(Text(f"  {name:<{_NAME_COLUMNS}}  {paper.spell(said)}"), soft_wrap=True)
