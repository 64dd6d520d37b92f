"""Run each quantity's queries before and after a run, read-only, and keep their rows."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, CursorResult, text

from scenarios.evidence.run_folder import RunFolder
from scenarios.http.bounded_json import MAX_DEPTH, check_bounds
from witnesses.database.dialect import (
    BATCH,
    MAX_ROW_BYTES,
    Converters,
    DatabaseDown,
    QueryRefused,
    Session,
    row_too_large,
)
from witnesses.database.read_only import TIMEOUT_S, WHOLE_S, asking
from witnesses.database.reading import LATER, is_collected
from witnesses.database.trace_reading import TRACES_FILE, traces_path
from witnesses.database.values import encode_json
from witnesses.model import CountedQuantity, Moment

_MAX_ROWS = 200_000
_MAX_TRACES = 20_000_000
_TRACES_WHOLE_S = 600
_MAX_BYTES = 32 * 1024 * 1024  # of the rows of all queries of a collection, which are in memory
_TOO_DEEP = f"its query returns JSON that is nested deeper than {MAX_DEPTH} levels"


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
        """Run each quantity's query once; after the run, also the one for its trace ids.

        After the run, the rows of a further time are kept beside the first: what only they have
        is late.
        """
        results: dict[str, dict[str, Any]] = {}
        for quantity in self._quantities:
            for store in quantity.settings.stores:
                of_quantity = results.setdefault(quantity.name, {})
                try:
                    rows = rows_of_query(
                        store.database, store.query, self._databases, self._tenant, _MAX_ROWS
                    )
                    of_quantity[store.name] = {"rows": _rows_in_memory(store.database, rows)}
                except DatabaseDown as error:
                    of_quantity[store.name] = {"error": str(error)}
        again = moment is Moment.AFTER and is_collected(folder, Moment.AFTER)
        name = LATER if again else moment
        folder.write_witness_file(f"database/{name}.json", encode_json(results))
        if moment is Moment.AFTER:
            self._collect_traces(folder)

    def _collect_traces(self, folder: RunFolder) -> None:
        """Write each quantity's rows by trace id as they come, or why they are not whole."""
        errors = {}
        for quantity in self._quantities:
            store = quantity.settings.traced
            if store is None:
                continue
            path = traces_path(folder.witnesses / "database", quantity.name)
            rows = rows_of_query(
                store.database, store.query, self._databases, self._tenant, _MAX_TRACES,
                whole_s=_TRACES_WHOLE_S,
            )  # fmt: skip
            errors[quantity.name] = ""
            try:
                lines = (encode_json(row) + b"\n" for row in rows)
                folder.write_witness_lines(f"database/{path.name}", lines)
            except DatabaseDown as error:
                errors[quantity.name] = str(error)
        folder.write_witness_file(f"database/{TRACES_FILE}", json.dumps(errors, indent=1).encode())


def _rows_in_memory(database: str, rows: Iterable[list[Any]]) -> list[list[Any]]:
    """Return all rows of a query. Raises DatabaseDown."""
    kept, size = [], 0
    for row in rows:
        size += sum(len(value) for value in row if isinstance(value, str | list | dict))
        if size > _MAX_BYTES:
            error = f"its query returns more than {_MAX_BYTES:,} bytes"
            raise DatabaseDown(f"the database {database!r}: {error}")
        kept.append(row)
    return kept


def rows_of_query(
    name: str,
    query: str,
    databases: Mapping[str, str],
    tenant: str,
    max_rows: int,
    timeout_s: int = TIMEOUT_S,
    whole_s: float = WHOLE_S,
) -> Iterator[list[Any]]:
    """Yield the rows of a query, in batches from the server. Raises DatabaseDown."""
    if name not in databases:
        raise DatabaseDown(f"the environment has no database {name!r}")
    try:
        with (
            asking(databases[name], timeout_s, whole_s) as (connection, session),
            closing(execute(connection, session, query, tenant)) as rows,
        ):
            columns = rows.cursor.description if rows.cursor else None
            converters = session.converters(columns or ())
            for number, row in enumerate(rows, start=1):
                if number > max_rows:
                    raise DatabaseDown(f"its query returns more than {max_rows:,} rows")
                if number % BATCH == 0:
                    session.limit.renew()
                values = _converted(row, converters)
                _check_row(values)
                yield values
    except RecursionError:
        raise QueryRefused(f"the database {name!r}: {_TOO_DEEP}") from None
    except DatabaseDown as error:
        raise type(error)(f"the database {name!r}: {error}") from error


def execute(connection: Connection, session: Session, query: str, tenant: str) -> CursorResult[Any]:
    """Run a query whose rows come in batches, with the tenant as its parameter if it has one."""
    statement = text(session.statement(query))
    parameters = {"tenant": tenant} if "tenant" in statement.compile().params else {}
    return connection.execute(statement, parameters, execution_options={"yield_per": BATCH})


def _converted(row: Sequence[Any], converters: Converters) -> list[Any]:
    """Return the values of a row as services write them."""
    values = list(row)
    for index, converter in converters.items():
        values[index] = converter(values[index])
    return values


def _check_row(row: Sequence[Any]) -> None:
    """Raise QueryRefused for a row that is no label values and a count."""
    size = 0
    for value in row:
        if isinstance(value, str):
            size += len(value)
        elif isinstance(value, bytes | memoryview):
            raise QueryRefused("its query returns bytes, which are neither a label nor a count; "
                               "convert them to text")  # fmt: skip
        elif isinstance(value, list | dict):
            try:
                check_bounds(json.dumps(value, default=str).encode())
            except ValueError:
                raise QueryRefused(_TOO_DEEP) from None
    if size > MAX_ROW_BYTES:
        raise row_too_large()
