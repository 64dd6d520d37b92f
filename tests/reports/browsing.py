"""What the tests in a real browser share: Chromium, and what one asks of a page."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
WIDTHS = (390, 1280)  # of a phone and of a desktop, in pixels
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--renderer-process-limit=1",
]  # fmt: skip
NEEDS_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists() and not os.environ.get("CI"),
        reason=f"there is no {CHROMIUM}: install the package chromium",
    ),
]


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def marked_as_running(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Mark Playwright's event loop as running within the block, and nowhere else.

    Playwright itself marks it so between two of its calls, for as long as it is started.
    """
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(None)


def written(folder: Path, pages: Mapping[str, str]) -> dict[str, str]:
    """Write pages to files, and return their addresses by name."""
    addresses = {}
    for number, (name, html) in enumerate(pages.items()):
        path = folder / f"{number}.html"
        path.write_text(html, encoding="utf-8")
        addresses[name] = path.as_uri()
    return addresses


@dataclass
class Visit:
    """What a page said and asked for while it was shown."""

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def asked_elsewhere(self) -> list[str]:
        return [url for url in self.requests if not url.startswith(("file:", "data:"))]


def visit(page: Page, url: str) -> Visit:
    """Show a page, listening from the beginning."""
    seen = Visit()
    page.on("console", lambda message: seen.complaints.append(message.text))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.goto(url)
    return seen


def shows_quietly(page: Page, url: str, word: str) -> None:
    """Show a page whose title begins with a word: all of it fits, and it asks nobody anything."""
    seen = visit(page, url)
    assert page.title().startswith(f"{word}:")
    assert overflow(page) <= 0
    assert seen.complaints == []
    assert seen.asked_elsewhere == []


def has_no_violation(browser: Browser, url: str, width: int, scheme: str) -> None:
    """Show a page, light or dark: it is quiet, asks nobody, fits, and axe-core finds nothing."""
    page = browser.new_page(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    seen = visit(page, url)
    assert (seen.complaints, seen.asked_elsewhere) == ([], [])
    assert overflow(page) <= 0
    assert violations(page) == []
    page.close()


def fits_on_paper(browser: Browser, url: str) -> Page:
    """Show a page as it is printed on A4, landscape: no column is cut. The caller closes it."""
    page = browser.new_page(viewport={"width": 1047, "height": 718})
    page.emulate_media(media="print")
    page.goto(url)
    assert overflow(page) <= 0
    return page


def stands_out(browser: Browser, url: str, scheme: str) -> None:
    """Show a page, light or dark: WCAG AA asks for a contrast of 4.5 to 1."""
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(url)
    assert weakest_contrast(page) >= 4.5
    page.close()


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong: the rule and the first element of each."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def weakest_contrast(page: Page) -> float:
    """Return the contrast of the words that stand out least; WCAG AA asks for 4.5."""
    return float(page.evaluate(_WEAKEST_CONTRAST))


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
