"""Tables of rows, kept in memory as the bytes of their file: rows are decoded when they are used.

content   id,name⏎ c1,Ada⏎ c2,Bob⏎ …
starts             ↑       ↑             8 bytes per row
"""

import csv
import json
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any, overload

Row = dict[str, Any]

# Decoded rows are kept: under load each is used again and again. So many take about 100 MB.
_MAX_DECODED = 100_000


@dataclass(frozen=True)
class Table:
    """Rows and their columns; `sha256` is the digest of the file, "" of rows in the scenario."""

    columns: tuple[str, ...]
    rows: Sequence[Row]
    file: str = ""
    sha256: str = ""


Tables = dict[str, Table]


class DecodedRows(Sequence[Row]):
    """Rows of a file, by the positions at which they start; `decode` makes a row of its bytes."""

    def __init__(
        self, content: bytes, starts: "array[int]", decode: Callable[[bytes], Row]
    ) -> None:
        """Keep the content; the positions are ascending."""
        self._content = content
        self._starts = starts
        self._decode = decode
        self._decoded: dict[int, Row] = {}

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        """Return a row."""
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        row = self._decoded.get(index)
        if row is None:
            row = self._decode_row(index)
            if len(self._decoded) < _MAX_DECODED:
                self._decoded[index] = row
        return row

    def __iter__(self) -> Iterator[Row]:
        """Yield every row, without keeping it."""
        return map(self._decode_row, range(len(self)))

    def _decode_row(self, index: int) -> Row:
        start, after = self._starts[index], index + 1
        end = self._starts[after] if after < len(self._starts) else len(self._content)
        return self._decode(self._content[start:end])


def csv_decoder(columns: Sequence[str]) -> Callable[[bytes], Row]:
    """Return a function from the bytes of a CSV record, which was validated, to a row."""

    def decode(record: bytes) -> Row:
        text = record.decode()
        if '"' in text:
            return dict(zip(columns, next(csv.reader(StringIO(text, newline=""))), strict=True))
        return dict(zip(columns, text.strip("\r\n").split(","), strict=True))

    return decode


def decode_json_line(line: bytes) -> Row:
    """Return the row of a line of JSON, which was validated."""
    row: Row = json.loads(line)
    return row
