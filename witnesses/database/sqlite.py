"""Query a SQLite file without writing to it.

The file is opened read-only, and whatever is not a SELECT is refused as it is prepared: `mode=ro`
alone would let a query attach, and so create, another file.
"""

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from witnesses.database.dialect import (
    DatabaseDown,
    QueryRefused,
    Session,
    does_more_than_read,
    reason_of,
    too_slow,
)

# How many of its own steps SQLite takes between two readings of the clock.
_STEPS = 10_000
_MOST_CELL_BYTES = 10_000_000
_READS = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}


class SqliteSession(Session):
    """A file that is opened to be read."""

    schemes = ("sqlite",)
    _was_denied = False

    def engine(self) -> Engine:
        """Return an engine for the file, which must exist."""
        path = self._address.database or ":memory:"
        if path == ":memory:":
            raise DatabaseDown("its address names no file")
        if Path(path).is_dir():
            raise DatabaseDown("its address names a folder, not a file")
        if not Path(path).exists():
            raise DatabaseDown(f"there is no file {Path(path).absolute()}")
        return create_engine(f"sqlite:///file:{quote(path)}?mode=ro&uri=true", poolclass=NullPool,
                             connect_args={"timeout": self.limit.batch_s})  # fmt: skip

    def restrain(self, connection: Connection) -> Connection:
        """Permit reading only, within the time limit."""
        connection.exec_driver_sql("PRAGMA query_only = ON")
        driver: Any = connection.connection.dbapi_connection
        driver.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_CELL_BYTES)
        driver.set_progress_handler(lambda: self.limit.is_over, _STEPS)
        driver.set_authorizer(self._permit)
        return connection

    def statement(self, query: str) -> str:
        """Return the query: values are limited in SQLite itself."""
        return query

    def failure(self, error: Exception) -> DatabaseDown:
        """Sort an error by SQLite's code."""
        code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_INTERRUPT:
            return too_slow(self.limit)
        if self._was_denied:
            return does_more_than_read()
        reason = reason_of(error)
        return QueryRefused(reason) if code == sqlite3.SQLITE_ERROR else DatabaseDown(reason)

    def _permit(self, action: int, _table: str | None, name: str | None, *_: str | None) -> int:
        """Permit reading only; of functions, load_extension() runs foreign code."""
        if action in _READS and name != "load_extension":
            return sqlite3.SQLITE_OK
        self._was_denied = True
        return sqlite3.SQLITE_DENY
