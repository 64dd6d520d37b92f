"""What does the doctor do? It starts the stack where there is one to start, asks, and tells."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from tempfile import mkdtemp
from typing import NoReturn

import typer

from checks.verdict import exit_code, worst
from commands.shared.run_setup import variables_of
from config.environment import find_environment, read_environment, read_environment_file


def examine_environment(env: str, as_json: bool) -> NoReturn:
    """Ask an environment whether all that a run needs is there. Raises ConfigError."""
    from commands.shared.environment_checks import examine
    from reports.checklist import render_checklist

    file = read_environment_file(find_environment(env))
    place = Path(mkdtemp(prefix="trial-balance-doctor-"))
    with variables_of(file, place, "") as variables:
        findings = examine(read_environment(file.path, variables))
    shutil.rmtree(place)  # where the stack could not be started, its logs stay
    verdict = worst(finding.verdict for finding in findings)
    document = {"verdict": verdict, "findings": [asdict(each) for each in findings]}
    print(json.dumps(document, indent=2) if as_json else render_checklist(findings))
    raise typer.Exit(exit_code(verdict))
