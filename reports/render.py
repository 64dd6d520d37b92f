"""Write each rendering of a run next to its evidence."""

import logging
import os
from pathlib import Path

from checks.result import Result
from reports.charts.rendering import draw_charts
from reports.html import render_html
from reports.junit import render_junit
from reports.markdown import render_markdown
from reports.views.kept_reports import reports_beside
from scenarios.evidence.files import write_atomically

_LOG = logging.getLogger(__name__)


def render_all(result: Result, run_dir: Path) -> Path:
    """Write report.html, junit.xml and summary.md, each whole or not at all.

    Return the path of the page; its charts are drawn from the evidence in the folder. The summary
    goes to `$GITHUB_STEP_SUMMARY` too, where that is set.
    """
    summary = render_markdown(result)
    page = render_html(result, draw_charts(result, run_dir), reports_beside(run_dir))
    report = run_dir / "report.html"
    write_atomically(report, page.encode())
    write_atomically(run_dir / "junit.xml", render_junit(result).encode())
    write_atomically(run_dir / "summary.md", summary.encode())
    if step_summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        # The file is the CI job's own; a job without it still has its report.
        try:
            with Path(step_summary).open("a", encoding="utf-8") as file:
                file.write(summary)
        except OSError as error:
            _LOG.warning("the summary could not be appended to %s: %s", step_summary, error)
    return report
