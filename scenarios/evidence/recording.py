"""Record the exchanges of one generator, each intent before its request is sent.

A recording is two files. STEM.rows has one row of fixed size per exchange (`exchanges.ROW`): the
intent is written before the request leaves, and completed in place when the exchange is done. The
file is mapped into memory, so a row costs no system call, and survives the process however it is
killed. STEM.jsonl has the rest, one JSON line each, flushed at once: `start`, each `reason` with
its number when it first occurs, a `detail` for the first exchanges of a reason, `end`.
"""

import json
import mmap
import os
import shutil
import struct
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scenarios.evidence.exchange import CUT_OFF, Outcome
from scenarios.evidence.exchanges import CODES, EMPTY, INTENT, ROW, Column, Exchanges
from scenarios.evidence.run_folder import read_lines, write_whole

ROWS = ".rows"

_BEGUN = struct.Struct("<IHBxdd")  # iteration, step, outcome, due, sent
_ENDED = struct.Struct("<ddHxxI")  # sent, done, status, reason
_OUTCOME_AT, _ENDED_AT = 6, 16
_ROW_BYTES = ROW.itemsize
_CHUNK_ROWS = 65_536  # so many rows fill whole pages, whatever a page is
_CHUNK_BYTES = _CHUNK_ROWS * _ROW_BYTES
_MOST_REASONS = 10_000
OTHER_REASON = f"for a reason beyond the first {_MOST_REASONS:,}"
_DETAILS_A_REASON = 20

CANNOT_RECORD = "it could not record any more"  # as a generator's end says why it stopped


@dataclass(frozen=True, slots=True)
class Start:
    """A generator's first line. `anchor_at` is the wall clock (epoch seconds) at its time 0.

    Iterations due before `warm_up_s` are not part of the measured window. `shipped` is set where
    the recording came from a worker, over Locust's channel, and may lack what came last.
    """

    generator: str
    profile: str
    users: int
    scheduled: int | None
    anchor_at: float
    steps: tuple[str, ...] = ()
    warm_up_s: float = 0.0
    shipped: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """A generator's last line: how many iterations it began and dropped, and how it fared.

    CPU and wall are seconds of the measured window; the loop delay is the event loop's worst, in
    seconds; memory is the most that was resident. The window begins `window_from_s` after the
    anchor. `stopped` says why the load ended early, if it stopped itself.
    """

    started: int
    dropped: int
    cpu_s: float
    wall_s: float
    loop_delay_max_s: float | None = None
    memory_bytes: int | None = None
    stopped: str = ""
    window_from_s: float = 0.0


@dataclass(frozen=True)
class Recording:
    """All that one generator left. Without an `end` it was killed or is still at it.

    `unconcluded` counts the intents without an outcome, `missing` the rows that never arrived from
    another machine. `details` holds, by sequence, what is kept of an exchange that was not ok:
    request and answer.
    """

    start: Start
    exchanges: Exchanges
    end: End | None
    details: dict[int, dict[str, Any]] = field(default_factory=dict)
    unconcluded: int = 0
    missing: int = 0

    @property
    def measured_from_s(self) -> float:
        """When the measured window begins, in seconds since the anchor."""
        return self.end.window_from_s if self.end else self.start.warm_up_s


