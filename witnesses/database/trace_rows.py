"""Which requests do the databases know? Rows counted by the X-Trace-ID of who wrote them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from scenarios.evidence.run_folder import RunFolder
from scenarios.language.model import Quantity
from witnesses.database.counts import (
    DatabaseEvidence,
    label_values,
    read_databases,
    rows_of_query,
)
from witnesses.database.read_only import DatabaseDown
from witnesses.figure import Labels

_MOST_ROWS = 20_000_000

# A trace id, label values and how many rows.
Row = tuple[str, Labels, int]


def take_traces(
    quantities: Mapping[str, Quantity],
    databases: Mapping[str, str],
    tenant: str,
    folder: RunFolder,
) -> None:
    """Write each quantity's rows by trace id as they come, or why there are none."""
    troubles = {}
    for name, quantity in quantities.items():
        if quantity.traces:
            database, query = next(iter(quantity.traces.items()))
            path = folder.witnesses / "database" / _file_of(name)
            troubles[name] = _take(path, database, query, databases, tenant)
    folder.write_answer("database/traces.json", json.dumps(troubles, indent=1).encode())


def _take(path: Path, name: str, query: str, databases: Mapping[str, str], tenant: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    encoder = msgspec.json.Encoder(enc_hook=str)
    try:
        with path.open("wb") as file:
            for row in rows_of_query(name, query, databases, tenant, _MOST_ROWS):
                file.write(encoder.encode(row) + b"\n")
    except DatabaseDown as error:
        return str(error)
    return ""


@dataclass(frozen=True)
class TraceEvidence:
    """The rows by trace id as they lie on disk, and what the databases say without trace ids.

    `troubles` are by quantity, "" where its rows were read whole.
    """

    troubles: Mapping[str, str]
    folder: Path
    databases: DatabaseEvidence

    def knows(self, quantity: str) -> bool:
        """Tell whether a quantity's rows were read whole."""
        return self.troubles.get(quantity) == ""

    def rows(self, quantity: str, labels: int) -> Iterator[Row]:
        """Yield the rows one by one; they may be more than memory holds.

        Raises ValueError or OSError where they are not a trace id, so many label values and a
        count, or cannot be read.
        """
        decoder = msgspec.json.Decoder(list[Any])
        with (self.folder / _file_of(quantity)).open("rb") as file:
            for line in file:
                row = decoder.decode(line)
                if len(row) != labels + 2:
                    raise ValueError(f"{row} is not a trace id, {labels} label values and a count")
                yield str(row[0] or ""), label_values(row[1:-1]), _whole(row[-1])


def read_traces(folder: RunFolder) -> TraceEvidence:
    """Read which quantities' rows are known by trace id."""
    path = folder.witnesses / "database"
    try:
        troubles = json.loads((path / "traces.json").read_bytes())
    except (OSError, ValueError):
        troubles = {}
    known = troubles if isinstance(troubles, dict) else {}
    return TraceEvidence(known, path, read_databases(folder))


def _whole(count: object) -> int:
    """Return a count of rows, which a database may also give as a decimal."""
    whole = isinstance(count, int | float | str) and not isinstance(count, bool)
    if not whole or float(str(count)) != int(float(str(count))) or float(str(count)) < 0:
        raise ValueError(f"{count!r} is no count")
    return int(float(str(count)))


def _file_of(quantity: str) -> str:
    return f"traces-{quantity}.jsonl"
