"""Attempts to make the witness of a real PostgreSQL write, or wait for ever."""

import os
import signal
import socket
from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from tests.reference_services.databases import postgresql_databases, read_rows
from tests.witnesses.database.queries import COUNTED, query_shop, write
from witnesses.database.collector import rows_of_query
from witnesses.database.dialect import DatabaseDown
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


def test_options_of_the_address_stay_beside_ours(postgresql: URL) -> None:
    with postgresql_databases(postgresql) as databases:
        url = databases.url_of("cards") + "&options=-c%20search_path%3Delsewhere"
        url = url if "?" in url else url.replace("&", "?", 1)
        asked = "SELECT current_setting('search_path'), current_setting('transaction_read_only')"
        assert query_shop(url, asked) == [["elsewhere", "on"]]


def test_a_wrong_password_is_reported_and_not_repeated(postgresql: URL) -> None:
    wrong = postgresql.set(username="nobody", password="hunter2").render_as_string(
        hide_password=False
    )
    with pytest.raises(DatabaseDown) as refused:
        query_shop(wrong, COUNTED)
    assert "hunter2" not in str(refused.value)
