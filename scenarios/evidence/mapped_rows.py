"""Files of rows of a fixed size, which are written through a mapping and grow by chunks.

A file of a killed process ends with the empty rows of its last chunk.
"""

import mmap
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK_ROWS = 65_536  # a multiple of any page size, as mmap requires of offsets


def map_chunk(descriptor: int, first: int, row_bytes: int) -> mmap.mmap:
    """Map the chunk that begins with the row `first`. Raises OSError if the disk is full.

    Its blocks are allocated first: writing to a mapping on a full disk would be a SIGBUS.
    """
    offset, size = first * row_bytes, CHUNK_ROWS * row_bytes
    os.posix_fallocate(descriptor, offset, size)
    return mmap.mmap(descriptor, size, offset=offset)


def without_empty_end(rows: NDArray[Any], is_written: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the rows up to the last that is written; `is_written` is a mask of them."""
    written = np.flatnonzero(is_written)
    return rows[: written[-1] + 1 if len(written) else 0]
