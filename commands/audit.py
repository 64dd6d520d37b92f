"""Run the audit: every seeded fault in a run of its own, as a user would start it."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import typer

from checks.audit import (
    EXPECTATIONS,
    LOCAL,
    OF_OTHER_ENVIRONMENTS,
    Audit,
    AuditedRun,
    Expectation,
    audit_json,
    judge_run,
    parse_result,
    planned_runs,
)
from checks.verdict import exit_code
from commands.shared.black_box import BlackBox
from commands.shared.interrupts import INTERRUPTS
from commands.shared.run_setup import versions
from config.clock import CLOCK
from config.errors import ConfigError, Problem
from config.program import ROOT, typed_command
from config.project import ENVIRONMENTS, SCENARIOS
from reference_services.faults.catalog import FAULTS
from reports.progress import Progress
from scenarios.evidence.files import write_atomically
from scenarios.evidence.run_folder import (
    new_run_id,
)

MOST_OF_A_RUN_S = 300.0
_POLL_S = 0.1


def audit(only: Sequence[str], runs: Path, as_json: bool) -> NoReturn:
    """Make every run of an audit, report it, and exit with its verdict. Raises ConfigError."""
    INTERRUPTS.raise_on_signal()
    planned = plan_audit(only)
    folder, record = open_audit(runs, len(planned))
    progress = Progress()
    progress.note(f"{len(planned)} runs  {folder}")
    boxes = StartedRuns(folder)
    try:
        write_audit(record, folder)
        for number, expected in enumerate(planned, 1):
            with progress.stage(f"{number} of {len(planned)} {expected.name}") as stage:
                boxes.start_until(number, planned)
                audited = boxes.finish(number, expected)
                stage.has_succeeded = audited.is_caught
                stage.words.append("as expected" if audited.is_caught else "not as expected")
            for error in audited.errors:
                progress.note(f"{expected.name}: {error}")
            record = replace(record, runs=(*record.runs, audited), finished_at=CLOCK.now())
            write_audit(record, folder)
    except KeyboardInterrupt:
        pass  # what was done stands, and its verdict shows that it is not all
    finally:
        boxes.stop()
    publish_audit(replace(record, finished_at=CLOCK.now()), folder, as_json)


def plan_audit(only: Sequence[str]) -> list[Expectation]:
    """Return the runs of an audit. Raises ConfigError for a fault without an expectation."""
    known = [each.name for each in (*EXPECTATIONS, *OF_OTHER_ENVIRONMENTS)]
    for fault in only:
        if fault not in known:
            message = f"unknown fault {fault!r}; there are {', '.join(known)}"
            raise ConfigError(Problem(None, None, message))
    return planned_runs(only or known)


def environment_file(name: str) -> Path:
    """Return the file of an environment of the audit."""
    folder = ENVIRONMENTS if name == LOCAL else ROOT / "reference_services" / "environments"
    return folder / f"{name}.yaml"


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


class StartedRuns:
    """The runs of an audit that are started and not yet compared: at most two.

    The next one starts when the load of the last is over. So no load meets another, and the start
    of a stack takes the time in which the run before settles, is judged and rendered.

        run 1   stack ─ load ── settle ─ judge
        run 2                   stack ──────────── load ── settle ─ judge
    """

    def __init__(self, folder: Path) -> None:
        """Start nothing yet."""
        self._folder = folder
        self._started: dict[int, BlackBox] = {}

    def start_until(self, number: int, planned: Sequence[Expectation]) -> None:
        """Start the run of a number, and the one after it once the load of the first is over."""
        if number not in self._started:
            self._start(number, planned[number - 1])
        if number < len(planned):
            self._await_load(number, planned[number - 1])
            self._start(number + 1, planned[number])

    def finish(self, number: int, expected: Expectation) -> AuditedRun:
        """Wait for a run, and compare its result with what it must be."""
        ended = self._started.pop(number).wait(MOST_OF_A_RUN_S)
        result = parse_result(ended.stdout)
        sentence = FAULTS[expected.fault].sentence if expected.fault in FAULTS else ""
        name = _name_of(number, expected)
        where = f"{name}/{result.run_id}" if result else name
        audited = judge_run(expected, sentence, ended.code, result, ended.duration_s, where)
        if ended.is_late:
            error = f"the run was stopped, since it took longer than {MOST_OF_A_RUN_S:g} s"
            audited = replace(audited, errors=(error, *audited.errors))
        return audited

    def stop(self) -> None:
        """Stop those that still run."""
        for box in self._started.values():
            box.stop()

    def _start(self, number: int, expected: Expectation) -> None:
        runs = self._folder / _name_of(number, expected)
        runs.mkdir()
        command = [sys.executable, str(ROOT / "run.py"), "nightly", "--json", "--runs", str(runs)]
        command += ["--env", str(environment_file(expected.environment))]
        command += ["--scenario", str(SCENARIOS / "usage_tracking.yaml")]
        command += ["--fault", expected.fault] if expected.fault else []
        # the CI job's summary is for the audit, not for failures made on purpose
        environ = {name: text for name, text in os.environ.items() if name != "GITHUB_STEP_SUMMARY"}
        self._started[number] = BlackBox(
            command, runs / "stdout.json", runs / "stderr.txt", environ
        )

    def _await_load(self, number: int, expected: Expectation) -> None:
        """Wait until a run has written its ledger, which it does when its load is over."""
        runs, box = self._folder / _name_of(number, expected), self._started[number]
        deadline_s = time.monotonic() + MOST_OF_A_RUN_S
        while not box.has_ended and time.monotonic() < deadline_s:
            if any(runs.glob("*/evidence/ledger.json")):
                return
            time.sleep(_POLL_S)


def _name_of(number: int, expected: Expectation) -> str:
    return f"{number:02}-{expected.name}"


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
