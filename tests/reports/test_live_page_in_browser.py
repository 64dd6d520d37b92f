"""The page of a running load in a real browser renews itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from commands.shared.live_server import live_server
from reports.live_page import render_live_page
from tests.reports.browsing import NEEDS_BROWSER, has_no_violation, overflow, written
from tests.reports.test_live_page import snapshots_of

pytestmark = NEEDS_BROWSER


@pytest.fixture
def address() -> Iterator[str]:
    counts = iter(range(3, 1000))
    with live_server(lambda: render_live_page("shop", snapshots_of(next(counts)))) as address:
        yield address


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_and_renews_itself_without_a_script(
    browser: Browser, address: str, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844}, java_script_enabled=False
    )
    page = context.new_page()
    page.goto(address)
    shown = page.locator("pre").inner_text()
    with page.expect_navigation(timeout=60_000):
        pass
    assert page.locator("pre").inner_text() != shown
    assert page.locator("svg").count() == 3
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_the_page_is_quiet_and_axe_core_finds_nothing(
    browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    page = render_live_page("shop on test", snapshots_of(20))
    has_no_violation(browser, written(tmp_path, {"live": page})["live"], width, scheme)


def test_the_page_is_not_wider_than_a_phone(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(address)
    assert overflow(page) <= 0
    page.close()
