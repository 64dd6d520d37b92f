"""Run the audit: every seeded fault in a run of its own, as a user would start it."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import typer

from checks.audit import (
    EXPECTATIONS,
    Audit,
    AuditedRun,
    Expectation,
    audit_json,
    judge_run,
    parse_result,
    planned_runs,
)
from checks.verdict import exit_code
from commands.shared.black_box import run_black_box
from commands.shared.interrupts import INTERRUPTS
from commands.shared.run_setup import versions
from config.clock import CLOCK
from config.errors import ConfigError, Problem
from config.program import ROOT, typed_command
from reference_services.faults.catalog import FAULTS
from reports.progress import Progress
from scenarios.evidence.files import write_atomically
from scenarios.evidence.run_folder import (
    new_run_id,
)

MOST_OF_A_RUN_S = 300.0


def audit(only: Sequence[str], runs: Path, as_json: bool) -> NoReturn:
    """Make every run of an audit, report it, and exit with its verdict. Raises ConfigError."""
    INTERRUPTS.raise_on_signal()
    planned = plan_audit(only)
    folder, record = open_audit(runs, len(planned))
    progress = Progress()
    progress.note(f"{len(planned)} runs  {folder}")
    try:
        write_audit(record, folder)
        for number, expected in enumerate(planned, 1):
            name = expected.fault or "clean"
            with progress.stage(f"{number} of {len(planned)} {name}") as stage:
                audited = audit_one(expected, folder, f"{number:02}-{name}")
                stage.has_succeeded = audited.is_caught
                stage.words.append("as expected" if audited.is_caught else "not as expected")
            for error in audited.errors:
                progress.note(f"{name}: {error}")
            record = replace(record, runs=(*record.runs, audited), finished_at=CLOCK.now())
            write_audit(record, folder)
    except KeyboardInterrupt:
        pass  # what was done stands, and its verdict shows that it is not all
    publish_audit(replace(record, finished_at=CLOCK.now()), folder, as_json)


def plan_audit(only: Sequence[str]) -> list[Expectation]:
    """Return the runs of an audit. Raises ConfigError for a fault without an expectation."""
    known = [each.fault for each in EXPECTATIONS]
    for fault in only:
        if fault not in known:
            message = f"unknown fault {fault!r}; there are {', '.join(known)}"
            raise ConfigError(Problem(None, None, message))
    return planned_runs(only or tuple(FAULTS))


def open_audit(runs: Path, planned: int) -> tuple[Path, Audit]:
    """Make the audit's folder, and its record without any run. Raises ConfigError."""
    now = CLOCK.now()
    folder = runs / f"audit-{new_run_id(now)}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        message = f"the audit's folder cannot be made here: {error.strerror}"
        raise ConfigError(Problem(runs, None, message)) from error
    return folder, Audit(now, now, (), planned, versions(), typed_command())


def audit_one(expected: Expectation, folder: Path, name: str) -> AuditedRun:
    """Make one run of an audit, and compare its result with what it must be."""
    runs = folder / name
    runs.mkdir()
    command = [sys.executable, str(ROOT / "run.py"), "nightly", "--json", "--runs", str(runs)]
    command += ["--fault", expected.fault] if expected.fault else []
    # the CI job's summary is for the audit, not for failures made on purpose
    environ = {name: value for name, value in os.environ.items() if name != "GITHUB_STEP_SUMMARY"}
    ended = run_black_box(command, runs / "stderr.txt", MOST_OF_A_RUN_S, environ)
    result = parse_result(ended.stdout)
    sentence = FAULTS[expected.fault].sentence if expected.fault in FAULTS else ""
    where = f"{name}/{result.run_id}" if result else name
    audited = judge_run(expected, sentence, ended.code, result, ended.duration_s, where)
    if ended.is_late:
        error = f"the run was stopped, since it took longer than {MOST_OF_A_RUN_S:g} s"
        audited = replace(audited, errors=(error, *audited.errors))
    return audited


def write_audit(record: Audit, folder: Path) -> None:
    """Write the audit so far, each file whole or not at all."""
    from reports.audit import render_audit_html

    write_atomically(folder / "audit.json", audit_json(record).encode())
    write_atomically(folder / "audit.html", render_audit_html(record).encode())


def publish_audit(record: Audit, folder: Path, as_json: bool) -> NoReturn:
    """Write and print an audit, and exit with its verdict."""
    from reports.audit import print_audit

    write_audit(record, folder)
    if as_json:
        INTERRUPTS.print_document(audit_json(record))
    else:
        print_audit(record, folder / "audit.html", sys.stdout)
    raise typer.Exit(exit_code(record.verdict))
