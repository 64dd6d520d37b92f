"""Hostile rows and queries of a real database are refused with one sentence."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.hostile.sentences import is_one_sentence
from tests.mariadb_server import mariadb_database
from tests.mysql_messages import GREETING, message
from tests.reference_services.databases import postgresql_databases
from tests.witnesses.database.queries import ENDLESS, ENDLESS_IN_MARIADB, write
from witnesses.database.collector import rows_of_query
from witnesses.database.dialect import DatabaseDown

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
_DEEP = "[" * 900 + "]" * 900
POSTGRESQL = {
    "a value of 100 MB": "SELECT repeat('x', 100000000), 1",
    "a value of 17 kB": "SELECT repeat('x', 17000), 1",
    "a number of 100,000 digits": "SELECT (10::numeric ^ 100000)::text, 1",
    "an array of a million": "SELECT array_fill(1, ARRAY[1000000]), 1",
    "JSON of 900 levels": f"SELECT '{_DEEP}'::json, 1",
    "JSON of 200 levels": f"SELECT '{'[' * 200 + ']' * 200}'::json, 1",
    "XML of 1 MB": "SELECT ('<a>' || repeat('x', 1000000) || '</a>')::text, 1",
    "bytes": "SELECT '\\x00'::bytea, 1",
    "many wide columns": "SELECT " + "repeat('x', 1000), " * 100 + "1",
    "a large value in the last of many rows": (
        "SELECT CASE WHEN i < 9999 THEN 'x' ELSE repeat('x', 20000) END, 1 "
        "FROM generate_series(1, 10000) AS i"
    ),
    "rows without end": f"{_NUMBERS}SELECT i, 1 FROM n",
    "large rows without end": f"{_NUMBERS}SELECT repeat('x', 9000), 1 FROM n",
    "a query without end": ENDLESS,
    "a query that sleeps": "SELECT pg_sleep(60)::text, 1",
    "rows that drip": "SELECT pg_sleep(0.2)::text, i FROM generate_series(1, 1000) AS i",
    "a comment at the end": "SELECT repeat('x', 17000), 1 -- a comment",
    "a semicolon at the end": "SELECT repeat('x', 17000), 1;",
    "values without a select": "VALUES (repeat('x', 17000), 1)",
    "a column named like the rows": "SELECT repeat('x', 17000) AS trial_balance_rows, 1",
}
SQLITE = {
    "a value of 100 MB": "SELECT hex(zeroblob(50000000)), 1",
    "a value of 17 kB": "SELECT hex(zeroblob(8500)), 1",
    "bytes": "SELECT zeroblob(10), 1",
    "rows without end": f"{_NUMBERS}SELECT i, 1 FROM n",
    "large rows without end": f"{_NUMBERS}SELECT hex(zeroblob(4500)), 1 FROM n",
    "a query without end": ENDLESS,
}
MARIADB = {
    "a value of 10 MB": "SELECT repeat('x', 10000000), 1",
    "a value of 17 kB": "SELECT repeat('x', 17000), 1",
    "bytes": "SELECT x'00', 1",
    "many wide columns": "SELECT " + "repeat('x', 1000), " * 100 + "1",
    "a large value in the last of many rows": (
        "SELECT IF(seq < 9999, 'x', repeat('x', 20000)), 1 FROM seq_1_to_10000"
    ),
    "rows without end": "SELECT seq, 1 FROM seq_1_to_1000000000",
    "large rows without end": "SELECT repeat('x', 9000), 1 FROM seq_1_to_1000000000",
    "a query without end": ENDLESS_IN_MARIADB,
    "a query that sleeps": "SELECT sleep(60), 1",
    "a query that computes": "SELECT benchmark(1000000000000, sha2('x', 512)), 1",
    "rows that drip": "SELECT sleep(0.2), seq FROM seq_1_to_1000",
    "a comment at the end": "SELECT repeat('x', 17000), 1 -- a comment",
    "a semicolon at the end": "SELECT repeat('x', 17000), 1;",
    "values without a select": "VALUES (repeat('x', 17000), 1)",
}
MAX_ROWS = 30_000


def _error(url: str, query: str) -> str:
    with pytest.raises(DatabaseDown) as raised:
        for _ in rows_of_query("shop", query, {"shop": url}, "acme", MAX_ROWS, 1, 2.0):
            pass
    return str(raised.value)


@pytest.fixture(scope="module")
def database(postgresql: URL) -> Iterator[str]:
    with postgresql_databases(postgresql) as databases:
        yield databases.url_of("cards")


@pytest.mark.parametrize("name", POSTGRESQL)
def test_postgresql_is_void_with_one_sentence(database: str, name: str) -> None:
    error = _error(database, POSTGRESQL[name])
    assert is_one_sentence(error), error


@pytest.mark.parametrize("name", SQLITE)
def test_sqlite_is_void_with_one_sentence(tmp_path: Path, name: str) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    write(url, "CREATE TABLE a (b)")
    error = _error(url, SQLITE[name])
    assert is_one_sentence(error), error


@pytest.mark.long
@pytest.mark.parametrize("name", MARIADB)
def test_mariadb_is_void_with_one_sentence(mariadb: URL, name: str) -> None:
    with mariadb_database(mariadb) as url:
        error = _error(url, MARIADB[name])
    assert is_one_sentence(error), error


@pytest.mark.long
def test_a_large_row_of_mariadb_is_named_as_such(mariadb: URL) -> None:
    with mariadb_database(mariadb) as url:
        assert _error(url, MARIADB["a value of 17 kB"]) == (
            "the database 'shop': its query returns a row of over 16,384 bytes"
        )


def test_a_large_row_is_named_as_such_in_both(database: str, tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()
    expected = "the database 'shop': its query returns a row of over 16,384 bytes"
    assert _error(database, POSTGRESQL["a value of 17 kB"]) == expected
    assert _error(f"sqlite:///{tmp_path}/shop.db", SQLITE["a value of 17 kB"]) == expected


def test_rows_that_arrive_do_not_prolong_a_query_without_end(database: str) -> None:
    query = "SELECT pg_sleep(0.0002)::text, i FROM generate_series(1, 30000) AS i"
    # 1 s is the limit of one batch of rows, which a busy machine may need
    error = _error(database, query)
    assert error.removesuffix("1 s").removesuffix("2 s") == (
        "the database 'shop': its query took longer than "
    )


@contextmanager
def _responding(start: bytes) -> Iterator[int]:
    """Run a server that responds to every connection with the same bytes; yield its port."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def respond() -> None:
            while not over.is_set():
                connection, _ = listener.accept()
                kept.append(connection)
                connection.sendall(start)

        kept: list[socket.socket] = []
        thread = threading.Thread(target=respond)
        thread.start()
        port = listener.getsockname()[1]
        yield port
        over.set()
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()
        for connection in kept:
            connection.close()


