"""Attempts to make the database witness write, wait for ever, or leak a password."""

import os
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine
from sqlalchemy.pool import NullPool

from tests.reference_services.databases import postgresql_databases, read_rows
from tests.witnesses.database.queries import COUNTED, endless, query_shop, write
from tests.witnesses.database.shop_database import ShopDatabase
from witnesses.database.collector import rows_of_query
from witnesses.database.dialect import DatabaseDown, QueryRefused
from witnesses.database.read_only import asking


@pytest.fixture(scope="module")
def deletable(postgresql: URL) -> Iterator[str]:
    """Name a PostgreSQL database with one use, and what changes it if it is asked."""
    with postgresql_databases(postgresql) as databases:
        address = databases.url_of("cards")
        deleting = "CREATE FUNCTION deleting() RETURNS int LANGUAGE plpgsql AS "
        write(
            address,
            "CREATE TABLE uses (kind TEXT)",
            "INSERT INTO uses VALUES ('tea')",
            "CREATE SEQUENCE numbers",
            deleting + "$$ BEGIN DELETE FROM uses; RETURN 1; END $$",
        )
        yield address


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


@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (DELETE FROM uses RETURNING 1) SELECT count(*) FROM gone",
        "SELECT set_config('default_transaction_read_only', 'off', false), "
        "set_config('transaction_read_only', 'off', false); DELETE FROM uses",
        "SELECT nextval('numbers')",
    ],
)
def test_a_query_that_hides_a_write_changes_nothing_in_postgresql(
    deletable: str, query: str
) -> None:
    with pytest.raises(DatabaseDown):
        query_shop(deletable, query)
    assert read_rows(deletable, COUNTED) == [(1,)]
    assert read_rows(deletable, "SELECT is_called FROM numbers") == [(False,)]


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH '{folder}/more.db' AS more",
        "VACUUM INTO '{folder}/more.db'",
        "PRAGMA query_only = OFF",
        "SELECT 1; DELETE FROM uses",
        "BEGIN IMMEDIATE",
        "SELECT load_extension('more')",
    ],
)
def test_sqlite_refuses_whatever_is_no_select(tmp_path: Path, query: str) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE uses (kind TEXT)")
    with pytest.raises(DatabaseDown, match=r"does more than read|one statement at a time"):
        query_shop(f"sqlite:///{path}", query.format(folder=tmp_path))
    assert [each.name for each in tmp_path.iterdir()] == ["shop.db"]


@pytest.mark.parametrize(
    "query",
    [
        "SET default_transaction_read_only = off",
        "SET TRANSACTION READ WRITE; DELETE FROM uses; COMMIT",
        "COMMIT; DELETE FROM uses",
        "SELECT E'\\''; COMMIT; BEGIN READ WRITE; DELETE FROM uses; COMMIT; SELECT ''",
        "SELECT deleting()",
        "SELECT lo_create(0)",
    ],
)
def test_no_statement_leaves_the_read_only_transaction_of_postgresql(
    deletable: str, query: str
) -> None:
    with pytest.raises(DatabaseDown):
        query_shop(deletable, query)
    assert read_rows(deletable, COUNTED) == [(1,)]


def test_an_endless_query_is_ended_with_its_reason(url: str) -> None:
    began_at = time.monotonic()
    with pytest.raises(DatabaseDown, match="its query took longer than 1 s"):
        list(rows_of_query("shop", endless(url), {"shop": url}, "acme", 100, timeout_s=1))
    assert time.monotonic() - began_at < 5


def test_a_sqlite_address_that_names_its_driver_can_be_read_and_not_written(
    sqlite_shop: ShopDatabase,
) -> None:
    url = sqlite_shop.url.replace("sqlite:", "sqlite+pysqlite:")
    with asking(url) as (connection, _):
        assert connection.exec_driver_sql("SELECT count(*) FROM uses").scalar() == 0
    with pytest.raises(DatabaseDown), asking(url) as (connection, _):
        connection.exec_driver_sql("DELETE FROM uses")


def test_a_postgres_that_nobody_runs_is_down() -> None:
    with (
        pytest.raises(DatabaseDown),
        asking("postgresql://nobody@127.0.0.1:1/shop") as (connection, _),
    ):
        connection.exec_driver_sql("SELECT 1")


def test_a_session_whose_default_was_switched_off_stays_read_only(deletable: str) -> None:
    """The server's option is one lock, and the transaction's own mode the other."""
    off = "SELECT set_config('default_transaction_read_only', 'off', false)"
    with (
        pytest.raises(DatabaseDown, match="cannot execute DELETE in a read-only transaction"),
        asking(deletable) as (connection, _),
    ):
        connection.exec_driver_sql(off).all()
        connection.commit()
        connection.exec_driver_sql("SELECT deleting()").all()
    assert read_rows(deletable, COUNTED) == [(1,)]


@pytest.mark.core
@pytest.mark.long
def test_a_server_that_stops_responding_in_the_middle_is_not_waited_for(postgresql: URL) -> None:
    """Its kernel still acknowledges what is sent: no timeout of the connection ever comes."""
    with postgresql_databases(postgresql) as databases:
        url = databases.url_of("cards")
        rows = rows_of_query("shop", "SELECT generate_series(1, 100000)", {"shop": url}, "acme",
                             200_000, timeout_s=1)  # fmt: skip
        next(rows)
        others = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()" \
                 " AND datname = current_database()"  # fmt: skip
        ((pid,),) = read_rows(url, others)
        os.kill(int(str(pid)), signal.SIGSTOP)
        try:
            with pytest.raises(DatabaseDown, match="its query took longer than 1 s"):
                list(rows)
        finally:
            os.kill(int(str(pid)), signal.SIGCONT)


@pytest.mark.long
def test_a_server_that_accepts_and_never_responds_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://ada:hunter2@127.0.0.1:{silent.getsockname()[1]}/shop"
        with pytest.raises(DatabaseDown, match="connection timeout expired"):
            list(rows_of_query("shop", COUNTED, {"shop": address}, "acme", 9, timeout_s=2))


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


def test_options_of_the_address_stay_beside_ours(postgresql: URL) -> None:
    with postgresql_databases(postgresql) as databases:
        url = databases.url_of("cards") + "&options=-c%20search_path%3Delsewhere"
        url = url if "?" in url else url.replace("&", "?", 1)
        asked = "SELECT current_setting('search_path'), current_setting('transaction_read_only')"
        assert query_shop(url, asked) == [["elsewhere", "on"]]


@pytest.mark.long
def test_a_query_that_goes_on_returning_rows_is_not_ended(tmp_path: Path) -> None:
    """The limit is on the wait for the next rows: evidence of a long run takes longer than that."""
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)" \
           " SELECT i FROM n"  # fmt: skip
    path = tmp_path / "shop.db"
    path.touch()
    url = f"sqlite:///{path}"
    began_at = time.monotonic()
    for number, _ in enumerate(
        rows_of_query("shop", many, {"shop": url}, "acme", 100_000, timeout_s=1), start=1
    ):
        if number % 20_000 == 0:
            # Not the database's slowness but the reader's.
            while time.monotonic() - began_at < 0.5 * number / 20_000:
                pass
    assert number == 60_000
    assert time.monotonic() - began_at > 1.0


def test_a_wrong_password_is_reported_and_not_repeated(postgresql: URL) -> None:
    wrong = postgresql.set(username="nobody", password="hunter2").render_as_string(
        hide_password=False
    )
    with pytest.raises(DatabaseDown) as refused:
        query_shop(wrong, COUNTED)
    assert "hunter2" not in str(refused.value)


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
