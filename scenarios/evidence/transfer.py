"""How does a worker's recording reach the master? In batches, each sent until it is confirmed.

A batch is a number, rows with their places, and a piece of the notes. The master writes the same
two files that the worker has. A batch that comes twice changes nothing, so none is lost and none
counts twice; what never came leaves a hole that the reader of the recording sees.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenarios.evidence.exchanges import ROW
from scenarios.evidence.recording import ROWS, Changes, Recorder

MOST_ROWS = 20_000
MOST_NOTES_BYTES = 200_000
MOST_UNCONFIRMED = 8

Batch = dict[str, Any]


class Outbox:
    """Takes what a recorder has written since the last time, and keeps it until it is confirmed."""

    def __init__(self, recorder: Recorder) -> None:
        """Begin with nothing sent."""
        self.changes = Changes(recorder)
        self._notes = recorder.path
        self._at = self._number = 0
        self._unconfirmed: dict[int, Batch] = {}

    @property
    def is_empty(self) -> bool:
        """Whether all that was sent is confirmed."""
        return not self._unconfirmed

    @property
    def has_room(self) -> bool:
        """Whether more may be taken: what waits to be confirmed is bounded."""
        return len(self._unconfirmed) < MOST_UNCONFIRMED

    def fresh(self, **more: Any) -> Iterator[Batch]:
        """Yield what is new, `more` with the last. Each row is as it is when it is taken."""
        numbers, rows = self.changes.take()
        pieces = list(self._note_pieces())
        turns = max(-(-len(numbers) // MOST_ROWS), len(pieces), 1 if more else 0)
        for turn in range(turns):
            some = slice(turn * MOST_ROWS, (turn + 1) * MOST_ROWS)
            self._number += 1
            batch: Batch = {
                "batch": self._number,
                "numbers": numbers[some].astype("<u4").tobytes(),
                "rows": rows[some].tobytes(),
                "notes": pieces[turn] if turn < len(pieces) else b"",
                **(more if turn == turns - 1 else {}),
            }
            self._unconfirmed[self._number] = batch
            yield batch

    def unconfirmed(self) -> list[Batch]:
        """Return what has to be sent again."""
        return list(self._unconfirmed.values())

    def confirm(self, number: int) -> None:
        """Forget what has arrived: this batch, and those before it."""
        for each in [one for one in self._unconfirmed if one <= number]:
            del self._unconfirmed[each]

    def _note_pieces(self) -> Iterator[bytes]:
        with self._notes.open("rb") as file:
            file.seek(self._at)
            while piece := file.read(MOST_NOTES_BYTES):
                self._at += len(piece)
                yield piece


@dataclass
class Inbox:
    """Writes one worker's recording from its batches."""

    path: Path
    received: int = 0

    def take(self, batch: Batch) -> bool:
        """Write a batch, if it is the next; tell whether it is there by now."""
        if batch["batch"] != self.received + 1:
            return bool(batch["batch"] <= self.received)
        # notes go first: rows may stand for a reason that is told in them
        with self.path.open("ab") as notes:
            notes.write(batch["notes"])
        numbers = np.frombuffer(batch["numbers"], "<u4")
        if len(numbers):
            self._write(numbers, np.frombuffer(batch["rows"], ROW))
        self.received += 1
        return True

    def _write(self, numbers: np.ndarray, rows: np.ndarray) -> None:
        """Write rows to their places, neighbours together."""
        breaks = np.flatnonzero(np.diff(numbers.astype(np.int64)) != 1) + 1
        descriptor = os.open(self.path.with_suffix(ROWS), os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            for some, of_them in zip(np.split(numbers, breaks), np.split(rows, breaks),
                                     strict=True):  # fmt: skip
                os.pwrite(descriptor, of_them.tobytes(), (int(some[0]) - 1) * ROW.itemsize)
        finally:
            os.close(descriptor)
