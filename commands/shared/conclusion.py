"""End a run: what it can be compared with, its verdict, its report, the exit code."""

import contextlib
import os
import sys
from dataclasses import replace
from typing import NoReturn

import typer

from checks.history.store import history_path, keep_history, remember
from checks.result import Result
from checks.result_document import render_result
from checks.suite import judge
from checks.verdict import exit_code
from commands.shared.interrupts import INTERRUPTS
from commands.shared.retention import apply_retention
from commands.shared.run_log import log_to
from reports.annotations import render_annotations
from reports.progress import Progress
from reports.render import render_all
from reports.standard_streams import write_commands
from reports.terminal import print_result
from scenarios.evidence.manifest import write_manifest
from scenarios.evidence.run_folder import (
    Run,
    RunFolder,
)


def finish(folder: RunFolder, run: Run) -> None:
    """Write how a run ended and what it can be compared with; from now on its evidence is fixed.

    What was learned late, such as a token, is redacted first.
    """
    folder.redact_witnesses()
    keep_history(history_path(folder), folder, run)
    folder.write_run(replace(run, has_manifest=True))
    write_manifest(folder)


def conclude(folder: RunFolder, as_json: bool, progress: Progress | None = None) -> NoReturn:
    """Judge a run by its evidence, write and print the result, and exit with the verdict."""
    log_to(folder)
    with progress.stage("judge") if progress else contextlib.nullcontext():
        result = judge(folder)
        write_report(result, folder)
        # `run.py check` passes no progress: it writes into the run's own folder only.
        if progress:
            remember(folder, result)
            apply_retention(folder.path.parent, progress)
    if progress:
        progress.note(f"{progress.total_s:.1f} s, {progress.total_s - load_s(result):.1f} s "
                      "beyond the load")  # fmt: skip
    publish(result, folder, as_json)


def load_s(result: Result) -> float:
    """Return how long the services were driven, in seconds."""
    return sum(phase.elapsed_s for phase in result.phases)


def write_report(result: Result, folder: RunFolder) -> None:
    """Render a result into its files."""
    render_all(result, folder.path)


def publish(result: Result, folder: RunFolder, as_json: bool) -> NoReturn:
    """Print a result, and exit with its verdict."""
    if as_json:
        INTERRUPTS.print_document(render_result(result))
    else:
        report = folder.path / "report.html"
        INTERRUPTS.write_whole(lambda: print_result(result, report, sys.stdout))
        if os.environ.get("GITHUB_ACTIONS") == "true":
            write_commands(sys.stdout, render_annotations(result))
    raise typer.Exit(exit_code(result.verdict))
