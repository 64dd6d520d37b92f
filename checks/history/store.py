"""The history: one file per run, in a folder beside the runs' own.

A run copies those that it can be compared with into its own evidence, once, before it is judged:
judged again, wherever and whenever, it is compared with the same ones.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from checks.history.entry import Entry, QuantityEntry, StepEntry, UsageEntry
from checks.history.machine import machine_here
from checks.result import Result, UsageRow
from checks.verdict import Verdict, worst
from scenarios.evidence.files import is_there, make_folder, read_document, write_atomically
from scenarios.evidence.run_folder import Run, RunFolder
from witnesses.figure import size_of

FOLDER_NAME = "history"
MAX_RUNS = 30

_log = logging.getLogger(__name__)
_ENTRY = TypeAdapter(Entry)


@dataclass(frozen=True, slots=True)
class ComparableRuns:
    """The earlier runs that a run can be compared with, oldest first.

    `machine` is where its load was generated; `error` is why nothing is known, or "".
    """

    machine: str = ""
    entries: tuple[Entry, ...] = ()
    error: str = ""


_COMPARABLE = TypeAdapter(ComparableRuns)


def history_path(folder: RunFolder) -> Path:
    """Return the history that a run belongs to: the folder beside its own."""
    return folder.path.parent / FOLDER_NAME


def record_of(result: Result) -> Entry:
    """Return what is remembered of a run."""
    rows = Counter(row.verdict for row in result.usage)
    verdicts: dict[str, list[Verdict]] = {}
    for finding in result.findings:
        verdicts.setdefault(finding.id, []).append(finding.verdict)
    return Entry(
        run_id=result.run_id,
        started_at=result.started_at,
        finished_at=result.finished_at,
        environment=result.environment,
        scenario=result.scenario,
        scenario_sha256=result.scenario_sha256,
        profile=result.profile,
        verdict=result.verdict,
        fault=result.fault,
        partial=result.partial,
        machine=result.machine,
        checks={check: worst(each) for check, each in verdicts.items()},
        latency={
            row.step: StepEntry(
                row.count, row.p50, row.p95, row.p95_low, row.p95_high, row.p99, row.p95_limit_s
            )
            for row in result.latency
        },
        completed=sum(phase.completed for phase in result.phases),
        scheduled=sum(phase.scheduled for phase in result.phases),
        usage=UsageEntry(rows[Verdict.PASS], rows[Verdict.FAIL], rows[Verdict.INCONCLUSIVE]),
        quantities=_quantities(result),
        versions=result.versions
        | {f"service {name}": each for name, each in result.deployment.service_versions.items()},
    )


def _quantities(result: Result) -> dict[str, QuantityEntry]:
    rows: dict[str, list[UsageRow]] = {}
    for row in result.usage:
        rows.setdefault(row.quantity, []).append(row)
    return {
        name: QuantityEntry(
            worst(row.verdict for row in of_name),
            max((each for row in of_name if (each := row.worst_distance) is not None),
                key=size_of, default=None),
        )
        for name, of_name in rows.items()
    }  # fmt: skip


def remember(folder: RunFolder, result: Result) -> None:
    """Write a judged run into the history beside its folder.

    A run that is judged again is not: its folder may come from elsewhere. A history that cannot be
    written costs no verdict: the log has why.
    """
    path = history_path(folder)
    try:
        write_entry(path, record_of(result))
    except OSError as error:
        _log.warning("the run could not be written into %s: %s", path, error)


def write_entry(path: Path, entry: Entry) -> None:
    """Write a run's file, whole or not at all, in place of an earlier one. Raises OSError."""
    make_folder(path)
    write_atomically(path / f"{entry.run_id}.json", _ENTRY.dump_json(entry, indent=1))


def read_history(path: Path) -> tuple[Entry, ...]:
    """Read every run of a history, in the order of their ids. Raises OSError.

    A file that is not an entry is skipped.
    """
    entries = []
    for file in sorted(each for each in path.iterdir() if each.suffix == ".json"):
        # A run that is written at this moment, or a file of somebody else, costs no comparison.
        with suppress(OSError, ValueError):
            entries.append(_ENTRY.validate_json(read_document(file)))
    return tuple(entries)


def comparable(entries: Iterable[Entry], run: Run) -> tuple[Entry, ...]:
    """Return the last thirty runs before a run, of those that are alike, oldest first."""
    earlier = [
        each
        for each in runs_alike(entries, run)
        if each.run_id != run.run_id and each.started_at < run.started_at
    ]
    return tuple(earlier[-MAX_RUNS:])


def runs_alike(entries: Iterable[Entry], run: Run) -> list[Entry]:
    """Return the runs that did the same as a run in the same place, oldest first.

    That is: with its environment, scenario (by name) and profiles, and without a seeded fault.
    """
    what = (run.environment, run.scenario, profile_of(run))
    alike = [
        each
        for each in entries
        if (each.environment, each.scenario, each.profile) == what and each.fault is None
    ]
    return sorted(alike, key=lambda each: each.started_at)


def profile_of(run: Run) -> str:
    """Name the profiles that a run drove, with what was asked for instead of their own amounts.

    Fifty users wait longer than ten: such runs are not to be compared.
    """
    names = []
    for phase in run.phases:
        amounts = {"users": phase.users, "iterations": phase.iterations}
        asked = [f"{number:,} {word}" for word, number in amounts.items() if number is not None]
        asked += [f"{phase.rate_per_s:g}/s"] if phase.rate_per_s is not None else []
        asked += [f"{phase.duration_s:g} s"] if phase.duration_s is not None else []
        names.append(f"{phase.profile} with {' and '.join(asked)}" if asked else phase.profile)
    return ", ".join(names)


def keep_history(path: Path, folder: RunFolder, run: Run) -> None:
    """Put the history that a run can be compared with into its evidence, if it is not there yet."""
    kept_in = _kept_path(folder)
    if is_there(kept_in):
        return
    machine = machine_here()
    try:
        kept = ComparableRuns(machine, comparable(read_history(path), run))
    except FileNotFoundError:
        kept = ComparableRuns(machine)
    except OSError as error:
        kept = ComparableRuns(machine, error=f"the history could not be read: {error.strerror}")
    write_atomically(kept_in, _COMPARABLE.dump_json(kept, indent=2))


def history_of(folder: RunFolder) -> ComparableRuns:
    """Read what a run's evidence keeps of those before it."""
    try:
        return _COMPARABLE.validate_json(read_document(_kept_path(folder)))
    except FileNotFoundError:
        return ComparableRuns(error="no history was kept with this run")
    except (OSError, ValueError):
        return ComparableRuns(error="the history that was kept with this run cannot be read")


def _kept_path(folder: RunFolder) -> Path:
    return folder.evidence / "history.json"
