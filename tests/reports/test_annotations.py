"""Annotations on GitHub are few, the worst first, and foreign text gives no command."""

import re
from dataclasses import replace

import pytest

from checks.result import Finding, Kind, Result
from checks.verdict import Verdict
from reports.annotations import MOST, render_annotations
from tests.reports.attacks import CONTROL, attacked, control_in, crowded
from tests.reports.results import empty_result, failing_result, finding, good_result

COMMAND = re.compile(r"::(error|warning) title=([^:,\r\n]+)::([^\r\n]+)")


def commands(text: str) -> list[tuple[str, str]]:
    """Return level and title of each line, as GitHub would read them."""
    matches = [COMMAND.fullmatch(line) for line in text.splitlines()]
    assert all(matches)
    return [(match[1], match[2].replace("%3A", ":")) for match in matches if match]


def findings(number: int, verdict: Verdict) -> list[Finding]:
    return [finding(f"{verdict} {n}", Kind.USAGE, verdict=verdict) for n in range(number)]


def test_a_run_that_passes_says_nothing() -> None:
    assert render_annotations(good_result()) == ""


def test_the_verdict_comes_first_then_what_fails_then_what_is_open() -> None:
    assert commands(render_annotations(failing_result())) == [
        (
            "error",
            "FAIL: The witnesses do not agree: The service and Prometheus are 3 cards_used (voice) "
            "short in step execute workflow: 98 counted%2C 101 done",
        ),
        ("error", "fail: usage cards_used LOST_COUNT"),
        ("warning", "inconclusive: usage sessions SCRAPE_GAP"),
    ]


def test_a_run_without_a_finding_is_still_an_error() -> None:
    [(level, title)] = commands(render_annotations(empty_result()))
    assert (level, title.split(":")[0]) == ("error", "INCONCLUSIVE")


@pytest.mark.parametrize(("number", "named"), [(9, 9), (10, 8), (200, 8)])
def test_there_are_ten_at_most_and_the_last_says_how_many_are_not_shown(
    number: int, named: int
) -> None:
    bad = [*findings(number - 2, Verdict.INCONCLUSIVE), *findings(2, Verdict.FAIL)]
    shown = commands(render_annotations(replace(
        good_result(), verdict=Verdict.FAIL, findings=tuple(bad),
    )))  # fmt: skip
    assert len(shown) <= MOST
    assert [level for level, _ in shown[1:3]] == ["error", "error"]
    assert sum(" " in title and title[0].islower() for _, title in shown) == named
    assert (shown[-1] == ("warning", "Not all is shown")) == (number > named)


def test_a_foreign_string_can_neither_end_a_command_nor_begin_one() -> None:
    bad = finding(
        "a, b: 100 %\r\n::error::mine", Kind.USAGE, verdict=Verdict.FAIL,
        detail="50 %\n::add-mask::x\r##[group]",
    )  # fmt: skip
    text = render_annotations(good_result(verdict=Verdict.FAIL, findings=(bad,)))
    assert "title=fail%3A a%2C b%3A 100 %25 %3A%3Aerror%3A%3Amine::" in text
    assert "50 %25 ::add-mask::x" in text
    assert len(commands(text)) == 2


@pytest.mark.parametrize("result", [attacked(), crowded(60)])
def test_every_line_is_a_command_whatever_was_found(result: Result) -> None:
    text = render_annotations(result)
    assert len(commands(text)) == text.count("\n") <= MOST
    assert len(text) < 40_000


def test_no_control_character_of_a_foreign_string_is_rendered() -> None:
    text = render_annotations(attacked(CONTROL))
    assert "a\ufffd[31mb\ufffdc\ufffd2Jd\ufffde\ufffdf\ufffdg" in text
    assert control_in(text) == set()
