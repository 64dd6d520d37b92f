"""Does a real browser show the page whole, quietly, and without asking anybody?"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from reports.html import render_html
from tests.reports.attacks import EVIL, attacked, crowded
from tests.reports.results import empty_result, failing_result, good_result

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
RESULTS = {
    "PASS": good_result(),
    "FAIL": failing_result(),
    "INCONCLUSIVE": empty_result(),
    "FAIL: attacked": attacked(EVIL + "x" * 5000),
    "FAIL: crowded": crowded(300),
}
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists() and not os.environ.get("CI"),
        reason=f"there is no {CHROMIUM}: install the package chromium",
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    addresses = {}
    for number, (name, result) in enumerate(RESULTS.items()):
        path = folder / f"{number}.html"
        path.write_text(render_html(result), encoding="utf-8")
        addresses[name] = path.as_uri()
    return addresses


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_the_page_is_quiet_asks_nobody_and_fits(
    browser: Browser, pages: dict[str, str], name: str, width: int, script: bool
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844}, java_script_enabled=script
    )
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(pages[name])
    assert page.title().startswith(name.partition(":")[0] + ":")
    assert page.locator("h2").count() == 9
    assert overflow(page) <= 0
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_background(
    browser: Browser, pages: dict[str, str], scheme: str
) -> None:
    """WCAG AA asks for a contrast of 4.5 to 1."""
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(pages["FAIL"])
    assert page.evaluate(_WEAKEST_CONTRAST) >= 4.5
    page.close()


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
    page = browser.new_page(viewport={"width": 1047, "height": 718})
    page.emulate_media(media="print")
    page.goto(pages["FAIL"])
    assert overflow(page) <= 0
    assert page.get_by_text("card_type=audience").last.bounding_box() is not None
    page.close()


_WEAKEST_CONTRAST = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!colour.startsWith('rgba(0, 0, 0, 0')) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  let weakest = 21;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const ink = light(element.closest('svg') ? style.fill : style.color);
    const paper = light(behind(element));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    weakest = Math.min(weakest, ratio);
  }
  return weakest;
}"""
