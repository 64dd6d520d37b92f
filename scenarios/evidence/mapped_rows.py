"""Files of rows of a fixed size, which are written through a mapping and grow by chunks.

A file of a killed process ends with the empty rows of its last chunk.
"""

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.evidence.files import MAX_DATA_BYTES, open_new, open_to_read

CHUNK_ROWS = 65_536  # a multiple of any page size, as mmap requires of offsets


class RowFile:
    """Appends rows to a file, which is created with the first; the last chunk is mapped."""

    row_bytes: int

    def __init__(self, path: Path) -> None:
        """Create nothing yet."""
        self.path = path
        self.written = 0
        self.chunk = mmap.mmap(-1, 1)
        self.chunk_from = self.chunk_to = 0
        self._descriptor = -1

    def close(self) -> None:
        """Close the file, without the part of the last chunk that is not written."""
        if self._descriptor >= 0:
            self.chunk.close()
            os.ftruncate(self._descriptor, self.written * self.row_bytes)
            os.close(self._descriptor)
            self._descriptor = -1

    def grow(self) -> None:
        """Map the next chunk. Raises OSError if the disk is full."""
        if self._descriptor < 0:
            self._descriptor = open_new(self.path)
        following = map_chunk(self._descriptor, self.chunk_to, self.row_bytes)
        self.chunk.close()
        self.chunk = following
        self.chunk_from, self.chunk_to = self.chunk_to, self.chunk_to + CHUNK_ROWS


def map_chunk(descriptor: int, first: int, row_bytes: int) -> mmap.mmap:
    """Map the chunk that begins with the row `first`. Raises OSError if the disk is full.

    Its blocks are allocated first: writing to a mapping on a full disk would be a SIGBUS.
    """
    offset, size = first * row_bytes, CHUNK_ROWS * row_bytes
    os.posix_fallocate(descriptor, offset, size)
    return mmap.mmap(descriptor, size, offset=offset)


def read_rows(path: Path, row: np.dtype[Any], most: int | None = None) -> NDArray[Any]:
    """Read the whole rows of a file, `most` at the most; none if it cannot be read."""
    try:
        with open_to_read(path, MAX_DATA_BYTES) as file:
            count = os.fstat(file.fileno()).st_size // row.itemsize  # drops a torn one
            return np.fromfile(file, row, count if most is None else min(count, most))
    except OSError:
        return np.empty(0, row)


def without_empty_end(rows: NDArray[Any], is_written: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the rows up to the last that is written; `is_written` is a mask of them."""
    written = np.flatnonzero(is_written)
    return rows[: written[-1] + 1 if len(written) else 0]
