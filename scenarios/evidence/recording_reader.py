"""Read the recordings of a run; one that is torn is known as such."""

import json
import shutil
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import convert

from config.clock import ClockStep
from scenarios.evidence.amounts import COUNTS, MAX_KEYS, AmountKey, read_amounts
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.exchanges import CODES, EMPTY, INTENT, ROW, Column, Exchanges
from scenarios.evidence.files import (
    MAX_DATA_BYTES,
    decode_json,
    is_there,
    open_to_read,
    read_lines,
    replacing,
    write_atomically,
)
from scenarios.evidence.generator_health import HEALTH, read_health
from scenarios.evidence.mapped_rows import read_rows, without_empty_end
from scenarios.evidence.recording import (
    CUT_OFF_REASON,
    MAX_REASONS,
    NOTES,
    ROWS,
    Recording,
    RecordingEnd,
    RecordingStart,
)
from scenarios.evidence.stream_times import STREAMS, read_streams
from scenarios.language.quantities import parse_resolution

_MAX_DETAILS = 20_000  # that a reader keeps
_MAX_TIME_S = 1e10
_MAX_CLOCK_STEPS = 10_000


def read_recordings(exchanges: Path, stem: str) -> tuple[Recording, ...]:
    """Read the recordings of all generators of a phase, ordered by name."""
    patterns = (f"{stem}{NOTES}", f"{stem}-w[0-9]*{NOTES}")
    try:
        names = {name.with_suffix(NOTES).name for name in exchanges.iterdir()}
    except FileNotFoundError:
        names = set()
    matching = (name for name in names if any(fnmatchcase(name, each) for each in patterns))
    recordings = (read_recording(exchanges / name) for name in sorted(matching))
    return tuple(recording for recording in recordings if recording is not None)


def read_recording(path: Path) -> Recording | None:
    """Read a recording by the file of its notes; return None if it was never begun.

    An intent without an outcome becomes an unknown, cut-off exchange, done at the last time in the
    file. If the notes are damaged, all is missing.
    """
    try:
        notes = _read_notes(path)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return _damaged(path, 1)
    start, end = notes.start, notes.end
    if start is None:
        written = _read_rows(path.with_suffix(ROWS), steps=0)[3]
        return _damaged(path, written) if written else None
    reasons = ("", *(text for text, _ in notes.reasons), CUT_OFF_REASON)
    groups = ("", *(group for _, group in notes.reasons), CUT_OFF_REASON)
    sequence, rows, missing, written = _read_rows(path.with_suffix(ROWS), len(start.steps))
    if notes.rows is not None:
        own = sequence <= notes.rows  # what comes after them, the generator did not write
        missing += max(0, notes.rows - written) + int(np.count_nonzero(~own))
        sequence, rows = sequence[own], rows[own]
    unconcluded = _conclude_intents(rows, len(reasons) - 1)
    rows["reason"][rows["reason"] >= len(reasons)] = 0
    amounts, lost = read_amounts(path.with_suffix(COUNTS), tuple(notes.keys))
    missing += lost
    if notes.amounts is not None:
        missing += abs(notes.amounts - lost - len(amounts))
    streams, lost = read_streams(path.with_suffix(STREAMS))
    missing += lost
    if notes.streams is not None:
        missing += abs(notes.streams - lost - len(streams))
    exchanges = Exchanges(
        start.generator, start.steps, reasons, groups, sequence, rows, amounts, streams
    )
    return Recording(
        start, exchanges, end, notes.details, unconcluded, missing, tuple(notes.clock_steps),
        read_health(path.with_suffix(HEALTH)),
    )  # fmt: skip


@dataclass
class _Notes:
    """The notes of a recording; `rows`, `amounts` and `streams` are how many it had at its end."""

    start: RecordingStart | None = None
    end: RecordingEnd | None = None
    rows: int | None = None
    amounts: int | None = None
    streams: int | None = None
    is_recovered: bool = False
    reasons: list[tuple[str, str]] = field(default_factory=list)
    keys: list[AmountKey] = field(default_factory=list)
    details: dict[int, dict[str, Any]] = field(default_factory=dict)
    clock_steps: list[ClockStep] = field(default_factory=list)

    def take(self, line: dict[str, Any]) -> None:
        """Keep one note. Raises LookupError, TypeError or ValueError if it is damaged."""
        match line["kind"]:
            case "start":
                self.start = self.start or convert(line, RecordingStart)
            case "reason" if len(self.reasons) <= MAX_REASONS:
                self.reasons.append(convert((line["text"], line["group"]), tuple[str, str]))
            case "key" if len(self.keys) < MAX_KEYS:
                self.keys.append(_key_of(line))
            case "detail" if len(self.details) < _MAX_DETAILS:
                self.details[convert(line["n"], int)] = convert(line["detail"], dict[str, Any])
            case "clock" if len(self.clock_steps) < _MAX_CLOCK_STEPS:
                self.clock_steps.append(convert(line, ClockStep))
            case "end":
                self.end = self.end or convert(line, RecordingEnd)
                self.rows = convert(line.get("rows"), int | None)
                self.amounts = convert(line.get("amounts"), int | None)
                self.streams = convert(line.get("streams"), int | None)
            case "recovered":
                self.is_recovered = True


