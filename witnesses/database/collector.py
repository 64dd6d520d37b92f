"""Run each quantity's queries before and after a run, read-only, and keep their rows."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from sqlalchemy import text

from scenarios.evidence.run_folder import RunFolder
from witnesses.database.read_only import BATCH, TIMEOUT_S, DatabaseDown, QueryRefused, asking
from witnesses.database.trace_reading import TRACES_FILE, traces_path
from witnesses.database.values import encode_json, padded_columns, unpadded
from witnesses.model import CountedQuantity, Moment

_MAX_ROWS = 200_000
_MAX_TRACES = 20_000_000
# Of the texts of one value, and of all rows that are held in memory.
_MAX_TEXT = 100_000
_MAX_TEXTS = 40_000_000


class DatabaseCollector:
    """Asks the databases of an environment (URLs by name) for the rows of each quantity."""

    def __init__(
        self, databases: Mapping[str, str], quantities: Iterable[CountedQuantity], tenant: str
    ) -> None:
        """Connect to nothing yet."""
        self._databases = databases
        self._quantities = tuple(quantities)
        self._tenant = tenant

    def collect(self, moment: Moment, folder: RunFolder) -> None:
        """Run each quantity's query once; after the run, also the one for its trace ids."""
        answers: dict[str, dict[str, Any]] = {}
        for quantity in self._quantities:
            for database, query in (quantity.settings.database or {}).items():
                of_quantity = answers.setdefault(quantity.name, {})
                try:
                    rows = rows_of_query(database, query, self._databases, self._tenant, _MAX_ROWS)
                    of_quantity[database] = {"rows": list(_bounded(database, rows))}
                except DatabaseDown as error:
                    of_quantity[database] = {"error": str(error)}
        folder.write_witness_file(f"database/{moment}.json", encode_json(answers))
        if moment is Moment.AFTER:
            self._collect_traces(folder)

    def _collect_traces(self, folder: RunFolder) -> None:
        """Write each quantity's rows by trace id as they come, or why they are not whole."""
        errors = {}
        for quantity in self._quantities:
            for database, query in (quantity.settings.traces or {}).items():
                path = traces_path(folder.witnesses / "database", quantity.name)
                rows = rows_of_query(database, query, self._databases, self._tenant, _MAX_TRACES)
                errors[quantity.name] = ""
                try:
                    lines = (encode_json(row) + b"\n" for row in rows)
                    folder.write_witness_lines(f"database/{path.name}", lines)
                except DatabaseDown as error:
                    errors[quantity.name] = str(error)
        folder.write_witness_file(f"database/{TRACES_FILE}", json.dumps(errors, indent=1).encode())


def _bounded(database: str, rows: Iterable[list[Any]]) -> Iterator[list[Any]]:
    """Yield rows whose texts together fit into memory. Raises DatabaseDown."""
    total = 0
    for row in rows:
        total += sum(len(value) for value in row if isinstance(value, str))
        if total > _MAX_TEXTS:
            error = f"its query returns over {_MAX_TEXTS:,} characters"
            raise DatabaseDown(f"the database {database!r}: {error}")
        yield row


def rows_of_query(
    name: str,
    query: str,
    databases: Mapping[str, str],
    tenant: str,
    max_rows: int,
    timeout_s: int = TIMEOUT_S,
) -> Iterator[list[Any]]:
    """Yield the rows of a query, in batches from the server. Raises DatabaseDown."""
    if name not in databases:
        raise DatabaseDown(f"the environment has no database {name!r}")
    statement = text(query)
    parameters = {"tenant": tenant} if "tenant" in statement.compile().params else {}
    try:
        with (
            asking(databases[name], timeout_s) as (connection, bounded),
            closing(connection.execute(statement, parameters)) as rows,
        ):
            padded = padded_columns(rows.cursor.description if rows.cursor else None)
            for number, row in enumerate(rows, start=1):
                if number > max_rows:
                    raise DatabaseDown(f"its query returns more than {max_rows:,} rows")
                if number % BATCH == 0:
                    bounded.renew()
                if any(isinstance(value, bytes | memoryview) for value in row):
                    error = "its query returns bytes, which are neither a label nor a count"
                    raise QueryRefused(error)
                if any(isinstance(value, str) and len(value) > _MAX_TEXT for value in row):
                    error = f"its query returns a text of over {_MAX_TEXT:,} characters"
                    raise QueryRefused(error)
                yield unpadded(row, padded)
    except DatabaseDown as error:
        raise type(error)(f"the database {name!r}: {error}") from error
