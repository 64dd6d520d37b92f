"""Query a MySQL or MariaDB database without writing to it.

The text of a query is refused if it does more than read, the transaction is read-only, and the
driver sends one statement at a time. A stored function runs within the transaction: it must be
declared to read only, since it could still write a file or change a setting.

    server   |— the whole limit: it ends the statement —————————————————|
    client   |— limit of a batch —|  cut, and KILL QUERY by another connection
"""

import struct
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

from pymysql.cursors import Cursor
from pymysql.err import Error, OperationalError
from sqlalchemy import Connection, Engine, bindparam, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from witnesses.database.dialect import (
    Converters,
    DatabaseDown,
    QueryRefused,
    Session,
    does_more_than_read,
    reason_of,
    refuse_at_sign,
    row_too_large,
    too_slow,
)
from witnesses.database.mysql_line import MysqlLine, PacketTooLarge, open_line
from witnesses.database.mysql_query import MysqlQuery
from witnesses.database.mysql_values import converters_of

_KILL_S = 2
_UNKNOWN_VARIABLE = 1193
# The server's own limit (MariaDB, MySQL), and a lock that was waited for.
_TIMED_OUT = (1969, 3024, 1205)
# Classes of SQLSTATE: an unsupported feature, a wrong number of columns or rows, wrong data, a
# write, and wrong syntax, a wrong name or a missing right; and what has no state of its own: group
# functions, collations, views, options and values that do not fit.
_REFUSED_STATES = ("0A", "21", "22", "25006", "42")
_REFUSED = (1111, 1267, 1270, 1271, 1273, 1290, 1356, 1411, 3065)
_TOO_MANY = (1203, 1226)  # of the class 42, yet no mistake of a query
_SESSION = (
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
    # A lock is waited for no longer than rows are.
    "SET SESSION time_zone = '+00:00', lock_wait_timeout = {timeout_s}",
)
# MySQL's and MariaDB's, in milliseconds and seconds.
_LIMITS = (
    "SET SESSION max_execution_time = {whole_ms:.0f}",
    "SET SESSION max_statement_time = {whole_s}",
)
_WRITING_FUNCTIONS = text(
    "SELECT routine_schema, routine_name FROM information_schema.routines "
    "WHERE routine_type = 'FUNCTION' AND LOWER(routine_name) IN :names "
    "AND sql_data_access NOT IN ('NO SQL', 'READS SQL DATA') LIMIT 1"
).bindparams(bindparam("names", expanding=True))
_PRIVILEGES = text(
    "SELECT privilege_type FROM information_schema.user_privileges WHERE grantee = :role "
    "UNION SELECT privilege_type FROM information_schema.schema_privileges WHERE grantee = :role "
    "UNION SELECT privilege_type FROM information_schema.table_privileges WHERE grantee = :role"
)
_WRITES = {"INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER"}
_ADMINISTRATES = {"FILE", "SUPER", "PROCESS", "RELOAD", "SHUTDOWN", "CREATE USER"}


class MysqlSession(Session):
    """A read-only transaction of a MySQL or MariaDB server."""

    schemes = ("mysql", "mysql2", "mariadb")  # the second as Ruby writes it
    malformed = (struct.error, ArithmeticError, AssertionError, AttributeError, LookupError,
                 RuntimeError, TypeError, ValueError)  # fmt: skip
    _line: MysqlLine | None = None
    _connection: Connection | None = None

    def engine(self) -> Engine:
        """Return an engine that connects as the address says, and no other way."""
        refuse_at_sign(self._address)
        return create_engine("mysql+pymysql://", creator=self._connect, poolclass=NullPool)

    def restrain(self, connection: Connection) -> Connection:
        """Begin the read-only transaction."""
        connection.exec_driver_sql("START TRANSACTION READ ONLY")
        self._connection = connection
        return connection

    def statement(self, query: str) -> str:
        """Return a query that does nothing but read; the driver refuses rows that are too large."""
        parts = MysqlQuery(query)
        parts.refuse_writes()
        if self._connection and parts.functions:
            names = {"names": parts.functions}
            for schema, name in self._connection.execute(_WRITING_FUNCTIONS, names).all():
                raise does_more_than_read(f"the function {schema}.{name} is not declared "
                                          "READS SQL DATA or NO SQL")  # fmt: skip
        return parts.text

    def failure(self, error: Exception) -> DatabaseDown:
        """Sort an error by its code and SQLSTATE."""
        original = getattr(error, "orig", None)
        code, *words = original.args if isinstance(original, Error) else (None,)
        if code in _TIMED_OUT or self._watchdog.was_cut:
            return too_slow(self.limit)
        if isinstance(original, PacketTooLarge) and self._connection:
            return row_too_large()
        if isinstance(original, PacketTooLarge) or not isinstance(error, SQLAlchemyError):
            return DatabaseDown("it does not respond as MySQL and MariaDB do")
        reason = (str(words[0]) if words else reason_of(error)).partition("\n")[0]
        state = str(getattr(original, "sqlstate", None))
        is_refused = code in _REFUSED or (
            state.startswith(_REFUSED_STATES) and code not in _TOO_MANY
        )
        return QueryRefused(reason) if is_refused and self._connection else DatabaseDown(reason)

    def converters(self, columns: Sequence[Sequence[Any]]) -> Converters:
        """Return how values become those that services write."""
        return converters_of(columns)

    def excess_rights(self, connection: Connection) -> str:
        """Return what the role may do beyond reading."""
        user, _, host = str(connection.scalar(text("SELECT CURRENT_USER()"))).rpartition("@")
        role = {"role": f"'{user}'@'{host}'"}
        rights = set(connection.execute(_PRIVILEGES, role).scalars())
        writes = "; its role may write, too" if rights & _WRITES else ""
        server = "; its role may read and write files of the server, or administrate it"
        return writes + (server if rights & _ADMINISTRATES else "")

    def after_cut(self) -> None:
        """End the query in the server, which does not know that nobody waits for it."""
        if self._line is None:
            return
        with suppress(Error, DatabaseDown, OSError, *self.malformed):
            line = open_line(self._address, _KILL_S, _unwatched)
            with closing(line), closing(line.cursor()) as cursor:
                number: int = self._line.thread_id()  # type: ignore[no-untyped-call]
                cursor.execute(f"KILL QUERY {number:d}")

    def _connect(self) -> MysqlLine:
        """Connect, for reading only, with the time limit of the server as the last resort."""
        self._line = open_line(self._address, self.limit.batch_s, self._watchdog.watch)
        with closing(self._line.cursor()) as cursor:
            for statement in _SESSION:
                cursor.execute(statement.format(timeout_s=self.limit.batch_s))
            _limit_statements(cursor, self.limit.whole_s)
        return self._line


def _limit_statements(cursor: Cursor, whole_s: float) -> None:
    """Limit the time of each statement, by MySQL's variable or MariaDB's."""
    for statement in _LIMITS:
        try:
            cursor.execute(statement.format(whole_ms=whole_s * 1000, whole_s=whole_s))
            return
        except OperationalError as error:
            if error.args[0] != _UNKNOWN_VARIABLE:
                raise
    raise DatabaseDown("it has no time limit for statements; MySQL has one from 5.7.8 on, "
                       "MariaDB from 10.1 on")  # fmt: skip


def _unwatched(_fileno: int) -> None:
    """Watch nothing: the connection is for one short statement."""
