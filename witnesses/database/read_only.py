"""Query a database without writing to it, and without waiting for it without bound."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from config.extras import missing_driver
from witnesses.database.dialect import DatabaseDown, Session
from witnesses.database.postgresql import PostgresqlSession
from witnesses.database.sqlite import SqliteSession
from witnesses.database.time_limit import TimeLimit

TIMEOUT_S = 5
# Rows that arrive restart the time limit, but a query with all its rows ends within this.
WHOLE_S = 60

_UNUSABLE = "its address is not a database URL that can be used here"


@contextmanager
def asking(
    url: str, timeout_s: int = TIMEOUT_S, whole_s: float = WHOLE_S
) -> Iterator[tuple[Connection, Session]]:
    """Connect read-only, and wait for nothing longer than `timeout_s`, nor `whole_s` in all.

    Raises DatabaseDown.
    """
    if missing := missing_driver(url):
        raise DatabaseDown(missing)
    session = _session(url, timeout_s, whole_s)
    engine = session.engine()
    try:
        with engine.connect() as connection:
            yield session.restrain(connection), session
    except RecursionError:
        raise  # of a value that is nested too deep, not of a malformed message
    except SQLAlchemyError as error:
        raise session.failure(error) from error
    except session.malformed as error:
        raise session.failure(error) from error
    finally:
        session.close()
        engine.dispose()


def _session(url: str, timeout_s: int, whole_s: float) -> Session:
    """Return a session of an address's dialect, not yet connected. Raises DatabaseDown."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise DatabaseDown(_UNUSABLE) from error
    dialect = _dialects().get(address.get_backend_name())
    if dialect is None:
        raise DatabaseDown(_UNUSABLE)
    return dialect(address, TimeLimit(timeout_s, whole_s, dialect.grace_s))


def _dialects() -> dict[str, type[Session]]:
    """Return the dialect of each scheme; that of MySQL only where its driver is installed."""
    dialects: list[type[Session]] = [PostgresqlSession, SqliteSession]
    with suppress(ModuleNotFoundError):
        from witnesses.database.mysql import MysqlSession  # which imports the driver

        dialects.append(MysqlSession)
    return {scheme: dialect for dialect in dialects for scheme in dialect.schemes}
