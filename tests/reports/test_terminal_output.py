import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.terminal_output import TerminalFormat, finish, hold, paper_of
from tests.reports.attacks import CONTROL, control_in


@given(st.text(), st.sampled_from(["ascii", "latin-1", "utf-8", "cp1252"]))
def test_every_text_can_be_written_in_the_encoding_and_on_one_line(
    text: str, encoding: str
) -> None:
    spelled = TerminalFormat(80, encoding, colours=False).spell(text)
    spelled.encode(encoding)
    assert len(spelled.splitlines()) <= 1


@pytest.mark.parametrize(("columns", "expected"), [("80", 80), ("5", 60), ("9999", 100)])
def test_the_width_is_that_of_the_terminal_within_bounds(
    monkeypatch: pytest.MonkeyPatch, columns: str, expected: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert paper_of(io.StringIO()).columns == expected
    assert not paper_of(io.StringIO()).colours


@given(st.text(st.characters(exclude_categories=("C", "Z")), max_size=20))
def test_a_held_text_is_the_same_once_it_is_finished(text: str) -> None:
    assert finish(hold(f"a {text}b")) == f"a {text}b"


def test_a_foreign_string_steers_no_terminal_and_is_cut() -> None:
    spelled = TerminalFormat(80, "utf-8", colours=True).spell(CONTROL + "x" * 10_000)
    assert spelled.startswith("a\ufffd[31mb\ufffdc\ufffd2Jd\ufffde\ufffdf\ufffdg")
    assert control_in(spelled) == set()
    assert len(spelled) < 700