def _key_of(line: dict[str, Any]) -> AmountKey:
    """Return the key of an amount. Raises LookupError, TypeError or ValueError."""
    labels = tuple(convert(line["labels"], list[str | None]))
    resolution = Fraction(parse_resolution(float(convert(line["resolution"], str))))
    return AmountKey(convert(line["quantity"], str), labels, resolution)


def _read_notes(path: Path) -> _Notes:
    """Read the notes. Raises OSError, and ValueError, LookupError or TypeError if damaged."""
    notes = _Notes()
    with closing(read_json_lines(path)) as lines:
        for line in lines:
            notes.take(line)
    if notes.start and notes.is_recovered:
        notes.start = replace(notes.start, shipped=False)
    return notes


def read_json_lines(path: Path) -> Generator[dict[str, Any], None, None]:
    """Yield the records of a JSON Lines file up to the first torn one, which a kill may leave.

    Raises OSError.
    """
    with closing(read_lines(path)) as lines, suppress(ValueError):
        for line in lines:
            record = decode_json(line)
            if not isinstance(record, dict):
                return
            yield record


def _damaged(path: Path, missing: int) -> Recording:
    """Return a recording of which nothing is known, so that what was sent is unknown too."""
    start = RecordingStart(path.stem, "", 0, None, 0.0, shipped=True)
    none = Exchanges(path.stem, (), ("",), ("",), np.empty(0, np.int64), np.empty(0, ROW))
    return Recording(start, none, None, missing=missing)


def _read_rows(path: Path, steps: int) -> tuple[np.ndarray, Column, int, int]:
    """Read the valid rows and their numbers.

    Return also how many are missing between them, and the number of the last that was written.
    """
    rows = read_rows(path, ROW)
    # the file grows by chunks: the recording of a killed generator ends with empty rows
    rows = without_empty_end(rows, rows["outcome"] != EMPTY)
    valid = (rows["outcome"] != EMPTY) & (rows["outcome"] <= max(CODES.values()))
    valid &= rows["step"] < steps
    for column in ("due_s", "sent_s", "done_s"):
        # a time that is not a number compares as false
        valid &= np.abs(rows[column]) < _MAX_TIME_S
    return np.flatnonzero(valid) + 1, rows[valid], int(np.count_nonzero(~valid)), len(rows)


def _conclude_intents(rows: Column, reason: int) -> int:
    """Turn each intent into an unknown, cut-off exchange, in place; return their number."""
    intents = rows["outcome"] == INTENT
    if intents.any():
        last_s = max(rows["sent_s"].max(), rows["done_s"].max())
        rows["done_s"][intents] = np.maximum(rows["sent_s"][intents], last_s)
        rows["outcome"][intents] = CODES[Outcome.UNKNOWN]
        rows["reason"][intents] = reason
        rows["cut_off"][intents] = 1
    return int(np.count_nonzero(intents))


def recover(lost: Path, path: Path) -> bool:
    """Copy the recording of a lost worker, if it is on this machine; return whether it was."""
    try:
        lines = [
            json.dumps(line) + "\n" for line in (*read_json_lines(lost), {"kind": "recovered"})
        ]
        # rows first: the note `recovered` means that none of them is missing
        for suffix in (ROWS, COUNTS, STREAMS, HEALTH):
            if suffix == ROWS or is_there(lost.with_suffix(suffix)):
                _copy(lost.with_suffix(suffix), path.with_suffix(suffix))
        write_atomically(path, "".join(lines).encode())
    except OSError:
        return False
    return True


def _copy(source: Path, target: Path) -> None:
    with open_to_read(source, MAX_DATA_BYTES) as content, replacing(target) as copy:
        shutil.copyfileobj(content, copy)
