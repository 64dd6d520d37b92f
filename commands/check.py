"""Judge a run again, from its evidence alone."""

from pathlib import Path
from typing import NoReturn

from commands.shared.conclusion import conclude
from scenarios.evidence.run_folder import find_run_folder


def check(run: str, runs: Path, as_json: bool) -> NoReturn:
    """Judge and render a run, and exit with the verdict. Raises ConfigError."""
    conclude(find_run_folder(runs, run), as_json)
