"""Make the pictures of docs/ from real runs: python scripts/screenshots.py.

Each run is on the local stack, with a seeded fault but for that of the live page. Needs Chromium
and the packages of the tests.
"""

import html
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
CHROMIUM = "/usr/bin/chromium"
NIGHTLY = ("nightly", "--fault")
LIVE = ("load", "--profile", "soak", "--rate", "20/s", "--duration", "20s", "--live")
_LIVE_MS = 15_000  # into the load, so that its curves have a shape
_LINES = 24  # of the terminal: the verdict, the checks, the balance
_TERMINAL = "font: 13px/1.35 monospace; color: #d5d9de; background: #22262b; padding: 16px 20px"


@dataclass(frozen=True)
class Shot:
    """A part of the report of a run: its file, the fault, what is shown, and how wide."""

    name: str
    fault: str
    part: str
    width: int = 1280


SHOTS = (
    Shot("banner.png", "lost-usage-row", "header"),
    Shot("balance-phone.png", "lost-usage-row", ".scroll:has(.balance)", 390),
    Shot("failures.png", "burst-of-errors", 'article.finding:has(pre[aria-label^="Request"])'),
)
TERMINAL, LIVE_PAGE = "terminal.png", "live.png"
NAMES = (*(each.name for each in SHOTS), TERMINAL, LIVE_PAGE)


def main() -> int:
    """Run once per fault, and take its pictures; return 0 if all were taken."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for fault in dict.fromkeys(each.fault for each in SHOTS):
            report, terminal = _run_with(fault, Path(folder) / fault)
            for shot in SHOTS:
                if shot.fault == fault:
                    _take(browser, shot, report)
            if fault == SHOTS[0].fault:
                _take_terminal(browser, terminal)
        _take_live(browser, Path(folder))
        browser.close()
    return 0


def _run_with(fault: str, runs: Path) -> tuple[Path, str]:
    """Run the nightly job with a fault; it fails, as it must. Return report and output."""
    command = [sys.executable, "run.py", *NIGHTLY, fault, "--runs", str(runs)]
    ended = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    text = ended.stdout.replace(str(runs), "runs")
    return (runs / "latest" / "report.html").resolve(strict=True), text


def _take_terminal(browser: Browser, text: str) -> None:
    page = browser.new_page(viewport={"width": 860, "height": 700})
    text = "\n".join(text.strip().splitlines()[:_LINES])
    page.set_content(f'<body style="margin: 0"><pre style="{_TERMINAL}">{html.escape(text)}</pre>')
    page.locator("pre").screenshot(path=PICTURES / TERMINAL)
    page.close()


def _take_live(browser: Browser, runs: Path) -> None:
    """Take the page of a load while it goes on."""
    command = [sys.executable, "run.py", *LIVE, "--runs", str(runs)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as load:
        found = None
        for line in load.stderr or ():
            if found := found or re.search(r"http://127\.0\.0\.1:\d+\S*", line):
                break
        page = browser.new_page(viewport={"width": 860, "height": 760})
        page.goto(found[0] if found else "about:blank")
        page.locator("svg").first.wait_for(timeout=120_000)
        page.wait_for_timeout(_LIVE_MS)
        page.screenshot(path=PICTURES / LIVE_PAGE)
        page.close()
        load.communicate()


def _take(browser: Browser, shot: Shot, report: Path) -> None:
    page = browser.new_page(viewport={"width": shot.width, "height": 900})
    page.goto(report.as_uri())
    page.evaluate("document.querySelector('nav').hidden = true")  # it sticks to the top
    page.locator(shot.part).first.screenshot(path=PICTURES / shot.name)
    page.close()


if __name__ == "__main__":
    sys.exit(main())
