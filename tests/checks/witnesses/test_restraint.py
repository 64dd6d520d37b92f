"""Can the database witness be made to write, to wait for ever, or to eat the memory?"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.pool import NullPool

from checks.witnesses.database import DatabaseDown, rows_of_query
from checks.witnesses.traces import read_traces, take_traces
from scenarios.evidence import RunFolder
from scenarios.model import Quantity
from tests.reference_services.databases import postgresql_databases, postgresql_server, read_rows

COUNTED = "SELECT count(*) FROM uses"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    with postgresql_server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Name a database with a table of three uses."""
    rows = "INSERT INTO uses VALUES ('t1', 'tea'), ('t1', 'tea'), ('t2', NULL)"
    table = "CREATE TABLE uses (trace_id TEXT, kind TEXT)"
    if request.param == "sqlite":
        path = tmp_path / "shop.db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(table)
            connection.execute(rows)
        yield f"sqlite:///{path}"
        return
    with postgresql_databases(request.getfixturevalue("server")) as databases:
        address = databases.url_of("cards")
        _write(address, table, rows)
        yield address


def _write(address: str, *statements: str) -> None:
    engine = create_engine(address, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _ask(url: str, query: str, most: int = 100) -> list[list[object]]:
    return list(rows_of_query("shop", query, {"shop": url}, "acme", most))


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
    with pytest.raises(DatabaseDown, match=r"read.?only|syntax error"):
        _ask(url, query)
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
def test_a_question_that_hides_a_write_changes_nothing_in_postgresql(
    server: URL, query: str
) -> None:
    with postgresql_databases(server) as databases:
        url = databases.url_of("cards")
        _write(url, "CREATE TABLE uses (kind TEXT)", "INSERT INTO uses VALUES ('tea')",
               "CREATE SEQUENCE numbers")  # fmt: skip
        with pytest.raises(DatabaseDown):
            _ask(url, query)
        assert read_rows(url, COUNTED) == [(1,)]


def test_an_endless_query_is_ended_with_a_sentence(url: str) -> None:
    began_at = time.monotonic()
    with pytest.raises(DatabaseDown, match="its query took longer than 1 s"):
        list(rows_of_query("shop", ENDLESS, {"shop": url}, "acme", 100, timeout_s=1))
    assert time.monotonic() - began_at < 5


def test_more_rows_than_fit_are_refused(url: str) -> None:
    with pytest.raises(DatabaseDown, match="its query gives more than 2 rows"):
        _ask(url, "SELECT kind FROM uses", most=2)


def test_rows_come_whole_and_in_batches(url: str) -> None:
    many = (
        "SELECT a.kind FROM uses a, uses b, uses c, uses d, uses e, uses f, uses g, uses h, uses i"
    )
    assert len(_ask(url, many, most=20_000)) == 3**9


def test_a_wrong_password_is_told_and_not_repeated(server: URL) -> None:
    wrong = server.set(username="nobody", password="hunter2").render_as_string(hide_password=False)
    with pytest.raises(DatabaseDown) as refused:
        _ask(wrong, COUNTED)
    assert "hunter2" not in str(refused.value)


def test_the_rows_of_each_request_are_taken_and_found_again(url: str, tmp_path: Path) -> None:
    query = "SELECT trace_id, kind, count(*) FROM uses GROUP BY trace_id, kind"
    quantity = Quantity(by=["kind"], traces={"shop": query})
    folder = RunFolder(tmp_path / "run")
    take_traces({"uses": quantity}, {"shop": url}, "acme", folder)
    traces = read_traces(folder)
    assert traces.knows("uses")
    assert traces.find("uses", {"t1", "t2", "t9"}) == {("tea",): {"t1": 2}, ("",): {"t2": 1}}


def test_rows_that_cannot_be_taken_are_not_known(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    quantity = Quantity(by=["kind"], traces={"shop": "SELECT 1"})
    take_traces({"uses": quantity}, {}, "acme", folder)
    assert not read_traces(folder).knows("uses")
    assert read_traces(folder).troubles["uses"] == "the environment names no database 'shop'"
