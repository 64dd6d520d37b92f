"""Values of MySQL and MariaDB as label values and counts; those of MariaDB from a real server."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymysql.constants import FIELD_TYPE
from sqlalchemy import URL

from tests.mariadb_server import mariadb_database
from tests.witnesses.counted_quantities import counted
from tests.witnesses.database.orders import increases, orders_by_trace_id
from tests.witnesses.database.queries import query_shop, write
from witnesses.database.dialect import QueryRefused
from witnesses.database.mysql_values import converters_of
from witnesses.figure import Figure

MOST = 18446744073709551615


def _converted(kind: int, width: int, value: Any) -> Any:
    converters = converters_of([("label", kind, None, width), ("n", FIELD_TYPE.LONGLONG, None, 21)])
    return converters[0](value) if 0 in converters else value


@pytest.mark.parametrize(
    ("kind", "width", "value", "expected"),
    [
        (FIELD_TYPE.TINY, 1, 1, True),
        (FIELD_TYPE.TINY, 1, 0, False),
        (FIELD_TYPE.TINY, 1, 2, 2),
        (FIELD_TYPE.TINY, 1, None, None),
        (FIELD_TYPE.TINY, 4, 1, 1),
        (FIELD_TYPE.LONGLONG, 1, 1, 1),
        (FIELD_TYPE.BIT, 1, b"\x01", True),
        (FIELD_TYPE.BIT, 1, b"\x00", False),
        (FIELD_TYPE.BIT, 16, b"\x01\x02", 258),
        (FIELD_TYPE.BIT, 8, None, None),
        (FIELD_TYPE.STRING, 32, "ab  ", "ab"),
        (FIELD_TYPE.STRING, 16, b"ab  ", b"ab  "),
        (FIELD_TYPE.VAR_STRING, 32, "ab  ", "ab  "),
        (FIELD_TYPE.TIMESTAMP, 19, datetime(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC)),
        (FIELD_TYPE.TIMESTAMP, 19, "0000-00-00 00:00:00", "0000-00-00 00:00:00"),
        (FIELD_TYPE.DATETIME, 19, datetime(2026, 1, 2), datetime(2026, 1, 2)),
        (FIELD_TYPE.TIME, 10, timedelta(hours=12.5), time(12, 30)),
        (FIELD_TYPE.TIME, 10, timedelta(days=1), timedelta(days=1)),
        (FIELD_TYPE.TIME, 10, timedelta(seconds=-1), timedelta(seconds=-1)),
        (FIELD_TYPE.JSON, 99, '{"k": true}', {"k": True}),
    ],
)
def test_a_value_is_converted_by_its_type_and_width(
    kind: int, width: int, value: Any, expected: Any
) -> None:
    converted = _converted(kind, width, value)
    assert (converted, type(converted)) == (expected, type(expected))


def test_the_amount_is_no_boolean() -> None:
    assert converters_of([("n", FIELD_TYPE.TINY, None, 1)]) == {}


TABLE = (
    "CREATE TABLE orders (trace_id char(40), ok boolean, small tinyint, qty double, part float, "
    "price decimal(12, 2), code char(8), kind enum('book', 'food'), tags set('a', 'b'), day date, "
    "at timestamp, local datetime(1), opens time, y year, ref uuid, doc json, note text, "
    "short varchar(9), big bigint unsigned, flag bit(1), flags bit(8), name varchar(9) "
    "CHARACTER SET latin1, id binary(16))",
)
ORDER = (
    "INSERT INTO orders VALUES ('t-1', true, 1, 1.0, 0.5, 19.90, 'ab', 'book', 'a,b', "
    "'2026-01-02', FROM_UNIXTIME(1767315845), '2026-01-02 03:04:05.5', '12:30:00', 2026, "
    "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{\"k\":true}', '1.0 ', ' v ', "
    f"{MOST}, b'1', b'101', 'é', x'A0EEBC999C0B4EF8BB6D6BB9BD380A11')".replace(":", "\\:"),
)
LABELS = {
    "ok": "true",
    "small": "1",
    "qty": "1",
    "part": "0.5",
    "price": "19.9",
    "code": "ab",
    "kind": "book",
    "tags": "a,b",
    "day": "2026-01-02",
    "at": "2026-01-02T01:04:05Z",
    "local": "2026-01-02T03:04:05.500000",
    "opens": "12:30:00",
    "y": "2026",
    "ref": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "doc": '{"k":true}',
    "note": "1.0 ",
    "short": " v ",
    "big": str(MOST),
    "flag": "true",
    "flags": "5",
    "name": "é",
    "lower(hex(id))": "a0eebc999c0b4ef8bb6d6bb9bd380a11",
    "NULL": "",
    "(SELECT avg(qty) FROM orders)": "1",
    "(SELECT avg(price) FROM orders)": "19.9",
    "IF(price > 20, 'true', 'false')": "false",
    "extract(year FROM day)": "2026",
    "date_format(at, '%H:%i')": "01:04",
}


@pytest.mark.long
def test_every_type_of_mariadb_is_the_label_that_a_service_writes(
    mariadb: URL, tmp_path: Path
) -> None:
    quantities = [
        counted(f"q{number}", by=["value"], database={"shop": (
            f"SELECT {column} AS value, count(*) FROM orders GROUP BY 1"
        )})
        for number, column in enumerate(LABELS)
    ]  # fmt: skip
    with mariadb_database(mariadb) as url:
        write(url, *TABLE)
        found = increases(url, quantities, tmp_path, ORDER)
    assert [dict(each.by_labels) for each in found] == [
        {(label,): Figure.exact(1.0)} for label in LABELS.values()
    ]


@pytest.mark.long
@pytest.mark.parametrize(
    ("count", "increase"),
    [
        ("sum(big)", MOST),
        ("sum(qty)", 1),
        ("sum(price)", 19.9),
        ("cast(count(*) AS decimal(9, 2))", 1),
        ("sum(part)", 0.5),
        ("sum(flag)", 1),
        ("count(*) > 1", 1),
    ],
)
def test_a_count_of_every_type_of_mariadb_is_exact(
    mariadb: URL, tmp_path: Path, count: str, increase: float
) -> None:
    quantity = counted(database={"shop": f"SELECT {count} FROM orders"})
    with mariadb_database(mariadb) as url:
        write(url, *TABLE, *ORDER)
        (figures,) = increases(url, [quantity], tmp_path, ORDER)
    assert figures.at(()) == Figure.exact(increase)


@pytest.mark.long
def test_rows_by_trace_id_of_mariadb_have_the_same_labels(mariadb: URL, tmp_path: Path) -> None:
    with mariadb_database(mariadb) as url:
        write(url, *TABLE, *ORDER)
        rows = orders_by_trace_id(url, tmp_path)
    assert rows == [("t-1", ("true", "1", "19.9", "ab"), 1)]


@pytest.mark.long
def test_bytes_of_mariadb_are_refused_with_the_remedy(mariadb: URL) -> None:
    with (
        mariadb_database(mariadb) as url,
        pytest.raises(QueryRefused, match="neither a label nor a count; convert them to text"),
    ):
        query_shop(url, "SELECT CAST('tea' AS binary(16)), 1")


@pytest.mark.long
def test_a_group_by_merges_labels_that_the_collation_takes_for_equal(mariadb: URL) -> None:
    """As the documentation warns; its remedy is the collation in the query."""
    with mariadb_database(mariadb) as url:
        write(url, "CREATE TABLE uses (kind text)", "INSERT INTO uses VALUES ('tea'), ('Tea')")
        assert len(query_shop(url, "SELECT kind, count(*) FROM uses GROUP BY kind")) == 1
        exact = "SELECT kind, count(*) FROM uses GROUP BY kind COLLATE utf8mb4_bin"
        assert sorted(query_shop(url, exact)) == [["Tea", 1], ["tea", 1]]
