"""Query a database without writing to it, and without waiting for it without bound.

On PostgreSQL the transaction itself is read-only, and each query is a cursor's: one statement that
cannot end the transaction. On SQLite the file is opened read-only, and whatever is not a SELECT is
refused as it is prepared: `mode=ro` alone would let a query attach, and so create, another file.
"""

import os
import re
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

TIMEOUT_S = 5
# Rows that arrive restart the time limit, but a query with all its rows ends within this.
WHOLE_S = 60

# How many rows are fetched at once: of the largest rows, 33 MB.
BATCH = 2_000
MAX_ROW_BYTES = 16_384

# Written without a driver, or as other tools write it.
_POSTGRESQL = ("postgresql", "postgres")
# The server ends a statement by itself; the connection is cut this much later if it does not.
_GRACE_S = 1
# A statement that the server or SQLite itself ended: PostgreSQL's query_canceled, and SQLite's own.
_TIMED_OUT = ("57014", sqlite3.SQLITE_INTERRUPT)
# PostgreSQL's classes of SQLSTATE: an unsupported feature, wrong data, a write, and wrong syntax, a
# wrong name or a missing right.
_REFUSED_STATES = ("0A", "22", "25006", "42")
# How many of its own steps SQLite takes between two readings of the clock.
_STEPS = 10_000
_MOST_CELL_BYTES = 10_000_000
# The error for a statement that writes is clear as long as it is not within another one.
_WRITE = re.compile(r"\s*(?:insert|update|delete|merge|create|drop|alter|truncate)\b", re.I)
_ROWS = "trial_balance_rows"
_ROW_TOO_LARGE = "trial_balance_row_of_"  # a mark in the error that the wrapped query raises
_READS = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}


class DatabaseDown(Exception):
    """The database gave no usable result; the message is the reason."""


class QueryRefused(DatabaseDown):
    """The database is up, and refuses the query: a mistake in it, or a missing table or right."""


class BoundedConnection:
    """One connection that can only be read, and the time until which it is waited for."""

    def __init__(self, engine: Engine, timeout_s: int, whole_s: float, *, is_sqlite: bool) -> None:
        self._timeout_s = timeout_s
        self._whole_s = whole_s
        self._begun_at = time.monotonic()
        self._is_sqlite = is_sqlite
        self._line: socket.socket | None = None
        self._is_done = Event()
        self._thread = Thread(target=self._watch, name="database watch", daemon=True)
        self._ends_at = 0.0
        self.was_cut = False
        self.was_denied = False
        self.renew()
        if not is_sqlite:
            # First of all: SQLAlchemy itself asks the server some things when it connects.
            event.listen(engine, "connect", self._begin_watch, insert=True)

    def renew(self) -> None:
        """Restart the time limit: rows have arrived."""
        grace_s = 0 if self._is_sqlite else _GRACE_S
        of_batch = time.monotonic() + self._timeout_s + grace_s
        self._ends_at = min(of_batch, self._begun_at + self._whole_s)

    @property
    def passed_s(self) -> float:
        """The time limit that has passed: that of the whole, or of a statement."""
        is_whole = time.monotonic() >= self._begun_at + self._whole_s
        return self._whole_s if is_whole else self._timeout_s

    def bounded_text(self, query: str) -> str:
        """Return a query that fails at a row of over MAX_ROW_BYTES.

        PostgreSQL would send a value of up to 1 GB, and its driver keep it; SQLite has a limit.
        """
        if self._is_sqlite or _WRITE.match(query):
            return query
        size = f"octet_length(CAST(ROW({_ROWS}.*) AS text))"
        # no constant: PostgreSQL would evaluate it before it has any row
        error = f"CAST('{_ROW_TOO_LARGE}' || {size} AS integer) > 0"
        is_small = f"CASE WHEN {size} <= {MAX_ROW_BYTES} THEN true ELSE {error} END"
        rows = f"(\n{query.strip().rstrip(';')}\n) AS {_ROWS}"
        return f"SELECT {_ROWS}.* FROM {rows} WHERE {is_small}"  # noqa: S608

    def restrain(self, connection: Connection) -> Connection:
        """Make the connection refuse whatever is not a SELECT."""
        if not self._is_sqlite:
            # The transaction itself: a statement can switch a session's default, but not this.
            return connection.execution_options(postgresql_readonly=True, yield_per=BATCH)
        connection.exec_driver_sql("PRAGMA query_only = ON")
        driver: Any = connection.connection.dbapi_connection
        driver.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_CELL_BYTES)
        driver.set_progress_handler(lambda: time.monotonic() > self._ends_at, _STEPS)
        driver.set_authorizer(self._permit)
        return connection

    def close(self) -> None:
        """Stop watching the time."""
        self._is_done.set()
        if self._line:
            self._thread.join()
            self._line.close()

    def _permit(self, action: int, _table: str | None, name: str | None, *_: str | None) -> int:
        """Permit reading only; of functions, load_extension() runs foreign code."""
        if action in _READS and name != "load_extension":
            return sqlite3.SQLITE_OK
        self.was_denied = True
        return sqlite3.SQLITE_DENY

    def _begin_watch(self, driver: Any, _record: object) -> None:
        # A line of its own: the driver's may be closed, and its number given to another.
        self._line = socket.socket(fileno=os.dup(driver.pgconn.socket))
        self._thread.start()

    def _watch(self) -> None:
        while not self._is_done.wait(max(0.0, self._ends_at - time.monotonic())):
            if self._line and time.monotonic() >= self._ends_at:
                self.was_cut = True
                self._line.shutdown(socket.SHUT_RDWR)
                return


