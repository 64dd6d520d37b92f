"""Transfer a worker's recording to the master in numbered batches, at least once, in order.

    worker: Recorder → BatchQueue ── batch 1, 2, … ──→ BatchWriter → the same files: master
                           ↑───────── confirmed: 2 ────────┘

A batch has rows with their sequence numbers, and a piece of the notes, of the amounts, of the
streams and of the health. The queue keeps a batch until it is confirmed; the writer ignores
duplicates. Rows that never arrive leave empty rows, which the reader of the recording counts as
missing.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenarios.evidence.amounts import AMOUNT, COUNTS, AmountKind
from scenarios.evidence.exchanges import ROW
from scenarios.evidence.files import (
    MAX_DATA_BYTES,
    open_to_append,
    open_to_patch,
    open_to_pread,
    open_to_read,
)
from scenarios.evidence.generator_health import HEALTH, HEALTH_BYTES, MAX_HEALTH_ROWS, HealthFile
from scenarios.evidence.mapped_rows import RowFile
from scenarios.evidence.recording import ROWS, Recorder
from scenarios.evidence.row_changes import RowChanges
from scenarios.evidence.stream_times import STREAM_ROW, STREAMS, is_valid

MAX_ROWS = 20_000
MAX_NOTES_BYTES = 200_000
MAX_ALL_NOTES_BYTES = 500_000_000
MAX_UNCONFIRMED = 8
MAX_AMOUNTS, MAX_AMOUNTS_PER_ROW = 20_000, 150
MAX_HEALTH_PER_BATCH = 1_000
MAX_STREAMS = 20_000

_APPENDED = (("amounts", COUNTS), ("streams", STREAMS), ("health", HEALTH))

Batch = dict[str, Any]


class _NewRows:
    """The rows that were appended to a file since they were last read."""

    def __init__(self, file: RowFile | HealthFile, most: int) -> None:
        self._file, self._most_bytes = file, most * file.row_bytes
        self._at = 0

    def pieces(self) -> Iterator[bytes]:
        """Yield new rows, at most a given number at once."""
        end = self._file.written * self._file.row_bytes
        if self._at < end:
            descriptor = open_to_pread(self._file.path)
            try:
                while self._at < end:
                    size = min(end - self._at, self._most_bytes)
                    yield os.pread(descriptor, size, self._at)
                    self._at += size
            finally:
                os.close(descriptor)


class BatchQueue:
    """Batches of what a recorder has written, each kept until it is confirmed."""

    def __init__(self, recorder: Recorder) -> None:
        """Start at the beginning of the recording."""
        self._changes = RowChanges(recorder)
        self._notes = recorder.path
        self._notes_at = self._number = 0
        self._appended = {
            "amounts": _NewRows(recorder.amounts, MAX_AMOUNTS),
            "streams": _NewRows(recorder.streams, MAX_STREAMS),
            "health": _NewRows(recorder.health, MAX_HEALTH_PER_BATCH),
        }
        self._unconfirmed: dict[int, Batch] = {}

    @property
    def is_empty(self) -> bool:
        """Whether every batch is confirmed."""
        return not self._unconfirmed

    @property
    def has_room(self) -> bool:
        """Whether more batches may be made: the number of unconfirmed ones is limited."""
        return len(self._unconfirmed) < MAX_UNCONFIRMED

    def make_batches(self, **fields: Any) -> Iterator[Batch]:
        """Yield batches of what is new, the last with additional `fields`.

        A row that is still an intent is sent again once it is completed.
        """
        # rows, amounts, notes: an amount is written before the outcome of its row, and a reason or
        # a key is noted before anything has its number
        numbers, rows = self._changes.read()
        pieces = {name: list(new.pieces()) for name, new in self._appended.items()}
        pieces["notes"] = list(self._note_pieces())
        # the fields need a batch, even if nothing is new
        count = max(-(-len(numbers) // MAX_ROWS), bool(fields), *map(len, pieces.values()))
        for index in range(count):
            part = slice(index * MAX_ROWS, (index + 1) * MAX_ROWS)
            self._number += 1
            batch: Batch = {
                "batch": self._number,
                "numbers": numbers[part].astype("<u4").tobytes(),
                "rows": rows[part].tobytes(),
                **{name: of[index] if index < len(of) else b"" for name, of in pieces.items()},
                **(fields if index == count - 1 else {}),
            }
            self._unconfirmed[self._number] = batch
            yield batch

    def unconfirmed(self) -> list[Batch]:
        """Return the batches to send again."""
        return list(self._unconfirmed.values())

    def confirm(self, number: int) -> None:
        """Drop a batch that has arrived, and those before it: they arrived in order."""
        for arrived in [known for known in self._unconfirmed if known <= number]:
            del self._unconfirmed[arrived]

    def _note_pieces(self) -> Iterator[bytes]:
        with open_to_read(self._notes, MAX_DATA_BYTES) as file:
            file.seek(self._notes_at)
            while piece := file.read(MAX_NOTES_BYTES):
                self._notes_at += len(piece)
                yield piece


class BatchError(Exception):
    """A batch that no recorder can have written."""


@dataclass
class BatchWriter:
    """Writes one worker's recording from its batches; `received` is the number of the last.

    A worker may be broken or hostile: the file has at most `max_rows` rows, without gaps, and
    notes, amounts and streams have a limit.
    """

    path: Path
    max_rows: int
    received: int = 0
    rows: int = 0
    notes_bytes: int = 0
    amounts: int = 0
    streams: int = 0
    health: int = 0

    def write(self, batch: Batch) -> bool:
        """Write a batch if it is the next one; return whether it is written by now.

        Raises BatchError.
        """
        if batch["batch"] != self.received + 1:
            return bool(batch["batch"] <= self.received)
        self._check(batch)
        # notes first: rows may have the number of a reason that is in these notes
        with open_to_append(self.path) as notes:
            notes.write(batch["notes"])
        for name, suffix in _APPENDED:
            if batch[name]:
                with open_to_append(self.path.with_suffix(suffix)) as file:
                    file.write(batch[name])
        numbers = np.frombuffer(batch["numbers"], "<u4")
        if len(numbers):
            self._write_rows(numbers, np.frombuffer(batch["rows"], ROW))
        self.received += 1
        return True

    def _check(self, batch: Batch) -> None:
        """Raise BatchError if the recording would become one that no recorder writes."""
        numbers = np.frombuffer(batch["numbers"], "<u4").astype(np.int64)
        self.notes_bytes += len(batch["notes"])
        if self.notes_bytes > MAX_ALL_NOTES_BYTES:
            raise BatchError(f"more than {MAX_ALL_NOTES_BYTES:,} bytes of notes")
        self._check_amounts(np.frombuffer(batch["amounts"], AMOUNT))
        self._check_streams(np.frombuffer(batch["streams"], STREAM_ROW))
        self.health += len(batch["health"]) // HEALTH_BYTES
        if self.health > MAX_HEALTH_ROWS:
            raise BatchError(f"more than {MAX_HEALTH_ROWS:,} periods of its health")
        if not len(numbers):
            return
        if numbers[0] < 1 or (np.diff(numbers) < 1).any():
            raise BatchError("its rows are not in order")
        # new rows follow those that are there: a recorder numbers them without gaps
        if np.count_nonzero(numbers > self.rows) != max(0, int(numbers[-1]) - self.rows):
            raise BatchError(f"rows are missing after row {self.rows:,}")
        self.rows = max(self.rows, int(numbers[-1]))
        if self.rows > self.max_rows:
            raise BatchError(f"more than the {self.max_rows:,} exchanges of its part of the load")

    def _check_amounts(self, rows: np.ndarray) -> None:
        self.amounts += len(rows)
        if self.amounts > self.max_rows * MAX_AMOUNTS_PER_ROW:
            raise BatchError(f"more than {MAX_AMOUNTS_PER_ROW} amounts per exchange of its part")
        kinds = rows["kind"]
        if len(rows) and (kinds.min() < min(AmountKind) or kinds.max() > max(AmountKind)):
            raise BatchError("its amounts are of no kind")
        if (rows["amount"] < 0).any() or (rows["sequence"] > self.max_rows).any():
            raise BatchError("its amounts belong to no exchange")

    def _check_streams(self, rows: np.ndarray) -> None:
        self.streams += len(rows)
        if self.streams > self.max_rows:
            raise BatchError(f"more than the {self.max_rows:,} streams of its part of the load")
        if not is_valid(rows).all() or (rows["sequence"] > self.max_rows).any():
            raise BatchError("its streams belong to no exchange, or are none")

    def _write_rows(self, numbers: np.ndarray, rows: np.ndarray) -> None:
        """Write rows to their positions in the file, adjacent rows at once."""
        breaks = np.flatnonzero(np.diff(numbers.astype(np.int64)) != 1) + 1
        descriptor = open_to_patch(self.path.with_suffix(ROWS))
        try:
            runs = zip(np.split(numbers, breaks), np.split(rows, breaks), strict=True)
            for run_numbers, run_rows in runs:
                os.pwrite(descriptor, run_rows.tobytes(), (int(run_numbers[0]) - 1) * ROW.itemsize)
        finally:
            os.close(descriptor)
