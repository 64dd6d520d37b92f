"""Render the trends of all runs that a project's history remembers."""

import sys
from pathlib import Path

from checks.history.store import FOLDER_NAME, read_history
from checks.history.trends import trends_of
from commands.shared.interrupts import INTERRUPTS
from config.errors import ConfigError, Problem
from config.program import program
from reports.trends import print_trends, render_trends_html, trends_json
from reports.views.kept_reports import report_finder
from scenarios.evidence.files import write_atomically

PAGE = "trends.html"


def trends(runs: Path, days: int, as_json: bool) -> None:
    """Write the page beside the runs, and print the trends. Raises ConfigError."""
    try:
        entries = read_history(runs / FOLDER_NAME)
    except OSError as error:
        message = f"there is no history here ({error.strerror}): name a folder of runs with --runs"
        raise ConfigError(Problem(runs / FOLDER_NAME, None, message)) from error
    found = trends_of(entries, days)
    if not found:
        message = f"the history has no run yet: `{program()}` makes one, without a seeded fault"
        raise ConfigError(Problem(runs / FOLDER_NAME, None, message))
    kept = [path.parent.name for path in runs.glob("*/report.html")]
    page = runs / PAGE
    write_atomically(page, render_trends_html(found, report_finder(kept, "")).encode())
    if as_json:
        INTERRUPTS.print_document(trends_json(found))
    else:
        INTERRUPTS.write_whole(lambda: print_trends(found, str(page), sys.stdout))