@pytest.mark.parametrize(
    "start",
    [b"", b"x" * 1000, b"N", b"R\x00\x00\x00\x08\x00\x00\x00\x00", b"R\x7f\xff\xff\xff",
     json.dumps({"a": 1}).encode(), b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    ids=["silence", "noise", "no TLS", "a start that ends", "a huge message", "JSON", "HTTP"],
)  # fmt: skip
def test_a_server_that_is_no_postgresql_is_down_with_one_sentence(start: bytes) -> None:
    with _responding(start) as port:
        error = _error(f"postgresql://a:b@127.0.0.1:{port}/c", "SELECT 'a', 1")
    assert is_one_sentence(error), error


@pytest.mark.parametrize(
    "start",
    {
        "silence": b"",
        "noise": b"x" * 1000,
        "a message of 16 MB": b"\xff\xff\xff\x00",
        "an empty greeting": message(0, b""),
        "a short greeting": message(0, b"\n10.11"),
        "a greeting of noise": message(0, b"\n" + b"\xff" * 60),
        "an error": message(0, b"\xff\x10\x04#08004Too many connections"),
        "a short error": message(0, b"\xff\x10"),
        "a greeting, then silence": message(0, GREETING),
        "a greeting, then noise": message(0, GREETING) + message(2, b"\x55\x55"),
        "another way to log in": message(0, GREETING) + message(2, b"\xfenosuch\x00salt\x00"),
        "a request for a file": (
            message(0, GREETING) + message(2, b"\x00\x00\x00\x02\x00\x00\x00")
            + message(1, b"\xfb/etc/passwd") * 9
        ),
        "JSON": json.dumps({"a": 1}).encode(),
        "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    }.items(),
    ids=lambda each: each[0],
)  # fmt: skip
def test_a_server_that_is_no_mysql_is_down_with_one_sentence(start: tuple[str, bytes]) -> None:
    with _responding(start[1]) as port:
        error = _error(f"mysql://ada:hunter2@127.0.0.1:{port}/c", "SELECT 'a', 1")
    assert is_one_sentence(error), error
    assert "hunter2" not in error
