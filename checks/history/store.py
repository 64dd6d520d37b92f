"""What became of the runs before this one? One line a run, in a file beside their folders.

A run keeps those that it can be compared with in its own evidence, once, before it is judged:
whoever judges it again, wherever and whenever, compares it with the same ones.
"""

import fcntl
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from checks.history.entry import Entry, StepEntry, UsageEntry
from checks.history.machine import machine_here
from checks.result import Result
from checks.verdict import Verdict, worst
from scenarios.evidence.run_folder import DrivenPhase, Run, RunFolder, write_whole

FILE_NAME = "history.jsonl"
MOST_RUNS = 30

_log = logging.getLogger(__name__)
_ENTRY = TypeAdapter(Entry)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run knows of those before it: the comparable ones, oldest first.

    `machine` is where its load was generated; `trouble` says why nothing is known, if so.
    """

    machine: str = ""
    entries: tuple[Entry, ...] = ()
    trouble: str = ""


_KEPT = TypeAdapter(Kept)


def history_path(folder: RunFolder) -> Path:
    """Return the history that a run belongs to: the one beside its folder."""
    return folder.path.parent / FILE_NAME


def record_of(result: Result) -> Entry:
    """Return what is remembered of a run."""
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
        checks=_verdicts(result),
        latency={
            row.step: StepEntry(row.count, row.p50, row.p95, row.p95_low, row.p95_high, row.p99)
            for row in result.latency
        },
        completed=sum(phase.completed for phase in result.phases),
        scheduled=sum(phase.scheduled for phase in result.phases),
        usage=_usage(result),
    )


def remember(folder: RunFolder, result: Result, is_new: bool) -> None:
    """Enter a judged run into the history beside its folder.

    A run that is judged again is entered only where there is a history already: its folder may
    have been carried elsewhere. A history that cannot be written costs no verdict: the log has why.
    """
    path = history_path(folder)
    try:
        if is_new or path.exists():
            append(path, record_of(result))
    except OSError as error:
        _log.warning("the run could not be entered into %s: %s", path, error)


def append(path: Path, entry: Entry) -> None:
    """Add a run's line; of a run that has one, replace it. Raises OSError.

    Any number of processes may do so at once: each line stands whole, and none is lost.
    """
    line = _ENTRY.dump_json(entry) + b"\n"
    with _alone_with(path):
        lines = _lines(path)
        if any(_is_of(each, entry.run_id) for each in lines):
            ended = (each if each.endswith(b"\n") else each + b"\n" for each in lines)
            write_whole(path, b"".join(line if _is_of(each, entry.run_id) else each
                                       for each in ended))  # fmt: skip
        else:
            _add(path, line, after_torn=bool(lines) and not lines[-1].endswith(b"\n"))


def read_history(path: Path) -> tuple[Entry, ...]:
    """Read every run that is remembered, in the order of the lines. Raises OSError.

    A line that is torn, or not ours, is passed over; of two lines of one run the later counts.
    """
    with path.open("rb") as file:
        entries = [entry for line in file if (entry := _parse(line))]
    return tuple({entry.run_id: entry for entry in entries}.values())


def comparable(entries: Iterable[Entry], run: Run) -> tuple[Entry, ...]:
    """Return the last thirty runs before a run that did the same in the same place, oldest first.

    That is: with its environment, scenario (by name) and profiles, and without a seeded fault.
    """
    what = (run.environment, run.scenario, profile_of(run))
    earlier = [
        each
        for each in entries
        if (each.environment, each.scenario, each.profile) == what
        and each.fault is None
        and each.run_id != run.run_id
        and each.started_at < run.started_at
    ]
    return tuple(sorted(earlier, key=lambda each: each.started_at)[-MOST_RUNS:])


def profile_of(run: Run) -> str:
    """Name the profiles that a run drove, with what was asked for instead of their own amounts.

    Fifty users wait longer than ten: such runs are not to be compared.
    """
    return ", ".join(map(_name_of, run.phases))


def _name_of(phase: DrivenPhase) -> str:
    amounts = {"users": phase.users, "iterations": phase.iterations}
    asked = [f"{number:,} {word}" for word, number in amounts.items() if number is not None]
    return f"{phase.profile} with {' and '.join(asked)}" if asked else phase.profile


def keep_history(path: Path, folder: RunFolder, run: Run) -> None:
    """Put the history that a run can be compared with into its evidence, if it is not there yet."""
    kept_in = _kept_path(folder)
    if kept_in.exists():
        return
    machine = machine_here()
    try:
        kept = Kept(machine, comparable(read_history(path), run))
    except FileNotFoundError:
        kept = Kept(machine)
    except OSError as error:
        kept = Kept(machine, trouble=f"the history could not be read: {error.strerror}")
    write_whole(kept_in, _KEPT.dump_json(kept, indent=2))


def history_of(folder: RunFolder) -> Kept:
    """Read what a run's evidence keeps of those before it."""
    try:
        return _KEPT.validate_json(_kept_path(folder).read_bytes())
    except FileNotFoundError:
        return Kept(trouble="no history was kept with this run")
    except (OSError, ValueError):
        return Kept(trouble="the history that was kept with this run cannot be read")


def _kept_path(folder: RunFolder) -> Path:
    return folder.evidence / "history.json"


def _verdicts(result: Result) -> dict[str, Verdict]:
    verdicts: dict[str, list[Verdict]] = {}
    for finding in result.findings:
        verdicts.setdefault(finding.check, []).append(finding.verdict)
    return {check: worst(each) for check, each in verdicts.items()}


def _usage(result: Result) -> UsageEntry:
    number = Counter(row.verdict for row in result.usage)
    return UsageEntry(number[Verdict.PASS], number[Verdict.FAIL], number[Verdict.INCONCLUSIVE])


def _parse(line: bytes) -> Entry | None:
    try:
        return _ENTRY.validate_json(line)
    except ValueError:
        return None


def _lines(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            return list(file)
    except FileNotFoundError:
        return []


def _is_of(line: bytes, run_id: str) -> bool:
    entry = _parse(line)
    return entry is not None and entry.run_id == run_id


def _add(path: Path, line: bytes, after_torn: bool) -> None:
    """Write a line at the end, in one piece or not at all; a torn one there keeps to itself."""
    content = b"\n" + line if after_torn else line
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        before_bytes = os.fstat(descriptor).st_size
        if os.write(descriptor, content) < len(content):
            os.ftruncate(descriptor, before_bytes)
            raise OSError(f"there is no room for a line in {path}")
    finally:
        os.close(descriptor)


@contextmanager
def _alone_with(path: Path) -> Iterator[None]:
    """Hold the history's lock: a file of its own, since the history itself may be replaced."""
    lock = path.with_name(f".{path.name}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
