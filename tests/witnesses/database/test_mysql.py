"""Attempts to make the witness of a real MariaDB write, wait for ever, or misjudge an error."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from sqlalchemy import URL, make_url
from sqlalchemy.exc import DBAPIError

from tests.mariadb_server import administer, mariadb_database
from tests.reference_services.databases import read_rows
from tests.witnesses.database.queries import COUNTED, ENDLESS_IN_MARIADB, query_shop, write
from witnesses.database.collector import rows_of_query
from witnesses.database.dialect import DatabaseDown, QueryRefused
from witnesses.database.mysql import MysqlSession
from witnesses.database.mysql_line import PacketTooLarge
from witnesses.database.read_only import asking
from witnesses.database.time_limit import TimeLimit

DELETES = "BEGIN DELETE FROM uses; RETURN 1; END"
OUTFILE = "SELECT 1 INTO OUTFILE '{folder}/more'"


def _error(code: int, sqlstate: str, words: str = "no") -> DBAPIError:
    original = pymysql.err.OperationalError(code, words, sqlstate=sqlstate)
    return DBAPIError("SELECT 1", {}, original)


def _session() -> MysqlSession:
    return MysqlSession(make_url("mysql://ada@127.0.0.1:1/shop"), TimeLimit(5, 60))


@pytest.mark.parametrize("code", [1969, 3024, 1205])
def test_a_statement_that_the_server_ended_took_too_long(code: int) -> None:
    failure = _session().failure(_error(code, "70100"))
    assert str(failure) == "its query took longer than 5 s"
    assert not isinstance(failure, QueryRefused)


@pytest.mark.parametrize(
    ("code", "state"), [(1045, "28000"), (1044, "42000"), (1049, "42000"), (1040, "08004")]
)
def test_an_error_of_the_login_refuses_no_query(code: int, state: str) -> None:
    failure = _session().failure(_error(code, state))
    assert (type(failure), str(failure)) == (DatabaseDown, "no")


@pytest.mark.long
@pytest.mark.parametrize(
    ("code", "state", "kind"),
    [
        (1064, "42000", QueryRefused),
        (1146, "42S02", QueryRefused),
        (1142, "42000", QueryRefused),
        (1792, "25006", QueryRefused),
        (1242, "21000", QueryRefused),
        (1690, "22003", QueryRefused),
        (1267, "HY000", QueryRefused),
        (1290, "HY000", QueryRefused),
        (1203, "42000", DatabaseDown),
        (1226, "42000", DatabaseDown),
        (1040, "08004", DatabaseDown),
        (1213, "40001", DatabaseDown),
        (1030, "HY000", DatabaseDown),
        (1317, "70100", DatabaseDown),
        (2013, "HY000", DatabaseDown),
    ],
)
def test_errors_are_sorted_by_code_and_state(
    mariadb: URL, code: int, state: str, kind: type[DatabaseDown]
) -> None:
    with asking(mariadb.set(query={}).render_as_string(hide_password=False)) as (_, session):
        assert type(session.failure(_error(code, state))) is kind


def test_a_large_message_of_a_login_is_no_row() -> None:
    large = DBAPIError("SELECT 1", {}, PacketTooLarge(0, "a message of 99,999 bytes"))
    assert str(_session().failure(large)) == "it does not respond as MySQL and MariaDB do"


@pytest.fixture(scope="module")
def shop(mariadb: URL) -> Iterator[str]:
    """Name a database with one use, and what changes it if it is asked."""
    with mariadb_database(mariadb) as url:
        folder = Path(str(mariadb.query["unix_socket"])).parent
        write(
            url,
            "CREATE TABLE uses (kind TEXT)",
            "INSERT INTO uses VALUES ('tea')",
            "CREATE TABLE old (kind INT) ENGINE=MyISAM",
            "CREATE SEQUENCE numbers",
            f"CREATE FUNCTION deleting() RETURNS int READS SQL DATA {DELETES}",
            f"CREATE FUNCTION honest() RETURNS int MODIFIES SQL DATA {DELETES}",
            "CREATE FUNCTION aging() RETURNS int READS SQL DATA "
            "BEGIN INSERT INTO old VALUES (1); RETURN 1; END",
            "CREATE FUNCTION numbering() RETURNS int READS SQL DATA RETURN NEXTVAL(numbers)",
            "CREATE FUNCTION filing() RETURNS int "
            f"BEGIN {OUTFILE.format(folder=folder)}; RETURN 1; END",
            "CREATE FUNCTION setting() RETURNS int BEGIN SET GLOBAL max_connections = 99; "
            "RETURN 1; END",
            "CREATE FUNCTION price() RETURNS int READS SQL DATA RETURN 7",
            "CREATE PROCEDURE clean() BEGIN COMMIT; DELETE FROM uses; END",
            "CREATE VIEW deleted AS SELECT deleting() AS n",
        )
        yield url


@pytest.mark.long
@pytest.mark.parametrize(
    "query",
    [
        "SELECT deleting()",
        "SELECT `deleting` ()",
        "SELECT * FROM deleted",
        "SELECT kind FROM uses WHERE deleting() = 1",
        "SELECT honest()",
        "SELECT aging()",
        "SELECT numbering()",
        "SELECT filing()",
        "SELECT setting()",
        "SELECT NEXTVAL(numbers)",
        "SELECT (NEXT VALUE FOR numbers)",
        "CALL clean()",
        "SELECT 1; DELETE FROM uses",
        "SELECT 1 /*! INTO OUTFILE '{folder}/more' */",
        "SELECT '\\' INTO OUTFILE ''{folder}/more' -- '",
        OUTFILE,
        f"({OUTFILE})",
        "SELECT 1 AS n UNION SELECT 2 INTO DUMPFILE '{folder}/more'",
        "SELECT LOAD_FILE('{folder}/server.log')",
        "SELECT * FROM uses FOR UPDATE",
        "SELECT GET_LOCK('a', 1)",
        "COMMIT",
        "SET @@session.tx_read_only = 0",
        "WITH x AS (SELECT 1) DELETE FROM uses",
    ],
)
def test_no_query_changes_the_database_its_server_or_its_files(
    mariadb: URL, shop: str, query: str
) -> None:
    folder = Path(str(mariadb.query["unix_socket"])).parent
    with pytest.raises(QueryRefused):
        query_shop(shop, query.replace("{folder}", str(folder)))
    assert read_rows(shop, COUNTED) == [(1,)]
    assert read_rows(shop, "SELECT count(*) FROM old") == [(0,)]
    assert read_rows(shop, "SELECT next_not_cached_value FROM numbers") == [(1,)]
    assert read_rows(shop, "SELECT @@global.max_connections <> 99") == [(1,)]
    assert not (folder / "more").exists()


@pytest.mark.long
def test_a_function_that_is_declared_to_read_is_called(shop: str) -> None:
    assert query_shop(shop, "SELECT price(), count(*) FROM uses") == [[7, 1]]


@pytest.mark.long
def test_a_function_that_is_not_declared_to_read_is_named(shop: str) -> None:
    name = make_url(shop).database
    with pytest.raises(QueryRefused, match=rf"the function {name}\.filing is not declared READS"):
        query_shop(shop, "SELECT filing()")


@pytest.mark.long
def test_a_session_whose_default_was_switched_off_stays_read_only(shop: str) -> None:
    with pytest.raises(DatabaseDown, match="READ ONLY transaction"), asking(shop) as (each, _):
        each.exec_driver_sql("SET SESSION TRANSACTION READ WRITE")
        each.exec_driver_sql("DELETE FROM uses")
    with pytest.raises(DatabaseDown, match="READ ONLY transaction"), asking(shop) as (each, _):
        each.exec_driver_sql("COMMIT")
        each.exec_driver_sql("DELETE FROM uses")
    assert read_rows(shop, COUNTED) == [(1,)]


@pytest.mark.long
def test_a_query_that_was_cut_off_is_ended_in_the_server(shop: str) -> None:
    with pytest.raises(DatabaseDown, match="its query took longer than 1 s"):
        list(rows_of_query("shop", ENDLESS_IN_MARIADB, {"shop": shop}, "acme", 9, timeout_s=1))
    going_on = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE :query"
    while read_rows(shop, going_on, query=f"{ENDLESS_IN_MARIADB}%") != [(0,)]:
        pass  # it is ended at once, and not only after the 60 s of the whole


@pytest.mark.long
def test_a_server_that_stops_in_the_middle_is_not_waited_for(mariadb: URL, shop: str) -> None:
    """Its kernel still acknowledges what is sent, also the connection that would end the query."""
    rows = rows_of_query("shop", "SELECT seq FROM seq_1_to_1000000000", {"shop": shop}, "acme",
                         10**9, timeout_s=1)  # fmt: skip
    next(rows)
    pid = int(Path(str(mariadb.query["unix_socket"])).with_name("pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(DatabaseDown, match="its query took longer than 1 s"):
            list(rows)
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.long
def test_the_server_itself_has_the_limit_of_the_whole(shop: str) -> None:
    with asking(shop, timeout_s=5, whole_s=7.5) as (connection, _):
        limit = connection.exec_driver_sql("SELECT @@session.max_statement_time").scalar()
    assert limit == 7.5


@pytest.mark.long
def test_a_reader_has_no_excess_rights_and_others_have(mariadb: URL, shop: str) -> None:
    address = make_url(shop).set(username="reader", password="hunter2")
    reader = "'reader'@'127.0.0.1'"
    administer(mariadb, f"CREATE USER {reader} IDENTIFIED BY 'hunter2'",
               f"GRANT SELECT ON {address.database}.* TO {reader}")  # fmt: skip
    try:
        assert _excess(address) == ""
        administer(mariadb, f"GRANT INSERT ON {address.database}.uses TO {reader}")
        assert _excess(address) == "; its role may write, too"
        administer(mariadb, f"GRANT FILE ON *.* TO {reader}")
        assert _excess(address) == (
            "; its role may write, too"
            "; its role may read and write files of the server, or administrate it"
        )
    finally:
        administer(mariadb, f"DROP USER {reader}")


def _excess(address: URL) -> str:
    with asking(address.render_as_string(hide_password=False)) as (connection, session):
        return session.excess_rights(connection)
