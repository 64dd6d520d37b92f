"""The page of an audit in a real browser: complete, without errors and without requests."""

import pytest
from playwright.sync_api import Browser

from reports.audit import render_audit_html
from tests.reports.attacks import EVIL
from tests.reports.audits import attacked_audit, failing_audit, good_audit, unfinished_audit
from tests.reports.browsing import (
    NEEDS_BROWSER,
    WIDTHS,
    fits_on_paper,
    shows_quietly,
    stands_out,
    written,
)

pytestmark = NEEDS_BROWSER
AUDITS = {
    "PASS": good_audit(),
    "FAIL": failing_audit(),
    "INCONCLUSIVE": unfinished_audit(),
    "FAIL: attacked": attacked_audit(EVIL + "x" * 5000),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("audits")
    return written(folder, {name: render_audit_html(each) for name, each in AUDITS.items()})


@pytest.mark.parametrize("name", AUDITS)
def test_the_page_is_quiet_asks_nobody_and_fits(
    browser: Browser, pages: dict[str, str], name: str
) -> None:
    page = browser.new_page()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        shows_quietly(page, pages[name], name.partition(":")[0])
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_background(
    browser: Browser, pages: dict[str, str], scheme: str
) -> None:
    stands_out(browser, pages["FAIL"], scheme)


def test_the_keyboard_opens_an_explanation(browser: Browser, pages: dict[str, str]) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(pages["PASS"])
    assert page.locator(".scroll").first.get_attribute("tabindex") == "0"
    first = page.locator("details").first
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    assert first.evaluate("element => element.open")
    page.close()


def test_on_paper_no_column_is_cut_and_explanations_are_open(
    browser: Browser, pages: dict[str, str]
) -> None:
    page = fits_on_paper(browser, pages["FAIL"])
    details = page.locator("details").last
    assert details.bounding_box() != details.locator("summary").bounding_box()
    page.close()
