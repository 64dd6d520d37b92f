"""Read the data files of a scenario, and report every mistake in them with file and line.

A file must lie in the folder of the scenario or below it: a scenario may come from elsewhere, and
its rows are sent to the services.
"""

import csv
import hashlib
import json
from array import array
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from config.documents import read_document
from config.errors import ConfigError, Problem
from scenarios.language.data import DataSource
from scenarios.language.data_validation import column_mistakes, find_unknown_columns
from scenarios.language.model import Scenario
from scenarios.language.tables import (
    DecodedRows,
    Table,
    Tables,
    csv_decoder,
    decode_json_line,
)

MAX_BYTES = 100_000_000
MAX_ROWS = 10_000_000
_MAX_LINES = 2 * MAX_ROWS  # blank ones count
_MAX_ROW_BYTES = 1_000_000
_MAX_COLUMNS, _MAX_COLUMN_NAME = 1_000, 200
_MAX_PROBLEMS = 10

_LONG_ROW = f"a row has over {_MAX_ROW_BYTES:,} bytes; end each row, and each quote in it"

Mistake = tuple[int | None, str]  # the line, if it has one, and the sentence


class DataFileError(Exception):
    """A data file that cannot be opened; the message has the reason and the remedy."""


class _RowError(ValueError):
    """What JSON allows, and a row does not."""


def read_data_files(scenario: Scenario, path: Path) -> dict[str, bytes]:
    """Return the content of each data file of the scenario at `path`, by its name there.

    Raises ConfigError with every file that cannot be read.
    """
    contents: dict[str, bytes] = {}
    problems = []
    for name, source in scenario.data.items():
        try:
            if source.file is not None:
                contents[source.file] = read_data_file(path, source.file)
        except DataFileError as error:
            problems.append(read_document(path).problem(("data", name, "file"), str(error)))
    if problems:
        raise ConfigError(*problems)
    return contents


def read_tables(
    scenario: Scenario, path: Path, contents: Mapping[str, bytes] | None = None
) -> Tables:
    """Read the rows of every data source of the scenario at `path`.

    `contents` are those of its files, unless they are beside it. Raises ConfigError with every
    mistake in the files, and every unknown column in the templates.
    """
    if not scenario.data:
        return {}
    document, problems, tables = read_document(path), [], Tables()
    for name, source in scenario.data.items():
        try:
            tables[name] = _read_table(source, path, contents)
        except DataFileError as error:
            problems.append(document.problem(("data", name, "file"), str(error)))
        except ConfigError as error:
            problems += error.problems
    columns = {name: table.columns for name, table in tables.items()}
    problems += [
        document.problem(place, message)
        for place, message in find_unknown_columns(document.content, columns)
    ]
    if problems:
        raise ConfigError(*problems)
    return tables


def data_path(scenario: Path, name: str) -> Path:
    """Return the path of a file that a scenario names. Raises DataFileError."""
    path, folder = scenario.parent / name, scenario.parent.resolve()
    try:
        return _regular_file(path, folder, name)
    except (OSError, RuntimeError) as error:  # of a loop of links, RuntimeError
        reason = error.strerror if isinstance(error, OSError) else "its links are a loop"
        raise DataFileError(f"{name!r} cannot be read: {reason}") from error


def _regular_file(path: Path, folder: Path, name: str) -> Path:
    if not path.resolve().is_relative_to(folder):
        raise DataFileError(f"{name!r} leads out of the folder of the scenario; copy it there")
    if not path.exists():
        raise DataFileError(f"no such file: {path}; its path is relative to the scenario")
    if not path.is_file():
        raise DataFileError(f"{path} is not a regular file; name a .csv or .jsonl file")
    if path.stat().st_size > MAX_BYTES:
        raise DataFileError(f"{path} has over {MAX_BYTES:,} bytes; split it, or use fewer rows")
    return path


def read_data_file(scenario: Path, name: str) -> bytes:
    """Return the content of a file that a scenario names. Raises DataFileError."""
    path = data_path(scenario, name)
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES)
    except OSError as error:
        raise DataFileError(f"{path} cannot be read: {error.strerror}") from error


def _read_table(source: DataSource, scenario: Path, contents: Mapping[str, bytes] | None) -> Table:
    """Read one source. Raises DataFileError, and ConfigError for mistakes in the file itself."""
    if source.rows is not None or source.file is None:
        rows = source.rows or [{}]
        return Table(tuple(rows[0]), rows)
    if contents is None:
        content = read_data_file(scenario, source.file)
    elif (content := contents.get(source.file, b"")) == b"":
        raise DataFileError(f"{source.file!r} did not come along")
    path, digest = scenario.parent / source.file, hashlib.sha256(content).hexdigest()
    content = content.removeprefix(BOM_UTF8)
    if mistake := _encoding_mistake(content):
        raise ConfigError(Problem(path, *mistake))
    reader = _CsvReader if source.file.lower().endswith(".csv") else _JsonLinesReader
    found = reader(content)
    mistakes = list(islice(found.mistakes(), _MAX_PROBLEMS + 1))
    if len(mistakes) > _MAX_PROBLEMS:
        mistakes[-1] = (None, f"more than {_MAX_PROBLEMS} mistakes; the first ones are shown")
    if not mistakes and not found.starts:
        mistakes = [(None, f"the file has no row; {found.remedy}")]
    if mistakes:
        raise ConfigError(*(Problem(path, *mistake) for mistake in mistakes))
    return Table(tuple(found.columns), found.rows(), source.file, digest)


