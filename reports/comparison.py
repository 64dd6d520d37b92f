"""Render a comparison of runs: page, terminal and Markdown."""

from collections.abc import Sequence
from typing import TextIO

from rich.padding import Padding
from rich.text import Text

from checks.differences import Comparison
from reports.html_template import SizeLimits, render_page
from reports.markdown import escape, markdown_table
from reports.terminal_output import (
    COLOURS,
    TerminalFormat,
    finish,
    make_console,
    make_table,
    mark,
    paper_of,
    print_table,
    print_whole,
)
from reports.views import comparison as view
from reports.views.ordering import cut_rows

CHANGE_HEAD = ("Step", "Compared", "Change", "95 % interval", "p of noise", "Outcome")
PERCENTILE_HEAD = ("Step", "Percentile", "Before", "95 % interval before", "After",
                   "95 % interval after")  # fmt: skip
_PARTS = (
    ("Checks", "Check", view.finding_rows),
    ("Quantities", "Quantity", view.quantity_rows),
    ("Errors", "Step and reason", view.error_rows),
    ("Environment", "Setting", view.setting_rows),
)
_MOST_ROWS = 20  # in a terminal


def print_comparison(comparison: Comparison, page: str, stream: TextIO) -> None:
    """Write a comparison to a stream, and where its page is."""
    stream.write(render_comparison_terminal(comparison, paper_of(stream), page))
    stream.flush()


def render_comparison_terminal(comparison: Comparison, terminal: TerminalFormat, page: str) -> str:
    """Render the outcome, a row per change of a step, and what else differs."""
    console = make_console(terminal)
    style = f"bold {COLOURS[comparison.verdict]}"
    steps = make_table(("step", "compared", "change", "95 % interval", "p of noise", "outcome"),
                       right=(2, 3, 4), gives_way=(0, 1, 4, 5))  # fmt: skip
    for row in view.change_rows(comparison):
        cells = row.step, row.measure, row.change, row.interval, row.noise
        steps.add_row(
            *(Text(terminal.spell(cell)) for cell in cells),
            mark(terminal, row.verdict, row.outcome),
        )
    with console.capture() as capture:
        console.print()
        console.print(Text(terminal.spell(f"{view.word(comparison)}: {view.title(comparison)}"),
                           style=style))  # fmt: skip
        for sentence in view.sentences(comparison):
            console.print(Padding(Text(terminal.spell(sentence)), (0, 0, 0, 2)))
        print_table(console, terminal, steps)
        for _, head, rows_of in _PARTS:
            shown = cut_rows(rows_of(comparison), _MOST_ROWS)
            table = make_table((head.lower(), "before", "after"), right=(), gives_way=(0, 1, 2))
            for each in shown.rows:
                table.add_row(*map(Text, map(terminal.spell, (each.name, each.before, each.after))))
            print_table(console, terminal, table, [shown.more] if shown.more else [])
        console.print()
        console.print(Padding(Text(terminal.spell(view.method(comparison)), "dim"), (0, 0, 0, 2)))
        print_whole(console, terminal, "page", page)
    return finish(capture.get())


def render_comparison_markdown(comparison: Comparison) -> str:
    """Render a comparison for a pull request or the summary of a CI job."""
    changes = [(row.step, row.measure, row.change, row.interval, row.noise, row.outcome)
               for row in view.change_rows(comparison)]  # fmt: skip
    percentiles = [(row.step, row.percentile, row.before, row.before_interval, row.after,
                    row.after_interval) for row in view.percentile_rows(comparison)]  # fmt: skip
    parts = [
        f"# {escape(view.word(comparison))}: {escape(view.title(comparison))}",
        *map(escape, view.sentences(comparison)),
        "## Response times", markdown_table(CHANGE_HEAD, changes),
        "## Percentiles", markdown_table(PERCENTILE_HEAD, percentiles),
    ]  # fmt: skip
    for name, head, rows_of in _PARTS:
        rows = [(each.name, each.before, each.after) for each in rows_of(comparison)]
        parts += [f"## {name}", markdown_table((head, "Before", "After"), rows)]
    return "\n\n".join([*parts, escape(view.method(comparison))]) + "\n"


def render_comparison_html(comparison: Comparison) -> str:
    """Render the page under 400 KB: with shorter tables where it must be."""

    def within(limits: SizeLimits) -> dict[str, object]:
        return {
            "verdict": comparison.verdict,
            "word": view.word(comparison),
            "title": view.title(comparison),
            "sentences": view.sentences(comparison),
            "method": view.method(comparison),
            "changes": cut_rows(view.change_rows(comparison), limits.rows),
            "change_head": CHANGE_HEAD,
            "percentiles": cut_rows(view.percentile_rows(comparison), limits.rows),
            "percentile_head": PERCENTILE_HEAD,
            "parts_shown": _parts(comparison, limits.rows),
        }

    return render_page("comparison.html.j2", within)


def _parts(comparison: Comparison, most: int) -> Sequence[dict[str, object]]:
    return [
        {"title": title, "head": head, "table": cut_rows(rows_of(comparison), most)}
        for title, head, rows_of in _PARTS
    ]
