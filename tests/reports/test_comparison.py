"""Tests of the renderings of a comparison."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from checks.differences import Comparison, FindingChange
from checks.verdict import Verdict
from reports.comparison import (
    render_comparison_html,
    render_comparison_markdown,
    render_comparison_terminal,
)
from reports.terminal_output import TerminalFormat
from tests.reports.browsing import NEEDS_BROWSER, has_no_violation, written
from tests.reports.comparisons import STEPS, no_regression, nothing_to_compare, regression
from tests.reports.test_render import golden

COMPARISONS = {
    "compare-fail": regression(),
    "compare-pass": no_regression(),
    "compare-inconclusive": nothing_to_compare(),
}
PAGE = "runs/20261123-175000-91bc/comparison.html"


def terminal(comparison: Comparison, columns: int, encoding: str = "utf-8") -> str:
    return render_comparison_terminal(comparison, TerminalFormat(columns, encoding, False), PAGE)


@pytest.mark.parametrize("name", COMPARISONS)
def test_the_renderings_are_the_golden_files(name: str) -> None:
    golden(f"{name}.md", render_comparison_markdown(COMPARISONS[name]))
    golden(f"{name}.100.txt", terminal(COMPARISONS[name], 100))
    golden(f"{name}.80.txt", terminal(COMPARISONS[name], 80, "ascii"))


@pytest.mark.parametrize("columns", [60, 80, 100])
@pytest.mark.parametrize("name", COMPARISONS)
def test_no_line_is_wider_than_the_paper_but_the_one_to_copy(name: str, columns: int) -> None:
    wide = [each for each in terminal(COMPARISONS[name], columns).splitlines()
            if len(each) > columns]  # fmt: skip
    assert all(line.startswith("  page") for line in wide)


def hostile() -> Comparison:
    words = "<script>alert(1)</script>|\x1b[31m"
    change = FindingChange(words, Verdict.PASS, Verdict.FAIL, words, words, True)
    return regression(findings=(change,), steps=(replace(STEPS[0], step=words),))


def test_foreign_words_stay_words() -> None:
    assert "<script" not in render_comparison_html(hostile())
    assert "<script" not in render_comparison_markdown(hostile())
    assert "\x1b" not in terminal(hostile(), 100)


def test_a_thousand_steps_stay_under_400_kb() -> None:
    many = regression(steps=tuple(replace(STEPS[0], step=f"step {n}") for n in range(1000)))
    page = render_comparison_html(many)
    assert len(page.encode()) < 400_000
    assert "more rows" in page


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (390, "dark"), (1280, "light"),
        pytest.param(390, "light", marks=pytest.mark.long),
        pytest.param(1280, "dark", marks=pytest.mark.long),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", COMPARISONS)
class TestInBrowser:
    pytestmark = NEEDS_BROWSER

    def test_the_page_is_quiet_fits_and_has_no_violation(
        self, browser: Browser, tmp_path: Path, name: str, width: int, scheme: str
    ) -> None:
        (address,) = written(tmp_path, {"": render_comparison_html(COMPARISONS[name])}).values()
        has_no_violation(browser, address, width, scheme)