def _encoding_mistake(content: bytes) -> Mistake | None:
    if content.startswith((BOM_UTF16_BE, BOM_UTF16_LE)):
        return None, "the file is UTF-16; save it as UTF-8"
    if b"\r" in content and b"\n" not in content:
        return None, "its lines end with CR alone; save it with LF or CRLF"
    if (at := content.find(0)) >= 0:
        return content.count(b"\n", 0, at) + 1, "a NUL byte: this is not text; save it as UTF-8"
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return line, f"the byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
    return None


class _CsvReader:
    """Finds the records of a CSV file; the first has the columns."""

    remedy = "write the columns in the first line, and a row in each further one"

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.columns: list[str] = []
        self.starts = array("Q")

    def rows(self) -> DecodedRows:
        """Return the rows, once there is no mistake."""
        return DecodedRows(self._content, self.starts, csv_decoder(self.columns))

    def mistakes(self) -> Iterator[Mistake]:
        """Find the records, and yield every mistake."""
        line = 0
        try:
            for start, line, fields in _records(self._content):
                if not self.columns:
                    self.columns = fields
                    yield from ((line, message) for message in _header_mistakes(fields))
                elif len(fields) != len(self.columns):
                    count = f"{len(fields)} field{'' if len(fields) == 1 else 's'}"
                    yield line, (f"{count}, the header has {len(self.columns)}; quote a field "
                                 "that has a comma")  # fmt: skip
                elif len(self.starts) == MAX_ROWS:
                    yield line, f"the file has over {MAX_ROWS:,} rows; use fewer"
                    return
                else:
                    self.starts.append(start)
        except csv.Error as error:
            yield line + 1, f"this is not CSV: {error}"


def _records(content: bytes) -> Iterator[tuple[int, int, list[str]]]:
    """Yield the position, the first line and the fields of each record that is not blank."""
    end = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for number, line in enumerate(_lines(content), 1):
            end += len(line)
            if end - start > _MAX_ROW_BYTES:
                raise csv.Error(_LONG_ROW)
            if number > _MAX_LINES:
                raise csv.Error(f"it has over {_MAX_LINES:,} lines; remove blank ones")
            yield line.decode()

    reader = csv.reader(lines(), strict=True)
    start, line = 0, 1
    for fields in reader:
        if fields:
            yield start, line, fields
        start, line = end, reader.line_num + 1


def _lines(content: bytes) -> Iterator[bytes]:
    """Yield lines, cut soon after what a row may have: memory has the content only once."""
    return iter(partial(BytesIO(content).readline, _MAX_ROW_BYTES + 1), b"")


def _size_mistakes(columns: Sequence[str]) -> Iterator[str]:
    """Yield why columns are too many, or have too long names."""
    if len(columns) > _MAX_COLUMNS:
        yield f"{len(columns):,} columns, more than {_MAX_COLUMNS:,}; leave out those not used"
    elif long := next((name for name in columns if len(name) > _MAX_COLUMN_NAME), None):
        yield f"the name of a column has {len(long):,} characters; shorten it"


def _header_mistakes(columns: Sequence[str]) -> Iterator[str]:
    if sizes := list(_size_mistakes(columns)):
        yield from sizes
        return
    for index, name in enumerate(columns):
        if not name.strip():
            yield f"column {index + 1} has no name; write one in the header"
        elif name != name.strip():
            yield f"the column {name!r} has blanks around its name; remove them"
        elif name in columns[:index]:
            yield f"two columns are named {name!r}; rename one"
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t|"):
        yield f"the header is one column, {columns[0]!r}; separate columns by commas"


class _JsonLinesReader:
    """Finds the rows of a file with one JSON object per line; the first has the columns."""

    remedy = "write a JSON object in each line"

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.columns: list[str] = []
        self.starts = array("Q")

    def rows(self) -> DecodedRows:
        """Return the rows, once there is no mistake."""
        return DecodedRows(self._content, self.starts, decode_json_line)

    def mistakes(self) -> Iterator[Mistake]:
        """Find the rows, and yield every mistake."""
        start = 0
        for number, line in enumerate(_lines(self._content), 1):
            if len(line) > _MAX_ROW_BYTES:
                yield number, _LONG_ROW
                return
            if line.strip():
                yield from ((number, message) for message in self._row_mistakes(line))
                self.starts.append(start)
            if len(self.starts) > MAX_ROWS or number > _MAX_LINES:
                yield number, f"the file has over {MAX_ROWS:,} rows; use fewer"
                return
            start += len(line)

    def _row_mistakes(self, line: bytes) -> Iterator[str]:
        try:
            row = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_unique)
            # refuses 1e400 and half of a surrogate pair, of which the other makes what it can
            msgspec.json.decode(line)
        except RecursionError:
            yield "it is nested too deep; write a flat object"
            return
        except ValueError as error:
            is_ours = isinstance(error, json.JSONDecodeError | _RowError)
            odd = "a number out of range, or half of a surrogate pair"
            yield f"this is not JSON: {error if is_ours else odd}"
            return
        if not isinstance(row, dict) or not row:
            yield 'this is not a row; write a JSON object such as {"id": "c1"}'
            return
        if sizes := list(_size_mistakes(list(row))):
            yield from sizes
            return
        self.columns = self.columns or list(row)
        yield from column_mistakes(list(row), self.columns)


def _refuse_constant(name: str) -> float:
    raise _RowError(f"{name} is not a JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _RowError(f"the key {key!r} stands twice")
        found[key] = value
    return found
