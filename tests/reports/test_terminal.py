"""The summary in terminals of every width, encoding and colour, and without a terminal."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from checks.result import Code, ResolvedDoubt, Result
from checks.verdict import Verdict
from reports.terminal import print_result, render_terminal
from reports.terminal_output import TerminalFormat, paper_of
from tests.reports.attacks import attacked, crowded
from tests.reports.results import empty_result, failing_result, good_result

REPORT = Path("runs/20261122-175000-7f3a/report.html")
RESULTS = {
    "good": good_result(),
    "failing": failing_result(),
    "empty": empty_result(),
    "crowded": crowded(60),
    "attacked": attacked(),
}


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Latin(io.TextIOWrapper):
    """A stream that cannot write a check mark."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="latin-1")


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("name", RESULTS)
def test_no_line_is_wider_than_the_paper_but_the_ones_to_copy(name: str, columns: int) -> None:
    text = render_terminal(RESULTS[name], REPORT, TerminalFormat(columns, "utf-8", False))
    wide = [line for line in text.splitlines() if len(line) > columns]
    assert all(line.startswith(("  report", "  again")) for line in wide)
    assert len(text.splitlines()) < 150


def test_a_command_is_never_broken() -> None:
    command = "./run.py nightly " + "--env somewhere " * 20
    text = render_terminal(good_result(repeat=command), REPORT, TerminalFormat(80, "utf-8", False))
    assert command.strip() in text


@pytest.mark.parametrize("name", RESULTS)
def test_no_escape_of_a_foreign_string_reaches_the_terminal(name: str) -> None:
    text = render_terminal(RESULTS[name], REPORT, TerminalFormat(100, "utf-8", False))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)


def test_foreign_words_are_no_markup() -> None:
    text = render_terminal(
        good_result(repeat="[bold]x[/bold] :smile:"), REPORT, TerminalFormat(80, "utf-8", False)
    )
    assert "[bold]x[/bold] :smile:" in text


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.PASS, 0), (Verdict.FAIL, 1), (Verdict.INCONCLUSIVE, 3)]
)
def test_the_last_line_is_the_exit_code(verdict: Verdict, code: int) -> None:
    text = render_terminal(good_result(verdict=verdict), REPORT, TerminalFormat(80, "utf-8", False))
    assert text.splitlines()[-1].split() == ["exit", str(code), "0", "failed,", "0",
                                             "inconclusive,", "22", "passed"]  # fmt: skip


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "✕ fail"), ("ascii", "x fail")])
def test_marks_are_spelled_in_the_streams_encoding(encoding: str, mark: str) -> None:
    text = render_terminal(failing_result(), REPORT, TerminalFormat(80, encoding, False))
    assert mark in text
    text.encode(encoding)


def test_a_stream_without_check_marks_is_written_to() -> None:
    stream = Latin()
    print_result(failing_result(), REPORT, stream)
    stream.seek(0)
    assert "ok pass" in stream.read()


@pytest.mark.parametrize(
    ("stream", "variables", "colours"),
    [
        (Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
    ],
    ids=["terminal", "file", "NO_COLOR", "dumb"],
)
def test_colours_are_for_terminals_that_want_them(
    stream: io.StringIO,
    variables: dict[str, str],
    colours: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert paper_of(stream).colours is colours
    print_result(good_result(), REPORT, stream)
    assert ("\x1b[" in stream.getvalue()) is colours


@pytest.mark.parametrize("columns", ["20", "500"])
def test_paper_is_never_too_narrow_nor_too_wide(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert 60 <= paper_of(io.StringIO()).columns <= 100


def test_requests_in_doubt_that_were_counted_are_told_though_the_row_passes() -> None:
    """A service that answers 500 and counts nevertheless must not pass in silence."""
    good = good_result()
    doubtful = replace(good.usage[0], code=Code.IN_DOUBT, resolved=ResolvedDoubt(4, 0))
    result = replace(good, usage=(doubtful, *good.usage[1:]))
    text = render_terminal(result, REPORT, TerminalFormat(100, "utf-8", False))
    assert "IN_DOUBT Requests in doubt counted 4" in text
    assert "IN_DOUBT" not in render_terminal(good, REPORT, TerminalFormat(100, "utf-8", False))


def test_a_reason_that_many_rows_share_is_said_once() -> None:
    result: Result = crowded(30)
    text = render_terminal(result, REPORT, TerminalFormat(100, "utf-8", False))
    assert text.count("database:shop stands 1") == 1
