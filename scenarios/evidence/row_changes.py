"""Read the rows that a recorder has written since they were read before."""

import os

import numpy as np

from scenarios.evidence.exchanges import ROW, Column
from scenarios.evidence.files import open_to_pread
from scenarios.evidence.recording import ROW_BYTES, ROWS, Recorder


class RowChanges:
    """The rows that a recorder has written since the previous read."""

    def __init__(self, recorder: Recorder) -> None:
        """Make the recorder collect the numbers of written rows from now on."""
        recorder.changed = []
        self._recorder = recorder
        self._rows = open_to_pread(recorder.path.with_suffix(ROWS))

    def read(self) -> tuple[Column, Column]:
        """Return the sequence numbers of changed rows, ascending, and the rows as they are now."""
        changed, self._recorder.changed = self._recorder.changed or [], []
        if not changed:
            return np.empty(0, np.uint32), np.empty(0, ROW)
        numbers = np.unique(np.array(changed, np.uint32))
        first, last = int(numbers[0]), int(numbers[-1])
        span = os.pread(self._rows, (last - first + 1) * ROW_BYTES, (first - 1) * ROW_BYTES)
        return numbers, np.frombuffer(span, ROW)[numbers - first]

    def close(self) -> None:
        """Close the file."""
        os.close(self._rows)
