"""What do the databases say? Each quantity's query, before and after, read-only."""

import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from checks.witnesses.figure import Figure, Figures, Labels, no_data
from scenarios.evidence import RunFolder
from scenarios.model import Quantity

BEFORE, AFTER = "before", "after"

TIMEOUT_S = 5

_MOST_ROWS = 200_000
_BATCH = 10_000
# How many of its own steps SQLite takes between two looks at the clock.
_STEPS = 10_000
# Written without a driver, or as other tools write it.
_POSTGRESQL = ("postgresql", "postgres")


class DatabaseDown(Exception):
    """The database gave no usable answer; the text says why."""


def take_rows(
    quantities: Mapping[str, Quantity],
    databases: Mapping[str, str],
    tenant: str,
    moment: str,
    folder: RunFolder,
) -> None:
    """Run each quantity's query once, and keep its rows or why there are none."""
    answers = {
        name: _take(*next(iter(quantity.database.items())), databases, tenant)
        for name, quantity in quantities.items()
        if quantity.database
    }
    content = json.dumps(answers, indent=1, default=str).encode()
    folder.write_answer(f"database/{moment}.json", content)


def _take(name: str, query: str, databases: Mapping[str, str], tenant: str) -> dict[str, Any]:
    try:
        return {"rows": list(rows_of_query(name, query, databases, tenant, _MOST_ROWS))}
    except DatabaseDown as error:
        return {"trouble": str(error)}


def rows_of_query(
    name: str,
    query: str,
    databases: Mapping[str, str],
    tenant: str,
    most: int,
    timeout_s: int = TIMEOUT_S,
) -> Iterator[list[Any]]:
    """Yield the rows of a query, in batches from the server. Raises DatabaseDown."""
    if name not in databases:
        raise DatabaseDown(f"the environment names no database {name!r}")
    try:
        with read_only(databases[name], timeout_s) as connection:
            parameters = {"tenant": tenant} if ":tenant" in query else {}
            with closing(connection.execute(text(query), parameters)) as rows:
                for number, row in enumerate(rows, start=1):
                    if number > most:
                        raise DatabaseDown(f"its query gives more than {most:,} rows")
                    yield list(row)
    except DatabaseDown as error:
        raise DatabaseDown(f"the database {name!r}: {error}") from error


@contextmanager
def read_only(url: str, timeout_s: int = TIMEOUT_S) -> Iterator[Connection]:
    """Connect so that nothing can be written, and no statement takes longer than `timeout_s`.

    Raises DatabaseDown for whatever goes wrong.
    """
    try:
        engine = create_engine(
            _read_only_url(url), connect_args=_connect_arguments(url, timeout_s), poolclass=NullPool
        )
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise DatabaseDown("its address is not a database URL that can be used here") from error
    try:
        with engine.connect() as connection:
            yield _restrained(connection, timeout_s, is_sqlite=_is_sqlite(url))
    except SQLAlchemyError as error:
        raise DatabaseDown(_reason(error, timeout_s)) from error
    finally:
        engine.dispose()


def _restrained(connection: Connection, timeout_s: int, *, is_sqlite: bool) -> Connection:
    if not is_sqlite:
        # The transaction itself: a statement can switch a session's default, but not this.
        return connection.execution_options(postgresql_readonly=True, yield_per=_BATCH)
    connection.exec_driver_sql("PRAGMA query_only = ON")
    ends_at = time.monotonic() + timeout_s
    driver: Any = connection.connection.dbapi_connection
    driver.set_progress_handler(lambda: time.monotonic() > ends_at, _STEPS)
    return connection


def _reason(error: SQLAlchemyError, timeout_s: int) -> str:
    reason = (str(getattr(error, "orig", None) or error).splitlines() or [""])[0]
    if "statement timeout" in reason or reason == "interrupted":
        return f"its query took longer than {timeout_s} s"
    return reason or type(error).__name__


def _read_only_url(url: str) -> str:
    if _is_sqlite(url):
        return f"sqlite:///file:{quote(make_url(url).database or '')}?mode=ro&uri=true"
    address = make_url(url)
    if address.drivername in _POSTGRESQL:
        address = address.set(drivername="postgresql+psycopg")
    return address.render_as_string(hide_password=False)


def _connect_arguments(url: str, timeout_s: int) -> dict[str, Any]:
    if _is_sqlite(url):
        return {"timeout": timeout_s}
    options = f"-c default_transaction_read_only=on -c statement_timeout={timeout_s}s"
    # The last for a server that falls silent after it has taken the connection.
    return {
        "options": options,
        "connect_timeout": timeout_s,
        "tcp_user_timeout": 2 * timeout_s * 1000,
    }


def _is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


@dataclass(frozen=True)
class DatabaseEvidence:
    """The rows of every quantity's query, or its trouble, before and after."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def figures(self, quantity: str, labels: int) -> Figures:
        """Return the increases of a quantity; a row is `labels` label values and the count.

        Rows with the same label values are added up.
        """
        before, after = self.before.get(quantity), self.after.get(quantity)
        if before is None or after is None:
            return no_data("the database was not read after the run")
        trouble = before.get("trouble") or after.get("trouble")
        if trouble:
            return no_data(trouble)
        try:
            counts_before = _counts(before["rows"], labels)
            counts_after = _counts(after["rows"], labels)
        except (ValueError, TypeError, IndexError):
            return no_data(f"its query must give {labels} label columns and a count")
        return Figures(_grown(counts_before, counts_after), Figure(0.0))


def read_databases(folder: RunFolder) -> DatabaseEvidence:
    """Read the rows that a run took; what is missing is said by the figures."""
    path = folder.witnesses / "database"
    return DatabaseEvidence(_read(path / f"{BEFORE}.json"), _read(path / f"{AFTER}.json"))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _counts(rows: list[list[Any]], labels: int) -> dict[Labels, float]:
    if any(len(row) != labels + 1 for row in rows):
        raise ValueError(rows)
    counts: dict[Labels, float] = {}
    for *values, count in rows:
        key = label_values(values)
        # sum() of no rows is NULL: nothing was counted.
        counts[key] = counts.get(key, 0.0) + (0.0 if count is None else float(count))
    if not all(map(math.isfinite, counts.values())):
        raise ValueError(counts)
    return counts


def label_values(values: list[Any]) -> Labels:
    """Return a row's label values as the metrics would have them: NULL is the empty one."""
    return tuple("" if value is None else str(value) for value in values)


def _grown(before: dict[Labels, float], after: dict[Labels, float]) -> dict[Labels, Figure]:
    return {
        labels: Figure(after.get(labels, 0.0) - before.get(labels, 0.0))
        for labels in before | after
    }