@contextmanager
def asking(
    url: str, timeout_s: int = TIMEOUT_S, whole_s: float = WHOLE_S
) -> Iterator[tuple[Connection, BoundedConnection]]:
    """Connect read-only, and wait for nothing longer than `timeout_s`, nor `whole_s` in all.

    Raises DatabaseDown.
    """
    address = _address(url)
    engine = _engine(address, timeout_s)
    is_sqlite = address.get_backend_name() == "sqlite"
    bounded = BoundedConnection(engine, timeout_s, whole_s, is_sqlite=is_sqlite)
    try:
        with engine.connect() as connection:
            yield bounded.restrain(connection), bounded
    except SQLAlchemyError as error:
        raise _failure(error, bounded) from error
    finally:
        bounded.close()
        engine.dispose()


@contextmanager
def read_only(url: str) -> Iterator[Connection]:
    """Connect likewise, for a single query."""
    with asking(url) as (connection, _):
        yield connection


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise DatabaseDown("its address is not a database URL that can be used here") from error
    if address.get_backend_name() in _POSTGRESQL:
        if "@" in f"{address.host}{address.database}":
            # What follows would be a part of the password, and the driver would say it aloud.
            raise DatabaseDown("its address is not a database URL: in a password, "
                               "write @ as %40, : as %3A and / as %2F")  # fmt: skip
        return address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "sqlite":
        raise DatabaseDown("its address is not a database URL that can be used here")
    return address


def _engine(address: URL, timeout_s: int) -> Engine:
    if address.get_backend_name() == "sqlite":
        path = address.database or ":memory:"
        if path == ":memory:":
            raise DatabaseDown("its address names no file")
        if Path(path).is_dir():
            raise DatabaseDown("its address names a folder, not a file")
        if not Path(path).exists():
            raise DatabaseDown(f"there is no file {Path(path).absolute()}")
        return create_engine(f"sqlite:///file:{quote(path)}?mode=ro&uri=true",
                             connect_args={"timeout": timeout_s}, poolclass=NullPool)  # fmt: skip
    theirs = address.query.get("options", "")
    ours = f"-c default_transaction_read_only=on -c statement_timeout={timeout_s}s"
    return create_engine(address, poolclass=NullPool, connect_args={
        # The last one wins.
        "options": " ".join([theirs if isinstance(theirs, str) else " ".join(theirs), ours]),
        "connect_timeout": timeout_s,
        "tcp_user_timeout": 2 * timeout_s * 1000,
    })  # fmt: skip


def _failure(error: SQLAlchemyError, bounded: BoundedConnection) -> DatabaseDown:
    """Return the error to raise: QueryRefused only if the database itself refused the query."""
    original = getattr(error, "orig", None)
    code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorcode", None)
    if bounded.was_cut or code in _TIMED_OUT:
        return DatabaseDown(f"its query took longer than {bounded.passed_s:g} s")
    if bounded.was_denied:
        return QueryRefused("it is read-only, and its query does more than read")
    if _ROW_TOO_LARGE in str(original):
        return QueryRefused(row_too_large())
    line = (str(original or error).splitlines() or [""])[0]
    reason = line.partition(" (Background on")[0] or type(error).__name__
    is_refused = code == sqlite3.SQLITE_ERROR or str(code).startswith(_REFUSED_STATES)
    return QueryRefused(reason) if is_refused else DatabaseDown(reason)


def row_too_large() -> str:
    """Return why a row of a query is refused."""
    return f"its query returns a row of over {MAX_ROW_BYTES:,} bytes"
