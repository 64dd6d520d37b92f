"""Attempts to make the database witness write, wait for ever, or leak a password."""

import time

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tests.reference_services.databases import read_rows
from tests.witnesses.database.queries import COUNTED, endless, query_shop
from witnesses.database.collector import rows_of_query
from witnesses.database.dialect import DatabaseDown, QueryRefused


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO uses VALUES ('t3', 'tea')",
        "DELETE FROM uses",
        "UPDATE uses SET kind = 'x'",
        "DROP TABLE uses",
        "CREATE TABLE more (n INT)",
    ],
)
def test_a_statement_that_writes_is_refused_and_changes_nothing(url: str, query: str) -> None:
    with pytest.raises(DatabaseDown, match=r"read.?only|syntax error|SQL syntax"):
        query_shop(url, query)
    assert read_rows(url, COUNTED) == [(3,)]


def test_an_endless_query_is_ended_with_its_reason(url: str) -> None:
    began_at = time.monotonic()
    with pytest.raises(DatabaseDown, match="its query took longer than 1 s"):
        list(rows_of_query("shop", endless(url), {"shop": url}, "acme", 100, timeout_s=1))
    assert time.monotonic() - began_at < 5


def test_a_locked_table_is_waited_for_within_a_bound(url: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    lock = {"sqlite": "BEGIN EXCLUSIVE", "mysql": "LOCK TABLE uses WRITE"}.get(
        url.partition(":")[0].partition("+")[0], "LOCK TABLE uses"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(lock)
        with pytest.raises(DatabaseDown, match=r"database is locked|took longer than 1 s"):
            list(rows_of_query("shop", COUNTED, {"shop": url}, "acme", 9, timeout_s=1))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql://ada:hunter2@127.0.0.1:port/shop", "not a database URL"),
        ("postgresql://ada:hun@ter2@127.0.0.1:1/shop", "in a password, write @ as %40"),
        ("postgresql://ada:hun@ter2/x@127.0.0.1:1/shop", "in a password, write @ as %40"),
        ("postgresql://ada:hunter2@127.0.0.1:99999/shop", "invalid port number"),
        ("postgresql://ada:hunter2@127.0.0.1:1/shop", "Connection refused"),
        ("postgres://ada:hunter2@127.0.0.1:1/shop?nosuch=hunter2", "invalid connection option"),
        ("mysql://ada:hunter2@127.0.0.1:port/shop", "not a database URL"),
        ("mysql://ada:hun@ter2@127.0.0.1:1/shop", "in a password, write @ as %40"),
        ("mysql://ada:hun@ter2/x@127.0.0.1:1/shop", "in a password, write @ as %40"),
        ("mariadb://ada:hunter2@127.0.0.1:99999/shop", "invalid port number"),
        ("mysql+pymysql://ada:hunter2@127.0.0.1:1/shop", "Connection refused"),
        ("mysql://ada:hunter2@127.0.0.1:1/shop?passwd=hunter2", "has the parameter 'passwd'"),
        ("mssql://ada:hunter2@127.0.0.1:1/shop", "not a database URL"),
        ("sqlite://", "names no file"),
        ("sqlite:////", "names a folder"),
        ("sqlite:////nowhere/shop.db", "there is no file /nowhere/shop.db"),
    ],
)
def test_an_address_that_leads_nowhere_is_reported_without_its_password(
    address: str, reason: str
) -> None:
    with pytest.raises(DatabaseDown, match=reason) as refused:
        query_shop(address, COUNTED)
    assert "hun" not in str(refused.value)
    assert "ter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT count(*) FROM usess", "usess"),
        ("SELECT kindd FROM uses", "kindd"),
        ("SELECT count(* FROM uses", "syntax error|SQL syntax"),
        ("SELECT nosuch(kind) FROM uses", "nosuch"),
        ("DELETE FROM uses", "DELETE|more than read"),
    ],
)
def test_a_database_that_refuses_a_query_is_up_and_says_why(
    url: str, query: str, words: str
) -> None:
    with pytest.raises(QueryRefused, match=words):
        query_shop(url, query)


def test_a_query_that_takes_too_long_is_not_refused(url: str) -> None:
    with pytest.raises(DatabaseDown) as down:
        list(rows_of_query("shop", endless(url), {"shop": url}, "acme", 100, timeout_s=1))
    assert not isinstance(down.value, QueryRefused)


@pytest.mark.parametrize(
    "address", ["sqlite:////nowhere/shop.db", "postgresql://me:secret@127.0.0.1:1/shop"]
)
def test_a_database_that_is_not_there_refuses_nothing(address: str) -> None:
    with pytest.raises(DatabaseDown) as down:
        query_shop(address, "SELECT 1")
    assert not isinstance(down.value, QueryRefused)
