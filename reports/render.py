"""Write each rendering of a run next to its evidence."""

import logging
import os
import tempfile
from pathlib import Path

from checks.result import Result
from reports.html import render_html
from reports.junit import render_junit
from reports.markdown import render_markdown

_LOG = logging.getLogger(__name__)


def render_all(result: Result, run_dir: Path) -> Path:
    """Write report.html, junit.xml and summary.md, each whole or not at all.

    Return the path of the page. The summary goes to `$GITHUB_STEP_SUMMARY` too, where that is set.
    """
    summary = render_markdown(result)
    report = run_dir / "report.html"
    _write(report, render_html(result))
    _write(run_dir / "junit.xml", render_junit(result))
    _write(run_dir / "summary.md", summary)
    if step_summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        # The file is the CI job's own; a job without it still has its report.
        try:
            with Path(step_summary).open("a", encoding="utf-8") as file:
                file.write(summary)
        except OSError as error:
            _LOG.warning("the summary could not be appended to %s: %s", step_summary, error)
    return report


def _write(path: Path, text: str) -> None:
    """Replace a file in one step, so that no reader ever sees half of it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        temporary.chmod(0o644)  # mkstemp's own is for one's eyes only
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
