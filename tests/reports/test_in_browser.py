"""The page of a run in a real browser: complete, without errors and without requests."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from checks.result import Kind, Result, finding_id
from checks.verdict import Verdict
from reports.html import SECTIONS, render_html
from tests.reports.attacks import EVIL, attacked, crowded
from tests.reports.browsing import (
    NEEDS_BROWSER,
    WIDTHS,
    fits_on_paper,
    shows_quietly,
    stands_out,
    written,
)
from tests.reports.results import (
    empty_result,
    failing_result,
    figures,
    finding,
    good_result,
    usage_row,
)

RESULTS = {
    "PASS": good_result(),
    "FAIL": failing_result(),
    "INCONCLUSIVE": empty_result(),
    "FAIL: attacked": attacked(EVIL + "x" * 5000),
    "FAIL: crowded": crowded(300),
}
pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    return written(folder, {name: render_html(each) for name, each in RESULTS.items()})


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_the_page_is_quiet_asks_nobody_and_fits(
    browser: Browser, pages: dict[str, str], name: str, script: bool
) -> None:
    context = browser.new_context(java_script_enabled=script)
    page = context.new_page()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        shows_quietly(page, pages[name], name.partition(":")[0])
        assert page.locator("h2").count() == len(SECTIONS) - 1  # availability is a watch's
    context.close()


def test_on_a_phone_every_figure_and_result_of_the_balance_is_on_the_screen(
    browser: Browser, pages: dict[str, str]
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(pages["FAIL"])
    cells = page.locator(".balance").first.locator("td.number, td.result, td.labels")
    assert cells.count() > 10
    boxes = [box for cell in cells.all() if (box := cell.bounding_box())]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
    page.close()


_LINES_OF_WORDS = """() => [...document.querySelectorAll(".gates .name")].flatMap(name =>
    [...name.firstChild.textContent.matchAll(/[\\w]+/g)].map(word => {
        const range = document.createRange();
        range.setStart(name.firstChild, word.index);
        range.setEnd(name.firstChild, word.index + word[0].length);
        return new Set([...range.getClientRects()].map(each => each.top)).size;
    }))"""


@pytest.mark.parametrize("name", ["PASS", "FAIL", "INCONCLUSIVE"])
def test_on_a_phone_no_word_of_a_gate_is_broken(
    browser: Browser, pages: dict[str, str], name: str
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(pages[name])
    assert set(page.evaluate(_LINES_OF_WORDS)) == {1}
    page.close()


def _long_banners() -> dict[str, Result]:
    """Return results of which what decided, and each name in it, is as long as it may be."""
    name = "a rather long name of a quantity"
    row = usage_row(name, 987_654, labels={"label": name}, figures=figures(987_000, 987_000, 1),
                    verdict=Verdict.FAIL)  # fmt: skip
    bad = [finding(f"usage {each}", Kind.USAGE, verdict=Verdict.FAIL, detail="so it is " * 90)
           for each in range(30)]  # fmt: skip
    bad[0] = replace(bad[0], id=finding_id("usage", name))
    return {
        "a row": good_result(verdict=Verdict.FAIL, findings=tuple(bad), usage=(row,)),
        "a detail": good_result(verdict=Verdict.FAIL, findings=tuple(bad[1:])),
        "good": good_result(),
        "failing": failing_result(),
    }


@pytest.mark.parametrize("name", ["a row", "a detail", "good", "failing"])
def test_the_sentence_of_the_banner_takes_two_lines_at_most(
    browser: Browser, tmp_path: Path, name: str
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 844})
    page.goto(written(tmp_path, {name: render_html(_long_banners()[name])})[name])
    sentence = page.locator(".sentence")
    line_px = float(sentence.evaluate("each => parseFloat(getComputedStyle(each).lineHeight)"))
    box = sentence.bounding_box()
    assert box is not None
    assert box["height"] <= 2.1 * line_px
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_background(
    browser: Browser, pages: dict[str, str], scheme: str
) -> None:
    stands_out(browser, pages["FAIL"], scheme)


def test_the_keyboard_reaches_every_table_that_scrolls(
    browser: Browser, pages: dict[str, str]
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(pages["FAIL"])
    regions = page.locator(".scroll")
    assert regions.count() > 5
    for region in regions.all():
        assert region.get_attribute("tabindex") == "0"
        assert region.get_attribute("aria-label")
    page.close()


def test_on_paper_no_column_is_cut_and_what_is_folded_is_open(
    browser: Browser, pages: dict[str, str]
) -> None:
    page = fits_on_paper(browser, pages["FAIL"])
    assert page.get_by_text("card_type=audience").last.bounding_box() is not None
    page.close()
