"""Tests of the page and the text of trends."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from checks.history.entry import Entry
from checks.history.trends import Trend, trends_of
from checks.verdict import Verdict
from reports.terminal_output import TerminalFormat
from reports.trends import render_trends_html, render_trends_terminal, trends_json
from reports.views.kept_reports import report_finder
from tests.checks.history.entries import nights, step_entry
from tests.reports.browsing import NEEDS_BROWSER, has_no_violation, written

PAPER = TerminalFormat(80, "utf-8", colours=False)
NIGHTS = 90


def history(scenario: str = "shop", **changes: Any) -> list[Entry]:
    values = [1.0 + number % 7 / 100 + (0.3 if number >= 60 else 0) for number in range(NIGHTS)]
    entries = [
        replace(each, latency={"iteration": step_entry(p95, p95_limit=1.5)}, scenario=scenario,
                versions={"shop": "1.4" if number < 60 else "1.5"}, **changes)
        for number, (each, p95) in enumerate(zip(nights(*values), values, strict=True))
    ]  # fmt: skip
    entries[70] = replace(entries[70], verdict=Verdict.FAIL)
    return entries


@cache
def shop_trends() -> tuple[Trend, ...]:
    """Return the trends of the history, computed once: its shifts take half a second."""
    return trends_of(history(), NIGHTS)


def page_of(trends: Sequence[Trend], kept: tuple[str, ...] = ()) -> str:
    return render_trends_html(trends, report_finder(kept, ""))


def test_the_page_names_the_first_run_of_a_shift_and_what_changed_with_it() -> None:
    entries = history()
    page = page_of(shop_trends(), kept=(entries[60].run_id,))
    assert "90 runs of 1 scenario, 1 shift" in page
    assert f'<a href="./{entries[60].run_id}/report.html">2026-12-01 03:00:00 UTC</a>' in page
    assert "shop 1.4 → 1.5" in page


def test_the_first_lines_say_since_when_what_shifted_and_what_changed_with_it() -> None:
    page = page_of(shop_trends())
    header = page[page.index("<header") : page.index("</header>")]
    assert (
        "Since the run of 2026-12-01 03:00:00 UTC: iteration p95 1.030 s → 1.330 s (+29.13 %) in "
        "shop on test (load); changed with it: shop 1.4 → 1.5."
    ) in header


def test_without_a_shift_the_first_lines_name_none() -> None:
    page = page_of(trends_of(history()[:30], NIGHTS))
    assert "Since the run of" not in page
    assert "no shift" in page


def test_a_day_of_the_calendar_leads_to_the_report_of_its_worst_run_if_that_is_kept() -> None:
    entries = history()
    kept, gone = (page_of(shop_trends(), kept=names) for names in ((entries[70].run_id,), ()))
    assert f'<a class="day fail" href="./{entries[70].run_id}/report.html"' in kept
    assert '<span class="day fail" role="img" aria-label="2026-12-11 fail"' in gone


def test_the_charts_have_the_limit_and_a_text_alternative() -> None:
    page = page_of(shop_trends())
    assert 'role="img" aria-label="p95 of the newest run' in page
    assert "limit 1.500 s" in page
    assert 'stroke="var(--limit, #b3261e)"' in page


def test_forty_scenarios_of_ninety_runs_stay_under_400_kb() -> None:
    (trend,) = shop_trends()
    page = render_trends_html([trend] * 40, lambda run_id: f"./{run_id}/report.html")
    assert len(page.encode()) < 400_000


def test_foreign_words_are_escaped() -> None:
    page = page_of(trends_of(history("<script>alert(1)</script>"), NIGHTS))
    assert "<script" not in page


def test_the_terminal_has_a_row_per_trend_and_a_sentence_per_shift_and_step() -> None:
    text = render_trends_terminal(shop_trends(), PAPER, "runs/trends.html")
    assert all(len(line) <= PAPER.columns for line in text.splitlines())
    assert "shop on test (load)" in text
    assert " ".join(text.split()).count("since 2026-12-01 03:00:00 UTC") == 1


def test_the_document_has_every_run_and_shift() -> None:
    (trend,) = json.loads(trends_json(shop_trends()))
    assert len(trend["entries"]) == NIGHTS
    assert {each["first"]["run_id"] for each in trend["shifts"]} == {history()[60].run_id}


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
class TestInBrowser:
    pytestmark = NEEDS_BROWSER

    def test_the_page_is_quiet_fits_and_has_no_violation(
        self, browser: Browser, tmp_path: Path, width: int, scheme: str
    ) -> None:
        (address,) = written(tmp_path, {"": page_of(shop_trends())}).values()
        has_no_violation(browser, address, width, scheme)
