"""Make the pictures of docs/ from real runs: python scripts/screenshots.py.

Each run has a seeded fault, on the local stack. Needs Chromium and the packages of the tests.
"""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
CHROMIUM = "/usr/bin/chromium"


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


def main() -> int:
    """Run once per fault, and take its pictures; return 0 if all were taken."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for fault in dict.fromkeys(each.fault for each in SHOTS):
            report = _report_of(fault, Path(folder) / fault)
            for shot in SHOTS:
                if shot.fault == fault:
                    _take(browser, shot, report)
        browser.close()
    return 0


def _report_of(fault: str, runs: Path) -> Path:
    """Run the nightly job with a fault; it fails, as it must."""
    command = [sys.executable, "run.py", "nightly", "--fault", fault, "--runs", str(runs)]
    subprocess.run(command, cwd=ROOT, check=False)
    return (runs / "latest" / "report.html").resolve(strict=True)


def _take(browser: Browser, shot: Shot, report: Path) -> None:
    page = browser.new_page(viewport={"width": shot.width, "height": 900})
    page.goto(report.as_uri())
    page.evaluate("document.querySelector('nav').hidden = true")  # it sticks to the top
    page.locator(shot.part).first.screenshot(path=PICTURES / shot.name)
    page.close()


if __name__ == "__main__":
    sys.exit(main())
