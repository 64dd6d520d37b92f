import io

import pytest

from reports.live_load import LoadSnapshot
from reports.progress import Progress
from tests.reports.attacks import CONTROL, control_in


class BrokenStream(io.StringIO):
    """A stream whose reader is gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_stage_is_one_line_with_its_words_once_it_has_ended() -> None:
    stream = io.StringIO()
    with Progress(stream).stage("load") as stage:
        stage.words.append("5 requests")
        assert stream.getvalue() == ""
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("ok load ")
    assert line.endswith(" s 5 requests")


@pytest.mark.parametrize("is_raised", [True, False])
def test_a_stage_that_fails_or_raises_is_marked(is_raised: bool) -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    if is_raised:
        with pytest.raises(ValueError, match="no"), progress.stage("load"):
            raise ValueError("no")
    else:
        with progress.stage("load") as stage:
            stage.has_succeeded = False
    assert stream.getvalue().startswith("x load ")


def test_a_note_is_one_line_whatever_it_contains() -> None:
    stream = io.StringIO()
    Progress(stream).note("a\nb\x1b[31m" + "c" * 100_000)
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()
    assert len(stream.getvalue()) < 10_000


def test_a_run_goes_on_if_nobody_reads_its_progress() -> None:
    progress = Progress(BrokenStream())
    with progress.stage("load"):
        progress.count(1, 2)
    progress.note("done")


def test_the_words_of_a_stage_steer_no_terminal_and_are_cut() -> None:
    stream = io.StringIO()
    with Progress(stream).stage("load") as stage:
        stage.words.append(CONTROL + "\r\n" + "x" * 100_000)
    assert control_in(stream.getvalue()) == set()
    assert stream.getvalue().count("\n") == 1
    assert len(stream.getvalue()) < 300


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_lines_of_a_load_stay_in_their_place_and_go_with_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    load = LoadSnapshot("load", 1, 9, 1.0, 8.0, 1.0, requests={"load": 3})
    stream = Terminal()
    progress = Progress(stream)
    with progress.stage("load"):
        progress.show_load(load)
        progress.show_load(load)
    shown = stream.getvalue()
    assert shown.count("1 of 9 in 1 s") == 2
    assert shown.count("\x1b[1A") == 2  # from the second line, before each that follows
    assert shown.endswith("\n")


def test_no_line_of_a_load_is_longer_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("CI", raising=False)
    stream = Terminal()
    Progress(stream).show_load(LoadSnapshot("load" * 20, 1, 9, 1.0, 8.0, 1.0))
    plain = stream.getvalue().replace("\x1b[2K", "").replace("\r", "")
    assert all(len(line) < 40 for line in plain.split("\n"))


def test_elsewhere_a_load_is_one_line_a_minute() -> None:
    stream = io.StringIO()
    Progress(stream).show_load(LoadSnapshot("load", 1, 9, 1.0, 8.0, 1.0))
    assert stream.getvalue() == ""
