"""Databases of uses, for the tests of the database witness."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mariadb_server import mariadb_database
from tests.reference_services.databases import postgresql_databases
from tests.witnesses.database.queries import write
from tests.witnesses.database.shop_database import ShopDatabase


@pytest.fixture
def sqlite_shop(tmp_path: Path) -> ShopDatabase:
    """Make a SQLite database of uses, and a run that collects from it."""
    return ShopDatabase(tmp_path, f"sqlite:///{tmp_path}/shop.db")


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.long)])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ShopDatabase]:
    """Make a database of uses of each dialect, and a run that collects from it."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_shop")
        return
    with mariadb_database(request.getfixturevalue("mariadb")) as url:
        yield ShopDatabase(tmp_path, url)


@pytest.fixture(params=["sqlite", "postgresql", pytest.param("mariadb", marks=pytest.mark.long)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Name a database with a table of three uses."""
    rows = "INSERT INTO uses VALUES ('t1', 'tea'), ('t1', 'tea'), ('t2', NULL)"
    table = "CREATE TABLE uses (trace_id TEXT, kind TEXT)"
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path}/traced.db"
        write(address, table, rows)
        yield address
        return
    if request.param == "mariadb":
        with mariadb_database(request.getfixturevalue("mariadb")) as address:
            write(address, table, rows)
            yield address
        return
    with postgresql_databases(request.getfixturevalue("postgresql")) as databases:
        address = databases.url_of("cards")
        write(address, table, rows)
        yield address
