"""The table of a load test shows what was judged, and no more."""

from dataclasses import replace
from pathlib import Path

import pytest

from checks.result import Kind, Result
from checks.verdict import Verdict
from reports.load_test import LoadTestRow, load_test_lines, render_load_test
from reports.terminal_output import TerminalFormat
from tests.reports.attacks import attacked
from tests.reports.results import (
    empty_result,
    failing_result,
    figures,
    finding,
    good_result,
    latency_row,
    objective,
    usage_row,
)

REPORT = Path("runs/20261122-175000-7f3a/report.html")


def line(name: str, lines: list[LoadTestRow]) -> LoadTestRow:
    return next(each for each in lines if each.name == name)


def test_what_was_done_is_that_of_the_load() -> None:
    lines = load_test_lines(good_result())
    assert [(each.name, each.measured) for each in lines] == [
        ("requests", "100"), ("concurrency", "10"), ("duration", "9.877 s"),
        ("iteration p50", "0.422 s"), ("iteration p95", "0.704 s"), ("iteration p99", "0.844 s"),
        ("success rate", "100.00 %"), ("cards created", "404/404 (100.00 %)"),
    ]  # fmt: skip


def test_a_percentile_never_rounds_across_its_limit() -> None:
    row = latency_row("iteration", 2.0, p50=0.50004, p99=4.9998, objectives=())
    lines = load_test_lines(good_result(latency=(row,)))
    p50, p99 = line("iteration p50", lines), line("iteration p99", lines)
    assert (p50.measured, p50.text) == ("0.50004 s", "over, not judged")
    assert (p99.measured, p99.text) == ("4.9998 s", "within, not judged")


def test_a_judged_limit_goes_before_the_usual_one() -> None:
    slow = objective(50.0, 0.3, 0.4, verdict=Verdict.FAIL)
    result = good_result(latency=(latency_row("iteration", 0.7, objectives=(slow,)),))
    p50 = line("iteration p50", load_test_lines(result))
    assert (p50.measured, p50.expected, p50.verdict) == ("0.400 s", "≤ 0.300 s", Verdict.FAIL)


def test_the_verdict_on_success_is_that_of_the_check() -> None:
    few = finding("success rate", Kind.SUCCESS, verdict=Verdict.FAIL, expected="at least 100 %")
    phase = replace(good_result().phases[1], completed=99)
    rate = line("success rate", load_test_lines(good_result(findings=(few,), phases=(phase,))))
    assert (rate.measured, rate.verdict) == ("99.00 %", Verdict.FAIL)


def test_cards_are_the_rows_that_there_are_not_those_that_were_promised() -> None:
    rows = (
        usage_row("cards_created", 202, figures=figures(202, 202, 200), verdict=Verdict.FAIL),
        usage_row("cards_created", 202),
    )
    cards = line("cards created", load_test_lines(good_result(usage=rows)))
    assert (cards.measured, cards.verdict) == ("402/404 (99.50 %)", Verdict.FAIL)


def test_where_not_all_rows_were_seen_the_client_is_believed_and_the_balance_judges() -> None:
    rows = (
        usage_row("cards_created", 202, figures=figures(202, 202), verdict=Verdict.INCONCLUSIVE),
        usage_row("cards_created", 202),
    )
    cards = line("cards created", load_test_lines(good_result(usage=rows)))
    assert (cards.measured, cards.verdict) == ("404/404 (100.00 %)", Verdict.INCONCLUSIVE)


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize(
    "result", [good_result(), failing_result(), empty_result(), attacked()]
)  # fmt: skip
def test_it_is_small_and_starts_with_the_verdict(result: Result, columns: int) -> None:
    text = render_load_test(result, REPORT, TerminalFormat(columns, "utf-8", False))
    lines = text.splitlines()
    assert lines[1].split()[0] in {"PASS", "FAIL", "INCONCLUSIVE"}
    assert len(lines) < 25
    assert all(len(each) <= columns for each in lines if not each.startswith("  report"))
    assert "\x1b" not in text
