import io

import pytest

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
            stage.is_well = False
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
