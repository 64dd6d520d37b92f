"""The history in every rendering is true, small and safe with foreign text."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser

from checks.history.entry import Entry
from checks.result import Result
from checks.result_document import read_result, render_result
from checks.verdict import Verdict
from reports.charts.runs import CurvePoint, draw_points
from reports.html import render_html
from reports.html_template import MOST_BYTES as MOST_BYTES_OF_A_PAGE
from reports.markdown import MOST_BYTES, render_markdown
from reports.terminal import render_terminal
from reports.terminal_output import TerminalFormat
from reports.vega import LIMIT
from reports.views.history import (
    MOST_RUNS,
    NO_HISTORY,
    check_rows,
    draw_history,
    history_rows,
    history_sentence,
    p95_sentence,
    sparkline,
)
from reports.views.kept_reports import report_finder
from tests.checks.history.entries import FIRST_AT, HERE, entry, nights, step_entry
from tests.reports.attacks import CONTROL, EVIL, attacked, control_in, crowded
from tests.reports.browsing import (
    NEEDS_BROWSER,
    fits_on_paper,
    shows_quietly,
    stands_out,
    written,
)
from tests.reports.results import empty_result, good_result, latency_row
from tests.reports.test_html import Page

FIVE = (0.70, 0.69, 0.75, 0.71, 0.68)


def with_history(*before: Entry, result: Result | None = None, **changes: Any) -> Result:
    """Make a run on the machine of those before it."""
    return replace(result or good_result(), machine=HERE, history=before or nights(*FIVE),
                   **changes)  # fmt: skip


def mixed() -> Result:
    """Make a run after thirty of every kind."""
    runs = list(nights(*(0.6 + 0.01 * (number % 7) for number in range(30))))
    runs[3] = replace(
        runs[3],
        verdict=Verdict.FAIL,
        checks={f"usage {number}": Verdict.FAIL for number in range(5)},
        latency={"iteration": step_entry(1.4)},
    )
    runs[8] = replace(runs[8], verdict=Verdict.INCONCLUSIVE, partial=True, latency={},
                      checks={"run complete": Verdict.INCONCLUSIVE}, completed=1)  # fmt: skip
    runs[20:24] = [replace(each, machine="another", latency={"iteration": step_entry(0.9)})
                   for each in runs[20:24]]  # fmt: skip
    return with_history(*runs)


def hostile(text: str = EVIL) -> Result:
    """Put a text wherever a line of the history can bring one."""
    runs = (
        entry(number, 0.7, run_id=text, environment=text, scenario=text, scenario_sha256=text,
              profile=text, fault=text, machine=text, verdict=Verdict.FAIL,
              checks={f"{text}{check}": Verdict.FAIL for check in range(8)},
              latency={text: step_entry(0.7), "iteration": step_entry(0.7)})
        for number in range(30)
    )  # fmt: skip
    base = attacked(text)
    timed = (*base.latency, latency_row("iteration", 0.7))
    return replace(base, latency=timed, machine=text, history=tuple(runs))


RESULTS = {
    "few": with_history(),
    "mixed": mixed(),
    "hostile": hostile(),
    "long": hostile(EVIL + "x" * 100_000),
    "crowded": with_history(result=crowded(50)),
}


def test_the_newest_run_comes_first_and_is_this_one() -> None:
    rows = history_rows(with_history())
    assert [row.note for row in rows] == ["this run", "", "", "", "", ""]
    assert rows[0].when == "2026-11-22 17:50:00"
    assert [row.p95 for row in rows[1:]] == ["0.680 s", "0.710 s", "0.750 s", "0.690 s", "0.700 s"]


def test_thirty_runs_are_shown_with_this_one() -> None:
    assert len(history_rows(mixed())) == MOST_RUNS


def test_a_row_says_what_did_not_pass_failing_checks_first() -> None:
    checks = {"d": Verdict.INCONCLUSIVE, "e": Verdict.PASS}
    checks |= dict.fromkeys("abc", Verdict.FAIL)
    row = history_rows(with_history(entry(checks=checks)))[1]
    assert row.not_passed == ("a", "b", "c", "1 more")


def test_a_run_of_another_machine_or_an_interrupted_one_is_said_to_be() -> None:
    rows = history_rows(with_history(entry(machine="", partial=True)))
    assert rows[1].note == "another machine, interrupted"


def test_a_run_of_another_scenario_file_is_shown_and_not_compared() -> None:
    edited = replace(entry(9, 9.0), scenario_sha256="another")
    result = with_history(*nights(*FIVE), edited)
    assert history_rows(result)[1].note == "another scenario file"
    assert history_sentence(result) == (
        "iteration p95 0.704 s; median of the last 5 passing runs 0.700 s. "
        "5 earlier runs to compare with. 1 run of another scenario file is shown, not compared."
    )
    assert 'fill="var(--paper' in draw_history(result)
    assert 'fill="var(--paper' not in draw_history(with_history())


def test_a_run_that_fails_for_its_usage_does_not_make_its_latency_red() -> None:
    lost = entry(6, 0.7, verdict=Verdict.FAIL, checks={"usage/uses": Verdict.FAIL})
    slow = entry(7, 0.7, checks={"latency/iteration/p95": Verdict.FAIL})
    assert "✕" not in draw_history(with_history(*nights(*FIVE), lost))
    assert draw_history(with_history(*nights(*FIVE), lost, slow)).count("✕") == 1


def test_a_run_whose_report_is_kept_is_a_link_in_the_chart_and_the_table() -> None:
    kept, gone = nights(0.7, 0.7)
    find = report_finder([kept.run_id], "../")
    page = render_html(with_history(kept, gone), find_report=find)
    assert page.count(f'href="./../{kept.run_id}/report.html"') == 2
    assert gone.run_id not in page


def test_a_run_that_timed_nothing_has_no_data() -> None:
    row = history_rows(with_history(entry(latency={})))[1]
    assert (row.p95, row.interval) == ("no data", "none")


def test_a_check_has_a_mark_for_each_run_and_a_dot_where_it_was_not_made() -> None:
    lost = {"usage/cards_used": Verdict.FAIL}
    rows = check_rows(with_history(entry(1, checks=lost), entry(2)))
    assert [(row.check, row.not_passed, row.marks) for row in rows] == [
        ("usage/cards_used", "1 of 2", "✕ · ✓")
    ]


def test_the_sentence_has_the_median_of_the_last_passing_runs_on_this_machine() -> None:
    elsewhere = entry(8, 9.0, machine="another")
    assert p95_sentence(with_history(*nights(*FIVE), elsewhere)) == (
        "iteration p95 0.704 s; median of the last 5 passing runs 0.700 s"
    )
    assert history_sentence(with_history()) == (
        "iteration p95 0.704 s; median of the last 5 passing runs 0.700 s. "
        "5 earlier runs to compare with."
    )


def test_a_sparkline_has_a_bar_for_each_run_that_can_be_compared() -> None:
    runs = nights(0.1, 0.35, 0.7)
    elsewhere, silent = entry(4, 9.0, machine="another"), entry(5, latency={})
    assert sparkline(with_history(*runs, elsewhere, silent)) == (
        "p95 of the iteration over the last 6 runs: ▂▄█··█ (0.100–0.704 s)"
    )
    assert sparkline(good_result()) == ""
    assert sparkline(with_history(elsewhere)) == ""


def test_the_summary_has_the_sparkline_before_its_tables() -> None:
    text = render_markdown(with_history())
    assert text.index("over the last 6 runs: ") < text.index("## What does not pass")


def test_the_sentence_says_where_there_is_nothing_to_compare() -> None:
    assert p95_sentence(with_history(entry(machine="another"))) == (
        "iteration p95 0.704 s; no earlier run on this machine passed"
    )
    assert (
        p95_sentence(with_history(entry(1, 0.5)))
        == "iteration p95 0.704 s; last passing run 0.500 s"
    )
    assert p95_sentence(with_history(result=empty_result())) == ""


@pytest.mark.parametrize("result", [good_result(), empty_result()], ids=["good", "empty"])
def test_without_a_history_one_sentence_says_so(result: Result) -> None:
    assert NO_HISTORY in Page(render_html(result)).text
    assert NO_HISTORY in render_markdown(result)
    assert "history" not in render_terminal(result, None, TerminalFormat(80, "utf-8", False))


def test_the_terminal_has_one_line_of_it() -> None:
    text = render_terminal(with_history(), None, TerminalFormat(80, "utf-8", False))
    lines = [line for line in text.splitlines() if line.startswith("  history")]
    assert lines == [
        "  history    iteration p95 0.704 s; median of the last 5 passing runs 0.700 s"
    ]


@pytest.mark.parametrize("name", RESULTS)
def test_the_page_stays_small_and_whole(name: str) -> None:
    page = render_html(RESULTS[name])
    assert Page(page).open == []
    assert len(page.encode()) < MOST_BYTES_OF_A_PAGE
    section = page[page.index('id="history"') : page.index('id="environment"')]
    assert "<script" not in section
    assert section.count("<tr") >= 5
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe]", section)


@pytest.mark.parametrize("name", RESULTS)
def test_the_picture_is_xml_with_a_text_and_keeps_inside_its_frame(name: str) -> None:
    picture = ET.fromstring(draw_history(RESULTS[name]))
    assert picture.get("aria-label") == " ".join(history_sentence(RESULTS[name]).split())
    width, height = (float(picture.get(side, "0")) for side in ("width", "height"))
    for element in picture.iter():
        for key, value in element.attrib.items():
            assert key not in ("style", "class") and not key.startswith("on")
            if key in ("x", "x1", "x2", "cx"):
                assert 0 <= float(value) <= width
            if key in ("y", "y1", "y2", "cy"):
                assert 0 <= float(value) <= height


def test_the_limit_is_drawn_where_it_is_near_and_named_where_it_is_far() -> None:
    point = CurvePoint(0.7, 0.6, 0.8, Verdict.PASS, True, FIRST_AT)
    near, far, without = (draw_points([point], limit_s, 0.7, "") for limit_s in (1.0, 9.0, None))
    assert [text.count(f'stroke="{LIMIT}"') for text in (near, far, without)] == [1, 0, 0]
    assert ">limit 1.000 s<" in near
    assert ">↑ limit 9.000 s<" in far
    assert "limit" not in without


def test_runs_of_another_machine_are_hollow_and_gaps_are_left_open() -> None:
    here, there = (
        CurvePoint(0.7, 0.6, 0.8, Verdict.PASS, each, FIRST_AT) for each in (True, False)
    )
    assert draw_points([here, there], None, None, "").count('fill="var(--paper') == 1
    assert draw_points([None, here, None], None, None, "").count("<circle") == 1
    assert draw_points([None], 2.5, None, "").count("<circle") == 0
    assert (
        draw_points([replace(here, value=0.0, low=0.0, high=0.0)], None, None, "").count("<circle")
        == 1
    )


def test_the_summary_folds_the_runs_and_stays_small() -> None:
    text = render_markdown(mixed())
    folded = text[text.index("<details>") : text.index("</details>")]
    assert folded.count("\n| 2026-") == MOST_RUNS
    assert "\n\n| Started" in folded
    assert text.index("## Failed exchanges") < text.index("## History") < text.index("## Environ")


@pytest.mark.parametrize("name", ["hostile", "long", "crowded"])
def test_no_line_of_the_history_gets_out_of_its_cell(name: str) -> None:
    text = render_markdown(RESULTS[name])
    assert len(text.encode()) < MOST_BYTES + 200
    outside = "".join(text.split("```")[::2])
    assert "<script" not in outside
    assert outside.count("<details>") == outside.count("</details>")


def test_a_summary_cut_inside_the_fold_is_unfolded(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = render_markdown(mixed())
    monkeypatch.setattr(
        "reports.markdown.MOST_BYTES", len(whole.split("<details>")[0].encode()) + 600
    )
    lines = render_markdown(mixed()).splitlines()
    assert lines.index("<details>") < lines.index("</details>")
    assert lines[-1].startswith("… shortened")


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("name", RESULTS)
def test_the_terminals_line_fits(name: str, columns: int) -> None:
    text = render_terminal(RESULTS[name], None, TerminalFormat(columns, "ascii", False))
    line = next(line for line in text.splitlines() if line.startswith("  history"))
    assert len(line) <= columns


def test_a_result_with_a_history_is_read_as_it_was_written(tmp_path: Any) -> None:
    path = tmp_path / "result.json"
    path.write_text(render_result(mixed()), encoding="utf-8")
    assert read_result(path) == mixed()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("histories")
    return written(folder, {name: render_html(RESULTS[name]) for name in ("mixed", "hostile")})


@pytest.mark.browser
@NEEDS_BROWSER[1]
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(("name", "word"), [("mixed", "PASS"), ("hostile", "FAIL")])
def test_the_page_with_a_history_is_quiet_and_fits(
    browser: Browser, pages: dict[str, str], name: str, word: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    shows_quietly(page, pages[name], word)
    page.close()


@pytest.mark.browser
@NEEDS_BROWSER[1]
def test_on_paper_no_column_of_the_history_is_cut(browser: Browser, pages: dict[str, str]) -> None:
    fits_on_paper(browser, pages["mixed"]).close()


@pytest.mark.browser
@NEEDS_BROWSER[1]
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_words_of_the_history_stand_out(
    browser: Browser, pages: dict[str, str], scheme: str
) -> None:
    stands_out(browser, pages["mixed"], scheme)


def test_no_control_character_of_a_check_is_in_the_history() -> None:
    before = [replace(each, checks={CONTROL: Verdict.FAIL}) for each in nights(*FIVE)]
    rows = history_rows(with_history(*before))
    named = {name for row in rows for name in row.not_passed} - {"all passed"}
    assert named
    assert control_in("".join(named)) == set()
