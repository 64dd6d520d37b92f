"""Record the exchanges of one generator, each as an intent before its request is sent.

A recording is two files, with STEM.counts where amounts come from templates (`amounts`), with
STEM.streams where responses are streams (`stream_times`), and with STEM.health under load
(`generator_health`).
STEM.rows has one row of fixed size per exchange (`exchanges.ROW`). The file is mapped into memory,
so writing a row costs no system call, and the rows survive however the process is killed.
STEM.jsonl has the notes, one JSON object per line, flushed at once: `start`; each `reason` with its
number and its group when it first occurs; each `key` of an amount, likewise; a `detail` for the
first exchanges of a reason; `clock` when the wall clock of the machine was set; `end`.

    intend()     row = INTENT, due, sent       the request may have been sent
    ...          the request is in flight      killed here: an unknown, cut-off exchange
    conclude()   row = outcome, done, status   written in place; the last of an iteration that came
                                               to its end says so
"""

import errno
import json
import mmap
import os
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from config.clock import CLOCK, Clock, ClockStep
from scenarios.evidence.amounts import (
    COUNTS,
    MAX_KEY_CHARACTERS,
    MAX_KEYS,
    AmountFile,
    AmountKey,
    AmountRow,
    KeyLabels,
)
from scenarios.evidence.exchange import Mark, Outcome
from scenarios.evidence.exchanges import CODES, INTENT, ROW, Column, Exchanges
from scenarios.evidence.files import open_new
from scenarios.evidence.generator_health import HEALTH, NO_HEALTH, HealthFile
from scenarios.evidence.mapped_rows import CHUNK_ROWS, map_chunk
from scenarios.evidence.stream_times import STREAMS, StreamFile
from scenarios.http.streams import Stream
from scenarios.language.amounts import text_of

ROWS, NOTES = ".rows", ".jsonl"

_INTENT_HEAD = struct.Struct("<IHBxdd")  # iteration, step, outcome, (cut off), due, sent
_CONCLUSION = struct.Struct("<ddHBxI")  # sent, done, status, marks, reason
_OUTCOME_AT, _CUT_OFF_AT, _CONCLUSION_AT, _MARKS_AT = 6, 7, 16, 34
ROW_BYTES = ROW.itemsize
MAX_REASONS = 10_000
OTHER_REASON = f"a reason beyond the first {MAX_REASONS:,}"
_MAX_DETAILS_PER_REASON, MAX_DETAILS = 20, 5_000

OUTSIDE = ("setup", "teardown")  # the recordings of what is in no profile of a run
CUT_OFF_REASON = "the load ended before the response"


class StopReason(StrEnum):
    """Why a load ended before all of its iterations had begun."""

    ABORTED = "aborted"  # too few iterations succeeded: the profile's `abort`
    TOO_SLOW = "too slow"  # a percentile over its limit: the profile's `abort_on`
    CANNOT_RECORD = "cannot record"
    ITERATION_LIMIT = "iteration limit"  # of the environment
    INTERRUPTED = "interrupted"
    MASTER_LOST = "master lost"
    DATA_USED_UP = "data used up"  # of unique rows: the load ends as the scenario asks


@dataclass(frozen=True, slots=True)
class Stop:
    """An early end of a load: its reason, and one sentence for people with the figures."""

    reason: StopReason
    message: str


