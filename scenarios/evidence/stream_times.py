"""How each stream of one generator went: STEM.streams, a row of fixed size per response.

A row is appended to a mapped file once its exchange is concluded, and never changed. Times are
those of `scenarios.http.streams`, in seconds since the request was sent; -1 is none.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.evidence.mapped_rows import RowFile, read_rows, without_empty_end
from scenarios.http.streams import MAX_EVENTS, Stream, StreamEnd

STREAMS = ".streams"

STREAM_ROW = np.dtype(
    [
        ("sequence", "<u4"),
        ("events", "<u4"),
        ("first_s", "<f8"),
        ("longest_gap_s", "<f8"),
        ("end", "u1"),  # a StreamEnd; 0 is no row
        ("spare", "u1", (7,)),
    ]
)
STREAM_BYTES = STREAM_ROW.itemsize
NO_STREAMS: NDArray[Any] = np.empty(0, STREAM_ROW)

_ROW = struct.Struct("<IIdd")
_END_AT = 24
_MAX_TIME_S = 1e10
_NONE_S = -1.0


class StreamFile(RowFile):
    """Appends the rows of one generator; the file is created with the first."""

    row_bytes = STREAM_BYTES

    def append(self, sequence: int, stream: Stream) -> None:
        """Append how the stream of an exchange went. Raises OSError if the disk is full."""
        first_s, gap_s = (
            _NONE_S if time_s is None else time_s
            for time_s in (stream.first_s, stream.longest_gap_s)
        )
        if self.written == self.chunk_to:
            self.grow()
        at = (self.written - self.chunk_from) * STREAM_BYTES
        _ROW.pack_into(self.chunk, at, sequence, len(stream.events), first_s, gap_s)
        self.chunk[at + _END_AT] = stream.end  # last: until then, a reader sees no row
        self.written += 1


def read_streams(path: Path) -> tuple[NDArray[Any], int]:
    """Read the valid rows, ordered by sequence number, and how many are not valid."""
    rows = read_rows(path, STREAM_ROW)
    # the file grows by chunks: that of a killed generator ends with empty rows
    rows = without_empty_end(rows, rows["end"] != 0)
    valid = is_valid(rows)
    kept = rows[valid]
    order = np.argsort(kept["sequence"], kind="stable")
    return kept[order], int(np.count_nonzero(~valid))


def is_valid(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Return a mask of the rows that a recorder can have written."""
    valid: NDArray[np.bool_] = (rows["end"] >= min(StreamEnd)) & (rows["end"] <= max(StreamEnd))
    valid &= (rows["sequence"] > 0) & (rows["events"] <= MAX_EVENTS)
    for column in ("first_s", "longest_gap_s"):
        # a time that is not a number compares as false
        valid &= np.abs(rows[column]) < _MAX_TIME_S
    return valid


def streams_of(rows: NDArray[Any], sequence: NDArray[Any]) -> NDArray[Any]:
    """Return the row of each exchange, by its sequence number; an empty one without a stream."""
    found = np.zeros(len(sequence), STREAM_ROW)
    if len(rows):
        at = np.minimum(np.searchsorted(rows["sequence"], sequence), len(rows) - 1)
        has_row = rows["sequence"][at] == sequence
        found[has_row] = rows[at[has_row]]
    return found
