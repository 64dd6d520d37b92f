"""SQL values as label values and counts; those of PostgreSQL come from a real server."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL

from tests.reference_services.databases import postgresql_databases
from tests.witnesses.counted_quantities import counted
from tests.witnesses.database.orders import increases, orders_by_trace_id
from tests.witnesses.database.queries import write
from witnesses.database.values import count_of, encode_json, label_value, number_of
from witnesses.figure import Figure

BEYOND_FLOAT = 2**53 + 1


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (False, "false"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (Decimal("1E+3"), "1000"),
        (Decimal("100.00"), "100"),
        (Decimal("0.00"), "0"),
        (Decimal("12345678901234567890123456789012345.10"),
         "12345678901234567890123456789012345.1"),
        (100, "100"),
        (BEYOND_FLOAT, "9007199254740993"),
        ("19.90", "19.90"),
        (" ab ", " ab "),
        ("True", "True"),
        (["x1", "x2"], '["x1","x2"]'),
        ({"a": True}, '{"a":true}'),
    ],
)  # fmt: skip
def test_a_value_is_written_as_services_write_it(value: Any, label: str) -> None:
    assert label_value(value) == label


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3))
def test_a_number_keeps_its_value_as_a_label_and_on_disk(number: Decimal | int) -> None:
    stored = json.loads(encode_json([number]), parse_float=Decimal)[0]
    assert Decimal(label_value(stored)) == number


@pytest.mark.parametrize("value", [3, 3.0, Decimal(3), Decimal("3.00"), "3", "3.0"])
def test_a_count_of_any_type_is_the_same_count(value: Any) -> None:
    assert count_of(value) == 3
    assert number_of(count_of(value)) == 3.0


@pytest.mark.parametrize("value", [True, "many", "", [1], {"n": 1}, float("nan"), float("inf"),
                                   Decimal("Infinity"), Decimal("1e999999999")])  # fmt: skip
def test_what_is_no_number_is_no_count(value: Any) -> None:
    with pytest.raises(ValueError, match="is no count"):
        count_of(value)


def test_a_count_beyond_float_is_whole() -> None:
    assert number_of(Fraction(BEYOND_FLOAT)) == BEYOND_FLOAT
    assert isinstance(number_of(Fraction(3)), float)
    assert number_of(Fraction(1, 2)) == 0.5


TABLE = (
    "CREATE TYPE kind AS ENUM ('book', 'food')",
    "CREATE DOMAIN code AS char(8)",
    "CREATE TABLE orders (trace_id char(40), ok boolean, qty double precision, small real, "
    "price numeric(12, 2), code char(8), kind kind, day date, at timestamptz, local timestamp, "
    "ref uuid, tags text[], doc jsonb, note text, short varchar(9), big bigint)",
)
ORDER = (
    "INSERT INTO orders VALUES ('t-1', true, 1.0, 0.5, 19.90, 'ab', 'book', '2026-01-02', "
    "'2026-01-02 03:04:05+02', '2026-01-02 03:04:05.5', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', "
    "'{x1,x2}', jsonb_build_object('k', true), '1.0 ', ' v ', 9007199254740993)",
)
LABELS = {
    "ok": "true",
    "qty": "1",
    "small": "0.5",
    "price": "19.9",
    "code": "ab",
    "kind": "book",
    "day": "2026-01-02",
    "at": "2026-01-02T01:04:05Z",
    "local": "2026-01-02T03:04:05.500000",
    "ref": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "tags": '["x1","x2"]',
    "doc": '{"k":true}',
    "note": "1.0 ",
    "short": " v ",
    "NULL": "",
    "code::code": "ab",
    "(SELECT avg(qty) FROM orders)": "1",
    "(SELECT avg(price) FROM orders)": "19.9",
    "price > 20": "false",
    "extract(year FROM day)": "2026",
    "interval '90 minutes'": "PT1H30M",
    "interval '-1 day'": "-P1D",
}


def test_every_type_of_postgresql_is_the_label_that_a_service_writes(
    postgresql: URL, tmp_path: Path
) -> None:
    quantities = [
        counted(f"q{number}", by=["value"], database={"shop": (
            f"SELECT value, count(*) FROM (SELECT {column} AS value FROM orders) o GROUP BY 1"
        )})
        for number, column in enumerate(LABELS)
    ]  # fmt: skip
    with postgresql_databases(postgresql) as databases:
        url = databases.url_of("cards")
        write(url, *TABLE)
        found = increases(url, quantities, tmp_path, ORDER)
    assert [dict(each.by_labels) for each in found] == [
        {(label,): Figure.exact(1.0)} for label in LABELS.values()
    ]


@pytest.mark.parametrize(
    ("count", "increase"),
    [
        ("sum(big)", BEYOND_FLOAT),
        ("sum(qty)", 1),
        ("sum(price)", 19.9),
        ("count(*)::numeric(9, 2)", 1),
        ("sum(big) - 9007199254740992 * count(*)", 1),
        ("(9e15 * count(*))::float8", 9e15),
        ("sum(small)", 0.5),
    ],
)
def test_a_count_of_every_type_of_postgresql_is_exact(
    postgresql: URL, tmp_path: Path, count: str, increase: float
) -> None:
    """Before the run, there is one order: a sum of bigints beyond 2^53 already."""
    quantity = counted(database={"shop": f"SELECT {count} FROM orders"})
    with postgresql_databases(postgresql) as databases:
        url = databases.url_of("cards")
        write(url, *TABLE, *ORDER)
        (figures,) = increases(url, [quantity], tmp_path, ORDER)
    assert figures.at(()) == Figure.exact(increase)


def test_rows_by_trace_id_have_the_same_labels_and_no_padding(
    postgresql: URL, tmp_path: Path
) -> None:
    with postgresql_databases(postgresql) as databases:
        url = databases.url_of("cards")
        write(url, *TABLE, *ORDER)
        rows = orders_by_trace_id(url, tmp_path)
    assert rows == [("t-1", ("true", "1", "19.9", "ab"), 1)]
