"""What a terminal can show: its width, colours and characters; its tables and lines."""

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from shutil import get_terminal_size
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from checks.verdict import Verdict
from reports import formatting as write

MOST_COLUMNS = 100
COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.INCONCLUSIVE: "yellow"}

_LEAST_COLUMNS = 60
_NAME_COLUMNS = 9
_HOLD = "\ue000"  # stands for a space at which no line is broken, until all are
_ASCII = str.maketrans({
    "✓": "ok", "✕": "x", "–": "-", "−": "-", "≤": "<=", "≥": ">=", "·": "-", "…": "...",
    "“": '"', "”": '"', "×": "x",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class TerminalFormat:
    """The width, encoding and colours of the terminal."""

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


def paper_of(stream: TextIO) -> TerminalFormat:
    """Find out what a stream can show; `NO_COLOR` and a dumb terminal get plain text."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    columns = get_terminal_size((MOST_COLUMNS, 24)).columns
    return TerminalFormat(
        columns=max(_LEAST_COLUMNS, min(columns, MOST_COLUMNS)),
        encoding=stream.encoding or "ascii",
        colours=stream.isatty() and not plain,
    )


def make_console(terminal: TerminalFormat) -> Console:
    """Make a console that writes to nowhere; what it printed is captured."""
    return Console(
        file=io.StringIO(),
        width=terminal.columns,
        force_terminal=terminal.colours,
        color_system="standard" if terminal.colours else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},  # paper_of has read NO_COLOR and TERM; Rich is to read none
    )


def finish(captured: str) -> str:
    """Return what a console printed, its lines without spaces at their ends."""
    return "\n".join(line.rstrip() for line in captured.replace(_HOLD, " ").split("\n"))


def hold(text: str) -> str:
    """Keep a text on one line, wherever it is printed."""
    return text.replace(" ", _HOLD)


def print_banner(
    console: Console,
    terminal: TerminalFormat,
    verdict: Verdict,
    title: str,
    sentences: Sequence[str],
) -> None:
    """Print the verdict's word, the title beside it, and the sentences below."""
    grid = Table.grid(padding=(0, 2))
    grid.add_row(
        Text(verdict.upper(), style=f"bold {COLOURS[verdict]}"),
        Text(terminal.spell(title), style="bold"),
    )
    for sentence in sentences:
        grid.add_row("", Text(terminal.spell(sentence)))
    console.print()
    console.print(grid)


def make_table(head: Sequence[str], right: Sequence[int], gives_way: Sequence[int] = (0,)) -> Table:
    """Make a table without lines, of which some columns give way on a narrow terminal."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, name in enumerate(head):
        table.add_column(
            name,
            justify="right" if place in right else "left",
            no_wrap=place not in gives_way,
            overflow="fold",
        )
    return table


def print_table(
    console: Console, terminal: TerminalFormat, table: Table, more: Sequence[str] = ()
) -> None:
    """Print a table that has rows, and lines about the rows that it leaves out."""
    if not table.row_count:
        return
    console.print()
    console.print(Padding(table, (0, 0, 0, 2)))
    for line in more:
        console.print(Padding(Text(terminal.spell(line), style="dim"), (0, 0, 0, 2)))


def mark(terminal: TerminalFormat, verdict: Verdict, text: str = "") -> Text:
    """Write a verdict, or other words for it, in its colour."""
    return Text(terminal.spell(text or write.render_verdict(verdict)), style=COLOURS[verdict])


def print_line(console: Console, terminal: TerminalFormat, name: str, text: Text) -> None:
    """Print a short name, and a text beside it."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=_NAME_COLUMNS, no_wrap=True)
    grid.add_row(Text(terminal.spell(name)), text)
    console.print(Padding(grid, (0, 0, 0, 2)))


def print_whole(console: Console, terminal: TerminalFormat, name: str, text: str) -> None:
    """Print a line that is never broken, so that it can be copied."""
    console.print(Text(f"  {name:<{_NAME_COLUMNS}}  {terminal.spell(text)}"), soft_wrap=True)
