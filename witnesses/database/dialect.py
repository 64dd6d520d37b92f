"""What a SQL dialect provides, so that its databases are read, not written, and not waited for."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Engine

from witnesses.database.time_limit import TimeLimit, Watchdog

# How many rows are fetched at once: of the largest rows, 33 MB.
BATCH = 2_000
MAX_ROW_BYTES = 16_384

# What turns the value of a column into the one to keep, by its index.
Converters = Mapping[int, Callable[[Any], Any]]


class DatabaseDown(Exception):
    """The database gave no usable result; the message is the reason."""


class QueryRefused(DatabaseDown):
    """The database is up, and refuses the query: a mistake in it, or a missing table or right."""


class Session(ABC):
    """One connection that can only be read, and the time until which it is waited for.

    `schemes` are those of the URLs. `grace_s` is what a server gets to end a statement by itself.
    `malformed` are the errors with which the driver responds to messages that it cannot read.
    """

    schemes: ClassVar[tuple[str, ...]]
    grace_s: ClassVar[float] = 0.0
    malformed: ClassVar[tuple[type[Exception], ...]] = ()

    def __init__(self, address: URL, limit: TimeLimit) -> None:
        """Connect to nothing yet."""
        self._address = address
        self.limit = limit
        self._watchdog = Watchdog(limit, self.after_cut)

    @abstractmethod
    def engine(self) -> Engine:
        """Return an engine for one connection. Raises DatabaseDown for an unusable address."""

    @abstractmethod
    def restrain(self, connection: Connection) -> Connection:
        """Make the connection refuse whatever does more than read."""

    @abstractmethod
    def statement(self, query: str) -> str:
        """Return a query as it is sent: one that fails at a row of over MAX_ROW_BYTES.

        Raises QueryRefused for one that does more than read.
        """

    @abstractmethod
    def failure(self, error: Exception) -> DatabaseDown:
        """Return the error to raise: QueryRefused only if the database itself refused the query."""

    def converters(self, columns: Sequence[Sequence[Any]]) -> Converters:
        """Return how values become those that services write, given a cursor's description."""
        return {}

    def excess_rights(self, connection: Connection) -> str:
        """Return what the role may do beyond reading, each part with a semicolon before it."""
        return ""

    def after_cut(self) -> None:
        """Do what is left to do once the connection was cut, since the time limit had passed."""
        return

    def close(self) -> None:
        """Stop watching the time."""
        self._watchdog.close()


def refuse_at_sign(address: URL) -> None:
    """Raise DatabaseDown for an address whose password has an @, : or / that is not encoded.

    What follows would be a part of the password, and the driver would report it.
    """
    if "@" in f"{address.host}{address.database}":
        raise DatabaseDown("its address is not a database URL: in a password, "
                           "write @ as %40, : as %3A and / as %2F")  # fmt: skip


def too_slow(limit: TimeLimit) -> DatabaseDown:
    """Return the error of a query that took too long."""
    return DatabaseDown(f"its query took longer than {limit.passed_s:g} s")


def row_too_large() -> QueryRefused:
    """Return the error of a row that is too large."""
    return QueryRefused(f"its query returns a row of over {MAX_ROW_BYTES:,} bytes")


def does_more_than_read(what: str = "") -> QueryRefused:
    """Return the error of a query that does more than read: `what`, if it is known."""
    reason = "it is read-only, and its query does more than read"
    return QueryRefused(f"{reason}: {what}" if what else reason)


def reason_of(error: Exception) -> str:
    """Return the first line of an error's message."""
    line = (str(getattr(error, "orig", None) or error).splitlines() or [""])[0]
    return line.partition(" (Background on")[0] or type(error).__name__
