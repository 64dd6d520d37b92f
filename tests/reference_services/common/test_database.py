"""Tests of transactions, timestamps and readiness on both dialects."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, MetaData, String, Table, insert, select

from reference_services.common.database import Database, UtcDateTime, insert_if_new
from tests.reference_services.databases import Databases

MOMENT = datetime(2026, 7, 1, 12, 30, 0, 250_000, tzinfo=UTC)
tables = MetaData()
visits = Table(
    "visits",
    tables,
    Column("name", String(20), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """Open the database of Cards, with one empty table."""
    opened = Database(databases.url_of("cards"), connections=2)
    with opened.write_transaction() as connection:
        tables.create_all(connection)
    yield opened
    opened.close()


def names(database: Database) -> list[str]:
    with database.read_transaction() as connection:
        return list(connection.scalars(select(visits.c.name).order_by(visits.c.name)))


def test_a_write_transaction_that_raises_leaves_no_row(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write_transaction() as connection:
        connection.execute(insert(visits), {"name": "ada", "at": MOMENT})
        raise ZeroDivisionError
    assert names(database) == []


def test_a_timestamp_comes_back_in_utc_whatever_zone_it_was_written_in(database: Database) -> None:
    local = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    with database.write_transaction() as connection:
        connection.execute(insert(visits), {"name": "ada", "at": MOMENT})
    with database.read_transaction() as connection:
        read = connection.scalar(select(visits.c.at))
    assert read == MOMENT == local
    assert read is not None
    assert read.utcoffset() == timedelta(0)


def test_insert_if_new_skips_an_existing_key_and_returns_the_inserted_one(
    database: Database,
) -> None:
    rows = [{"name": "ada", "at": MOMENT}, {"name": "bob", "at": MOMENT}]
    with database.write_transaction() as connection:
        statement = insert_if_new(connection.dialect.name, visits.c.name)
        assert [str(connection.execute(statement, row).scalar_one()) for row in rows] == [
            "ada",
            "bob",
        ]
        assert connection.execute(statement, rows[0]).first() is None
    assert names(database) == ["ada", "bob"]


def test_a_database_that_responds_is_reachable(database: Database) -> None:
    assert database.is_reachable()


def test_a_database_whose_folder_is_missing_is_not_reachable() -> None:
    assert not Database("sqlite:////no/such/folder/cards.db").is_reachable()


def test_an_error_of_a_statement_does_not_show_its_parameters(database: Database) -> None:
    row = {"name": "hunter2", "at": MOMENT}
    with database.write_transaction() as connection:
        connection.execute(insert(visits), row)
    with pytest.raises(Exception, match="hidden") as raised, database.write_transaction() as again:
        again.execute(insert(visits), row)
    assert "hunter2" not in str(raised.value).partition("[SQL:")[2]
