"""Rows of a fixed size: mapped by chunks, and read up to the last one that is written."""

import os
from pathlib import Path

import numpy as np
import pytest

from scenarios.evidence.files import open_new
from scenarios.evidence.mapped_rows import CHUNK_ROWS, map_chunk, read_rows, without_empty_end


def test_chunks_follow_one_another_in_the_file(tmp_path: Path) -> None:
    descriptor = open_new(tmp_path / "rows")
    for number, letter in enumerate(b"ab"):
        with map_chunk(descriptor, number * CHUNK_ROWS, 20) as chunk:
            assert len(chunk) == 20 * CHUNK_ROWS
            chunk[0] = letter
    assert os.fstat(descriptor).st_size == 2 * 20 * CHUNK_ROWS
    assert os.pread(descriptor, 1, 0) + os.pread(descriptor, 1, 20 * CHUNK_ROWS) == b"ab"
    os.close(descriptor)


@pytest.mark.parametrize(
    ("rows", "kept"), [([], []), ([0, 0], []), ([5, 0, 7, 0, 0], [5, 0, 7]), ([5, 7], [5, 7])]
)
def test_a_gap_is_kept_and_an_empty_end_is_not(rows: list[int], kept: list[int]) -> None:
    column = np.array(rows, np.int64)
    assert without_empty_end(column, column != 0).tolist() == kept


def test_whole_rows_are_read_up_to_a_limit_and_none_of_a_missing_file(tmp_path: Path) -> None:
    row, path = np.dtype([("n", "<u4")]), tmp_path / "a.rows"
    path.write_bytes(np.arange(3, dtype="<u4").tobytes() + b"\x01\x02")
    assert read_rows(path, row)["n"].tolist() == [0, 1, 2]
    assert read_rows(path, row, 2)["n"].tolist() == [0, 1]
    assert read_rows(tmp_path / "none.rows", row)["n"].tolist() == []
