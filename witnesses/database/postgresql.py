"""Query a PostgreSQL database without writing to it.

The transaction itself is read-only, and each query is a cursor's: one statement that cannot end the
transaction.
"""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.pool import NullPool

from witnesses.database.dialect import (
    MAX_ROW_BYTES,
    Converters,
    DatabaseDown,
    QueryRefused,
    Session,
    reason_of,
    refuse_at_sign,
    row_too_large,
    too_slow,
)
from witnesses.database.values import without_padding

_QUERY_CANCELED = "57014"
# Classes of SQLSTATE: an unsupported feature, wrong data, a write, and wrong syntax, a wrong name
# or a missing right.
_REFUSED_STATES = ("0A", "22", "25006", "42")
# The type char(n), whose trailing spaces are padding and no part of the value.
_PADDED_TYPE = 1042
# The error for a statement that writes is clear as long as it is not within another one.
_WRITE = re.compile(r"\s*(?:insert|update|delete|merge|create|drop|alter|truncate)\b", re.I)
_ROWS = "trial_balance_rows"
_ROW_TOO_LARGE = "trial_balance_row_of_"  # a mark in the error that the wrapped query raises

_IS_SUPERUSER = text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
# Passwords, the server's files and programs: more than any count needs.
_MAY_READ_ALL = text(
    "SELECT pg_has_role('pg_read_all_data', 'MEMBER') "
    "OR pg_has_role('pg_read_server_files', 'MEMBER') "
    "OR pg_has_role('pg_execute_server_program', 'MEMBER') "
    "OR has_table_privilege('pg_catalog.pg_authid', 'SELECT')"
)
_MAY_WRITE = text(
    "SELECT coalesce(bool_or(has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE')), false) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
)


class PostgresqlSession(Session):
    """A read-only transaction of a PostgreSQL server."""

    schemes = ("postgresql", "postgres")  # the second as other tools write it
    grace_s = 1.0

    def engine(self) -> Engine:
        """Return an engine whose sessions are read-only, and whose statements have a time limit."""
        refuse_at_sign(self._address)
        address, timeout_s = self._address.set(drivername="postgresql+psycopg"), self.limit.batch_s
        theirs = address.query.get("options", "")
        ours = f"-c default_transaction_read_only=on -c statement_timeout={timeout_s}s"
        engine = create_engine(address, poolclass=NullPool, connect_args={
            # The last one wins.
            "options": " ".join([theirs if isinstance(theirs, str) else " ".join(theirs), ours]),
            "connect_timeout": timeout_s,
            "tcp_user_timeout": 2 * timeout_s * 1000,
        })  # fmt: skip
        # First of all: SQLAlchemy itself asks the server some things when it connects.
        event.listen(engine, "connect", self._begin_watch, insert=True)
        return engine

    def restrain(self, connection: Connection) -> Connection:
        """Make the transaction read-only: a statement can switch a session's default, not this."""
        return connection.execution_options(postgresql_readonly=True)

    def statement(self, query: str) -> str:
        """Wrap a query: the server would send a value of up to 1 GB, and the driver keep it."""
        if _WRITE.match(query):
            return query
        size = f"octet_length(CAST(ROW({_ROWS}.*) AS text))"
        # no constant: PostgreSQL would evaluate it before it has any row
        error = f"CAST('{_ROW_TOO_LARGE}' || {size} AS integer) > 0"
        is_small = f"CASE WHEN {size} <= {MAX_ROW_BYTES} THEN true ELSE {error} END"
        rows = f"(\n{query.strip().rstrip(';')}\n) AS {_ROWS}"
        return f"SELECT {_ROWS}.* FROM {rows} WHERE {is_small}"  # noqa: S608

    def failure(self, error: Exception) -> DatabaseDown:
        """Sort an error by its SQLSTATE."""
        original = getattr(error, "orig", None)
        state = str(getattr(original, "sqlstate", None))
        if state == _QUERY_CANCELED or self._watchdog.was_cut:
            return too_slow(self.limit)
        if _ROW_TOO_LARGE in str(original):
            return row_too_large()
        reason = reason_of(error)
        return QueryRefused(reason) if state.startswith(_REFUSED_STATES) else DatabaseDown(reason)

    def converters(self, columns: Sequence[Sequence[Any]]) -> Converters:
        """Return what removes the padding of char(n)."""
        padded = (index for index, column in enumerate(columns) if column[1] == _PADDED_TYPE)
        return dict.fromkeys(padded, without_padding)

    def excess_rights(self, connection: Connection) -> str:
        """Return what the role may do beyond reading the counted tables."""
        if connection.scalar(_IS_SUPERUSER):
            return "; its role is a superuser, which may run programs on the server"
        rights = (
            (_MAY_WRITE, "; its role may write, too"),
            (_MAY_READ_ALL, "; its role may read passwords, files or every table"),
        )
        return "".join(words for query, words in rights if connection.scalar(query))

    def _begin_watch(self, driver: Any, _record: object) -> None:
        self._watchdog.watch(driver.pgconn.socket)
