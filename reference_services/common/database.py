"""Database access of a service: one engine, SQLite or PostgreSQL, and its transactions."""

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

from reference_services.common.api.json_values import load_stored
from reference_services.common.settings import Settings

CONNECTIONS = 20
POOL_TIMEOUT_S = 5.0
BUSY_TIMEOUT_MS = 10_000
BUSY_PAUSE_S = 0.01
# Every wait is bounded; a healthy server needs less.
POSTGRESQL_OPTIONS = {"connect_timeout": 2, "options": "-c lock_timeout=3s -c statement_timeout=5s"}


class UtcDateTime(TypeDecorator[datetime]):
    """Timestamp in UTC; SQLite returns it without a zone, PostgreSQL in the session's zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the timestamp in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """Engine of one service, used through read and write transactions."""

    def __init__(self, url: str, connections: int = CONNECTIONS) -> None:
        """Create the engine; connections open on demand, at most `connections` of them."""
        self.is_sqlite = is_sqlite = url.startswith("sqlite")
        self._engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_S,
            # The server may have restarted since the connection was last used.
            pool_pre_ping=not is_sqlite,
            connect_args={} if is_sqlite else POSTGRESQL_OPTIONS,
            # The parameters are clients' data, which must not get into a log.
            hide_parameters=True,
            # One row that an older version stored must not break a list of rows.
            json_deserializer=load_stored,
        )
        self._writer = self._engine.execution_options(writes=True)
        self._write_lock: AbstractContextManager[Any] = nullcontext()
        if is_sqlite:
            # SQLite admits one writer at a time. A lock wakes the next writer at once; SQLite's
            # own wait polls with growing pauses.
            self._write_lock = Lock()
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)

    @contextmanager
    def read_transaction(self) -> Iterator[Connection]:
        """Open a read-only transaction."""
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write_transaction(self) -> Iterator[Connection]:
        """Open a write transaction; it commits at the end of the block, or rolls back."""
        with self._write_lock, self._writer.begin() as connection:
            yield connection

    def is_reachable(self) -> bool:
        """Return whether a query succeeds."""
        try:
            with self.read_transaction() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def open_database(settings: Settings) -> Database:
    """Open the database that the settings name."""
    return Database(settings.database_url, settings.database_connections)


@cache
def insert_if_new(dialect: str, returning: Column[str]) -> ReturningInsert[tuple[str]]:
    """Build an INSERT into the table of a column that skips rows whose unique key exists.

    It returns the column of each inserted row, since not every driver reports a row count.
    """
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(returning.table).on_conflict_do_nothing().returning(returning)


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions itself: it would begin them as read transactions.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    _enable_wal(connection)
    connection.execute("PRAGMA synchronous = NORMAL")


def _enable_wal(connection: sqlite3.Connection) -> None:
    # SQLite ignores busy_timeout here, and another process may be doing the same.
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
    # A read transaction that starts to write fails at once if its snapshot is outdated.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
