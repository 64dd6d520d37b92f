"""How is the database reached? One engine a service, SQLite or PostgreSQL, one kind of schema."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache
from threading import Lock
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Dialect,
    TypeDecorator,
    create_engine,
    event,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.dml import ReturningInsert

from reference_services.common.settings import Settings

CONNECTIONS = 20
POOL_TIMEOUT_S = 5.0
BUSY_TIMEOUT_MS = 10_000
BUSY_PAUSE_S = 0.01
# No wait without an end; longer than any that a healthy server needs.
POSTGRESQL = {"connect_timeout": 2, "options": "-c lock_timeout=3s -c statement_timeout=5s"}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite gives it back without a zone, PostgreSQL in its session's."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Put the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """The engine of one service and the two ways to use it: reading and writing."""

    def __init__(self, url: str, connections: int = CONNECTIONS) -> None:
        """Open no connection yet, and never more than so many."""
        self.is_sqlite = is_sqlite = url.startswith("sqlite")
        self._engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_S,
            # A server may have been restarted since the connection was last used.
            pool_pre_ping=not is_sqlite,
            connect_args={} if is_sqlite else POSTGRESQL,
            # The values of a statement are what clients sent: no log needs them.
            hide_parameters=True,
        )
        self._writer = self._engine.execution_options(writes=True)
        self._turn: AbstractContextManager[Any] = nullcontext()
        if is_sqlite:
            # One writer at a time is SQLite's rule. Waiting here is fair and wakes at once;
            # waiting in SQLite is polling with growing pauses.
            self._turn = Lock()
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes: all of it is committed at the end, or none."""
        with self._turn, self._writer.begin() as connection:
            yield connection

    def is_answering(self) -> bool:
        """Ask the database for a row."""
        try:
            with self.reading() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def open_database(settings: Settings) -> Database:
    """Return the database that a service's settings name."""
    return Database(settings.database_url, settings.database_connections)


@cache
def insert_if_new(dialect: str, returning: Column[str]) -> ReturningInsert[tuple[str]]:
    """Return the INSERT into a column's table that leaves out the rows whose unique key exists.

    It returns the column of the rows that it wrote: not every driver can count them.
    """
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(returning.table).on_conflict_do_nothing().returning(returning)


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions itself: it would begin them as readers.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    _turn_to_wal(connection)
    connection.execute("PRAGMA synchronous = NORMAL")


def _turn_to_wal(connection: sqlite3.Connection) -> None:
    # Here SQLite does not wait at all for another process, which may be doing the same.
    ends_at = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends_at:
                raise
            time.sleep(BUSY_PAUSE_S)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer may find its snapshot outdated and fail, without any waiting.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
