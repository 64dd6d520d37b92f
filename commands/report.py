"""Render a run's report again, from its result."""

from pathlib import Path
from typing import NoReturn

from checks.result import verdict_of
from commands.shared.conclusion import publish, write_report
from commands.shared.judged_run import read_judged
from config.errors import ConfigError, Problem
from config.program import check_command
from scenarios.evidence.run_folder import find_run_folder


def report(run: str, runs: Path, as_json: bool) -> NoReturn:
    """Render and print a result, and exit with its verdict. Raises ConfigError."""
    folder = find_run_folder(runs, run)
    result = read_judged(folder)
    if result.verdict is not verdict_of(result.findings):
        message = f"its verdict is not that of its findings; run: {check_command(folder.path)}"
        raise ConfigError(Problem(folder.result, None, message))
    write_report(result, folder)
    publish(result, folder, as_json)
