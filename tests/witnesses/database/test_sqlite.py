"""Attempts to make the witness of a SQLite file write, or end a query too early."""

import time
from pathlib import Path

import pytest

from tests.witnesses.database.queries import query_shop, write
from tests.witnesses.database.shop_database import ShopDatabase
from witnesses.database.collector import rows_of_query
from witnesses.database.dialect import DatabaseDown
from witnesses.database.read_only import asking


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
    url = f"sqlite:///{tmp_path}/shop.db"
    write(url, "CREATE TABLE uses (kind TEXT)")
    with pytest.raises(DatabaseDown, match=r"does more than read|one statement at a time"):
        query_shop(url, query.format(folder=tmp_path))
    assert [each.name for each in tmp_path.iterdir()] == ["shop.db"]


def test_a_sqlite_address_that_names_its_driver_can_be_read_and_not_written(
    sqlite_shop: ShopDatabase,
) -> None:
    url = sqlite_shop.url.replace("sqlite:", "sqlite+pysqlite:")
    with asking(url) as (connection, _):
        assert connection.exec_driver_sql("SELECT count(*) FROM uses").scalar() == 0
    with pytest.raises(DatabaseDown), asking(url) as (connection, _):
        connection.exec_driver_sql("DELETE FROM uses")


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
