"""Does a real browser show the audit whole, quietly, and without asking anybody?"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from reports.audit import render_audit_html
from tests.reports.attacks import EVIL
from tests.reports.audits import attacked_audit, failing_audit, good_audit, unfinished_audit
from tests.reports.test_in_browser import (
    _WEAKEST_CONTRAST,
    ARGUMENTS,
    CHROMIUM,
    overflow,
    pytestmark,
)

__all__ = ["pytestmark"]

AUDITS = {
    "PASS": good_audit(),
    "FAIL": failing_audit(),
    "INCONCLUSIVE": unfinished_audit(),
    "FAIL: attacked": attacked_audit(EVIL + "x" * 5000),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("audits")
    addresses = {}
    for number, (name, audit) in enumerate(AUDITS.items()):
        path = folder / f"{number}.html"
        path.write_text(render_audit_html(audit), encoding="utf-8")
        addresses[name] = path.as_uri()
    return addresses


@pytest.mark.parametrize("name", AUDITS)
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_quiet_asks_nobody_and_fits(
    browser: Browser, pages: dict[str, str], name: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(pages[name])
    assert page.title().startswith(name.partition(":")[0] + ":")
    assert overflow(page) <= 0
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_background(
    browser: Browser, pages: dict[str, str], scheme: str
) -> None:
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(pages["FAIL"])
    assert page.evaluate(_WEAKEST_CONTRAST) >= 4.5
    page.close()


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
    page = browser.new_page(viewport={"width": 1047, "height": 718})
    page.emulate_media(media="print")
    page.goto(pages["FAIL"])
    assert overflow(page) <= 0
    told = page.locator("details").last
    assert told.bounding_box() != told.locator("summary").bounding_box()
    page.close()