@dataclass(frozen=True, slots=True)
class RecordingStart:
    """The first note of a recording. `anchor_at` is its time 0, in epoch seconds.

    Iterations due before `warm_up_s` are not part of the measured window. `shipped`: the recording
    was transferred from a worker, so its latest part may be missing if the worker was lost.
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
class RecordingEnd:
    """The last note of a recording: iterations started and dropped, and the generator's health.

    CPU and wall-clock seconds are those of the measured window, which begins `window_from_s` after
    the anchor. The loop delay is the maximum of the event loop, memory the maximum resident size.
    If the load ended early, `stop_reason` is why, and `stopped` the sentence for people; of the
    scheduled iterations, `not_started` were left then. They are not among the dropped ones.
    """

    started: int
    dropped: int
    cpu_s: float
    wall_s: float
    loop_delay_max_s: float | None = None
    memory_bytes: int | None = None
    stop_reason: StopReason | None = None
    stopped: str = ""
    window_from_s: float = 0.0
    not_started: int = 0


@dataclass(frozen=True)
class Recording:
    """The recording of one generator. Without an `end`, it was killed or is still running.

    `unconcluded` counts the intents without an outcome, `missing` the rows that never arrived from
    a worker. `details` has the request and the response of some exchanges that were not ok, by
    sequence number. `clock_steps` are those of the generator's machine. `health` has rows of
    HEALTH_ROW.
    """

    start: RecordingStart
    exchanges: Exchanges
    end: RecordingEnd | None
    details: dict[int, dict[str, Any]] = field(default_factory=dict)
    unconcluded: int = 0
    missing: int = 0
    clock_steps: tuple[ClockStep, ...] = ()
    health: Column = field(default_factory=NO_HEALTH.copy, compare=False)

    @property
    def measured_from_s(self) -> float:
        """When the measured window begins, in seconds since the anchor."""
        return self.end.window_from_s if self.end else self.start.warm_up_s


class Recorder:
    """Writes one generator's recording, and is its clock.

    `changed` collects the numbers of written rows for `RowChanges`, unless it is None.
    """

    def __init__(
        self, path: Path, generator: str, profile: str, users: int, scheduled: int | None,
        steps: Sequence[str], warm_up_s: float = 0.0, shipped: bool = False,
        *, clock: Clock = CLOCK, max_keys: int = MAX_KEYS,
    ) -> None:  # fmt: skip
        """Create the files and fix the anchor. Raises OSError."""
        self.path = path
        self._notes = os.fdopen(open_new(path), "w", encoding="utf-8", buffering=1)
        self._rows = open_new(path.with_suffix(ROWS))
        self._chunk = mmap.mmap(-1, 1)
        self._chunk_from = self._chunk_to = self._written = 0
        self._reasons: dict[str, int] = {"": 0}
        self._details: Counter[int] = Counter()
        self._kept_details = 0
        self._max_keys = max_keys
        self._keys: dict[tuple[str, KeyLabels], int] = {}
        self._key_characters = 0
        self.amounts = AmountFile(path.with_suffix(COUNTS))
        self.health = HealthFile(path.with_suffix(HEALTH))
        self.streams = StreamFile(path.with_suffix(STREAMS))
        self.changed: list[int] | None = None
        self.generator = generator
        self._clock, self._monotonic = clock, clock.monotonic
        self._noted_steps = len(clock.steps)
        self._zero = clock.monotonic()
        start = RecordingStart(
            generator, profile, users, scheduled, clock.at(self._zero), tuple(steps), warm_up_s,
            shipped,
        )  # fmt: skip
        self._write("start", asdict(start))

    def now_s(self) -> float:
        """Return seconds since the anchor."""
        return self._monotonic() - self._zero

    def intend(self, iteration: int, step: int, due_s: float) -> int:
        """Record that a request is about to be sent; return its sequence number (from 1).

        Raises OSError if the disk is full.
        """
        number = self._written
        if number == self._chunk_to:
            self._grow()
        at = (number - self._chunk_from) * ROW_BYTES
        _INTENT_HEAD.pack_into(self._chunk, at, iteration, step, INTENT, due_s, self.now_s())
        self._written = number = number + 1
        if self.changed is not None:
            self.changed.append(number)
        return number

    def conclude(
        self, number: int, sent_s: float, done_s: float, outcome: Outcome,
        status: int | None = None, reason: str = "", detail: dict[str, Any] | None = None,
        *, cut_off: bool = False, group: str = "", marks: int = 0,
    ) -> None:  # fmt: skip
        """Record the outcome of a request, with reason and detail unless it was as expected.

        Reasons with a common `group` differ only in what the response had. `marks` are bits of
        Mark.
        """
        reason_number = self._note(number, reason, group, detail) if reason else 0
        at = (number - 1 - self._chunk_from) * ROW_BYTES
        # the outcome comes last: until then, a reader sees an intent
        if at >= 0:
            _CONCLUSION.pack_into(
                self._chunk, at + _CONCLUSION_AT, sent_s, done_s, status or 0, marks,
                reason_number,
            )  # fmt: skip
            if cut_off:
                self._chunk[at + _CUT_OFF_AT] = 1
            self._chunk[at + _OUTCOME_AT] = CODES[outcome]
        else:  # the row is in an earlier chunk, which is no longer mapped
            at = (number - 1) * ROW_BYTES
            conclusion = _CONCLUSION.pack(sent_s, done_s, status or 0, marks, reason_number)
            os.pwrite(self._rows, conclusion, at + _CONCLUSION_AT)
            os.pwrite(self._rows, bytes((cut_off,)), at + _CUT_OFF_AT)
            os.pwrite(self._rows, bytes((CODES[outcome],)), at + _OUTCOME_AT)
        if self.changed is not None:
            self.changed.append(number)

    def mark(self, number: int, mark: Mark) -> None:
        """Add a mark to a concluded exchange."""
        at = (number - 1 - self._chunk_from) * ROW_BYTES + _MARKS_AT
        if at >= _MARKS_AT:
            self._chunk[at] |= mark
        else:
            at = (number - 1) * ROW_BYTES + _MARKS_AT
            os.pwrite(self._rows, bytes((os.pread(self._rows, 1, at)[0] | mark,)), at)
        if self.changed is not None:
            self.changed.append(number)

    def number_of(self, quantity: str, labels: KeyLabels) -> int | None:
        """Return the number of a key, or None if it has not occurred before."""
        return self._keys.get((quantity, labels))

    def note_key(self, key: AmountKey) -> int:
        """Note a key that has not occurred before; return its number.

        Raises OSError if there are too many, or the disk is full.
        """
        number = len(self._keys)
        if number >= self._max_keys:
            raise OSError(errno.E2BIG, f"it has more than {self._max_keys:,} label sets of amounts")
        self._key_characters += sum(len(label or "") for label in key.labels)
        if self._key_characters > MAX_KEY_CHARACTERS:
            most = f"{MAX_KEY_CHARACTERS:,} characters in the label values of amounts"
            raise OSError(errno.E2BIG, f"it has more than {most}")
        self._keys[key.quantity, key.labels] = number
        self._write(
            "key",
            {
                "quantity": key.quantity,
                "labels": list(key.labels),
                "resolution": text_of(key.resolution),
            },
        )
        return number

    def count(self, number: int, rows: Iterable[AmountRow]) -> None:
        """Record what is known of the amounts of a request. Raises OSError if the disk is full."""
        self.amounts.append(number, rows)

    def note_stream(self, number: int, stream: Stream) -> None:
        """Record how the stream of a request went. Raises OSError if the disk is full."""
        self.streams.append(number, stream)

    def note_clock_steps(self) -> None:
        """Record that the wall clock of this machine was set since the last time."""
        steps = self._clock.steps
        for step in steps[self._noted_steps :]:
            self._write("clock", asdict(step))
        self._noted_steps = len(steps)

    def keeps_detail(self, reason: str, group: str = "") -> bool:
        """Return whether the detail of a further exchange with a reason is kept."""
        if self._kept_details >= MAX_DETAILS:
            return False
        number = self._reasons.get(self._noted_reason(reason, group))
        return number is None or self._details[number] < _MAX_DETAILS_PER_REASON

    def _noted_reason(self, reason: str, group: str) -> str:
        """Return what a reason is noted as: beyond the first ones, what it has in common."""
        if reason in self._reasons or len(self._reasons) < MAX_REASONS:
            return reason
        return group or OTHER_REASON

    def end(self, end: RecordingEnd) -> None:
        """Record that the generator ended regularly, and close the files."""
        self.note_clock_steps()
        written = {
            "rows": self._written, "amounts": self.amounts.written,
            "streams": self.streams.written,
        }  # fmt: skip
        self._write("end", {**asdict(end), **written})
        self.close()

    def close(self) -> None:
        """Close the files; without an end before, the recording is that of a killed generator."""
        if self._notes.closed:
            return
        self._notes.close()
        self._chunk.close()
        self.amounts.close()
        self.health.close()
        self.streams.close()
        os.ftruncate(self._rows, self._written * ROW_BYTES)
        os.close(self._rows)

    def _grow(self) -> None:
        """Map the next chunk. Raises OSError if the disk is full."""
        following = map_chunk(self._rows, self._chunk_to, ROW_BYTES)
        self._chunk.close()
        self._chunk = following
        self._chunk_from, self._chunk_to = self._chunk_to, self._chunk_to + CHUNK_ROWS

    def _note(self, number: int, reason: str, group: str, detail: dict[str, Any] | None) -> int:
        """Write a new reason and the detail to the notes; return the number of the reason."""
        reason = self._noted_reason(reason, group)
        reason_number = self._reasons.get(reason)
        if reason_number is None:
            reason_number = self._reasons[reason] = len(self._reasons)
            group = group or reason
            self._write("reason", {"number": reason_number, "text": reason, "group": group})
        self._details[reason_number] += 1
        if detail and self._details[reason_number] <= _MAX_DETAILS_PER_REASON:
            self._kept_details += 1
            self._write("detail", {"n": number, "detail": detail})
        return reason_number

    def _write(self, kind: str, record: dict[str, Any]) -> None:
        self._notes.write(json.dumps({"kind": kind, **record}) + "\n")