class Recorder:
    """Writes one generator's recording, and is its clock.

    `changed`, where it is a list, collects the numbers of the rows that were written to.
    """

    def __init__(
        self, path: Path, generator: str, profile: str, users: int, scheduled: int | None,
        steps: Sequence[str], warm_up_s: float = 0.0, shipped: bool = False,
    ) -> None:  # fmt: skip
        """Make the files and fix the anchor. Raises OSError."""
        self.path = path
        self._notes = path.open("x", encoding="utf-8", buffering=1)
        self._rows = os.open(path.with_suffix(ROWS), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        self._chunk = mmap.mmap(-1, 1)
        self._chunk_from = self._chunk_to = self._written = 0
        self._reasons: dict[str, int] = {"": 0}
        self._details: Counter[int] = Counter()
        self.changed: list[int] | None = None
        self.generator = generator
        self._zero = time.monotonic()
        start = Start(
            generator, profile, users, scheduled, time.time(), tuple(steps), warm_up_s, shipped
        )
        self._write("start", asdict(start))

    def now_s(self) -> float:
        """Return seconds since the anchor."""
        return time.monotonic() - self._zero

    def intend(self, iteration: int, step: int, due_s: float) -> int:
        """Record that a request is about to be sent; return its sequence number, from 1."""
        number = self._written
        if number == self._chunk_to:
            self._grow()
        at = (number - self._chunk_from) * _ROW_BYTES
        _BEGUN.pack_into(self._chunk, at, iteration, step, INTENT, due_s, self.now_s())
        self._written = number = number + 1
        if self.changed is not None:
            self.changed.append(number)
        return number

    def conclude(
        self, number: int, sent_s: float, done_s: float, outcome: Outcome,
        status: int | None = None, reason: str = "", detail: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Record what came of a request; reason and detail where it was not as expected."""
        known = self._note(number, reason, detail) if reason else 0
        at = (number - 1 - self._chunk_from) * _ROW_BYTES
        if at >= 0:
            _ENDED.pack_into(self._chunk, at + _ENDED_AT, sent_s, done_s, status or 0, known)
            self._chunk[at + _OUTCOME_AT] = CODES[outcome]
        else:  # its chunk is no longer mapped
            ended = _ENDED.pack(sent_s, done_s, status or 0, known)
            os.pwrite(self._rows, ended, (number - 1) * _ROW_BYTES + _ENDED_AT)
            code = bytes((CODES[outcome],))
            os.pwrite(self._rows, code, (number - 1) * _ROW_BYTES + _OUTCOME_AT)
        if self.changed is not None:
            self.changed.append(number)

    def number_of(self, reason: str) -> int:
        """Return the number that rows have for a reason, or -1 where none has it yet."""
        return self._reasons.get(reason, -1)

    def end(self, end: End) -> None:
        """Record that the generator ended by itself, and close the files."""
        self._write("end", asdict(end))
        self.close()

    def close(self) -> None:
        """Close the files; a recording without an end is one of a generator that was cut off."""
        if self._notes.closed:
            return
        self._notes.close()
        self._chunk.close()
        os.ftruncate(self._rows, self._written * _ROW_BYTES)
        os.close(self._rows)

    def _grow(self) -> None:
        """Map the next chunk; its room is taken on the disk now, since a full one is an OSError."""
        since, until = self._chunk_to, self._chunk_to + _CHUNK_ROWS
        begin = since * _ROW_BYTES
        os.posix_fallocate(self._rows, begin, _CHUNK_BYTES)
        self._chunk.close()
        self._chunk = mmap.mmap(self._rows, _CHUNK_BYTES, offset=begin)
        self._chunk_from, self._chunk_to = since, until

    def _note(self, number: int, reason: str, detail: dict[str, Any] | None) -> int:
        if reason not in self._reasons and len(self._reasons) >= _MOST_REASONS:
            reason = OTHER_REASON
        known = self._reasons.get(reason)
        if known is None:
            known = self._reasons[reason] = len(self._reasons)
            self._write("reason", {"number": known, "text": reason})
        self._details[known] += 1
        if detail and self._details[known] <= _DETAILS_A_REASON:
            self._write("detail", {"n": number, "detail": detail})
        return known

    def _write(self, kind: str, record: dict[str, Any]) -> None:
        self._notes.write(json.dumps({"kind": kind, **record}) + "\n")


def recover(lost: Path, path: Path) -> bool:
    """Take over the recording of a worker that was lost, where this machine has it still."""
    try:
        lines = [json.dumps(line) + "\n" for line in (*read_lines(lost), {"kind": "recovered"})]
        shutil.copyfile(lost.with_suffix(ROWS), path.with_suffix(ROWS))
        write_whole(path, "".join(lines).encode())
    except OSError:
        return False
    return True


class Changes:
    """What a recorder has written since it was last asked."""

    def __init__(self, recorder: Recorder) -> None:
        """Have the recorder keep count from now on."""
        recorder.changed = []
        self._recorder = recorder
        self._rows = os.open(recorder.path.with_suffix(ROWS), os.O_RDONLY)

    def take(self) -> tuple[Column, Column]:
        """Return the sequence numbers, ascending, and their rows as they are now."""
        changed, self._recorder.changed = self._recorder.changed or [], []
        if not changed:
            return np.empty(0, np.uint32), np.empty(0, ROW)
        numbers = np.unique(np.array(changed, np.uint32))
        first, last = int(numbers[0]), int(numbers[-1])
        span = os.pread(self._rows, (last - first + 1) * _ROW_BYTES, (first - 1) * _ROW_BYTES)
        return numbers, np.frombuffer(span, ROW)[numbers - first]

    def close(self) -> None:
        """Ask no more."""
        os.close(self._rows)


def read_recordings(exchanges: Path, stem: str) -> tuple[Recording, ...]:
    """Read all generators' recordings of a phase, in the order of their names."""
    paths = {*exchanges.glob(f"{stem}.jsonl"), *exchanges.glob(f"{stem}-w[0-9]*.jsonl")}
    read = map(read_recording, sorted(paths))
    return tuple(recording for recording in read if recording is not None)


def read_recording(path: Path) -> Recording | None:
    """Read one recording by its file of notes; None where that broke off before its first line.

    An intent without an outcome becomes an unknown exchange that lasted to the end of the file.
    """
    notes: dict[str, list[dict[str, Any]]] = {}
    for line in read_lines(path):
        notes.setdefault(line.pop("kind"), []).append(line)
    if "start" not in notes:
        return None
    told = notes["start"][0]
    shipped = told.get("shipped", False) and "recovered" not in notes
    start = Start(**{**told, "steps": tuple(told["steps"]), "shipped": shipped})
    reasons = ["", *(line["text"] for line in notes.get("reason", ())), CUT_OFF]
    rows = _read_rows(path.with_suffix(ROWS))
    written = _last_written(rows)
    rows = rows[:written]
    there = (
        (rows["outcome"] != EMPTY)
        & (rows["outcome"] <= max(CODES.values()))
        & (rows["step"] < len(start.steps))
    )
    sequence = np.flatnonzero(there) + 1
    rows = rows[there].copy()
    intents = _conclude_intents(rows, len(reasons) - 1)
    rows["reason"][rows["reason"] >= len(reasons)] = 0
    end = next((End(**line) for line in notes.get("end", ())), None)
    details = {line["n"]: line["detail"] for line in notes.get("detail", ())}
    exchanges = Exchanges(start.generator, start.steps, tuple(reasons), sequence, rows)
    return Recording(start, exchanges, end, details, intents, written - len(rows))


def _read_rows(path: Path) -> Column:
    """Read the rows that are there; one that was torn is none."""
    try:
        size = path.stat().st_size // _ROW_BYTES
        return np.fromfile(path, ROW, size)
    except FileNotFoundError:
        return np.empty(0, ROW)


def _last_written(rows: Column) -> int:
    """Return how many rows there are up to the last that is not empty."""
    written = np.flatnonzero(rows["outcome"] != EMPTY)
    return int(written[-1]) + 1 if len(written) else 0


def _conclude_intents(rows: Column, cut_off: int) -> int:
    """Make each intent an unknown exchange, in place; return how many there were."""
    intents = rows["outcome"] == INTENT
    if intents.any():
        last_s = max(rows["sent_s"].max(), rows["done_s"].max())
        rows["done_s"][intents] = np.maximum(rows["sent_s"][intents], last_s)
        rows["outcome"][intents] = CODES[Outcome.UNKNOWN]
        rows["reason"][intents] = cut_off
    return int(np.count_nonzero(intents))
