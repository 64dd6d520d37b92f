import json
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from scenarios.evidence.run_folder import RunFolder
from tests.reference_services.databases import postgresql_databases
from tests.witnesses.counted_quantities import counted
from tests.witnesses.database.queries import COUNTED, query_shop
from tests.witnesses.database.shop_database import BY_KIND, ShopDatabase, uses_of
from witnesses.database.collector import DatabaseCollector
from witnesses.database.dialect import DatabaseDown
from witnesses.database.trace_reading import read_traces
from witnesses.figure import Figure, Reason
from witnesses.model import Moment

_TRACED = "SELECT trace_id, kind, count(*) FROM uses GROUP BY trace_id, kind"


def test_a_missing_table_is_void_and_is_named(shop: ShopDatabase) -> None:
    figure = shop.collect_twice("SELECT kind, count(*) FROM users GROUP BY kind")
    table = f"Table '{make_url(shop.url).database}.users' doesn't exist"
    reason = "no such table: users" if shop.is_sqlite else table
    assert figure == Figure.void(Reason.DATABASE_DOWN, f"the database 'main': {reason}")


def test_a_missing_file_is_void_and_is_not_made(sqlite_shop: ShopDatabase, tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    figure = sqlite_shop.collect_twice(databases={"main": f"sqlite:///{missing}"})
    assert (figure.value, figure.reason) == (None, Reason.DATABASE_DOWN)
    assert "there is no file" in figure.detail
    assert not missing.exists()


def test_a_database_that_the_environment_does_not_name_is_void(sqlite_shop: ShopDatabase) -> None:
    reason = "the environment has no database 'main'"
    assert sqlite_shop.collect_twice(databases={}) == Figure.void(Reason.DATABASE_DOWN, reason)


@pytest.mark.parametrize("url", ["not a url", "nosuchdialect://localhost/shop"])
def test_an_address_of_no_database_is_void(sqlite_shop: ShopDatabase, url: str) -> None:
    figure = sqlite_shop.collect_twice(databases={"main": url})
    assert (figure.value, figure.reason) == (None, Reason.DATABASE_DOWN)
    assert "not a database URL" in figure.detail


def test_a_file_that_is_no_database_is_down(sqlite_shop: ShopDatabase, tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("Dear diary, " * 100, encoding="utf-8")
    figure = sqlite_shop.collect_twice(databases={"main": f"sqlite:///{path}"})
    assert figure.reason is Reason.DATABASE_DOWN
    assert "not a database" in figure.detail


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO uses VALUES ('acme', 'tea')",
        "DELETE FROM uses",
        "DROP TABLE uses",
        "CREATE TABLE more (n INT)",
    ],
)
def test_a_query_that_writes_is_refused_and_changes_nothing(
    shop: ShopDatabase, statement: str
) -> None:
    shop.use("tea")
    before = shop.content()
    figure = shop.collect_twice(statement)
    assert figure.value is None
    assert "it is read-only, and its query does more than read" in figure.detail
    assert shop.content() == before


def test_answers_are_kept_by_quantity_and_database_and_one_error_hides_no_other(
    shop: ShopDatabase,
) -> None:
    shop.use("tea")
    quantities = [
        uses_of(database={"main": BY_KIND, "billing": BY_KIND}),
        counted("visits", prometheus="visits_total"),
    ]
    DatabaseCollector({"main": shop.url}, quantities, "acme").collect(Moment.BEFORE, shop.folder)
    content = json.loads((shop.folder.witnesses / "database" / "before.json").read_text())
    assert content == {
        "uses": {
            "main": {"rows": [["tea", 1]]},
            "billing": {"error": "the environment has no database 'billing'"},
        }
    }


def test_traces_are_collected_after_the_run_only(url: str, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    quantity = counted(by=["kind"], traces={"shop": _TRACED})
    collector = DatabaseCollector({"shop": url}, [quantity], "acme")
    collector.collect(Moment.BEFORE, folder)
    assert not read_traces(folder, {}).knows("uses")
    collector.collect(Moment.AFTER, folder)
    traces = read_traces(folder, {})
    assert traces.knows("uses")
    assert sorted(traces.rows("uses", 1)) == [("t1", ("tea",), 2), ("t2", ("",), 1)]


def test_traces_that_cannot_be_collected_are_not_known_and_have_an_error(
    shop: ShopDatabase,
) -> None:
    quantity = counted(by=["kind"], traces={"shop": "SELECT 1"})
    DatabaseCollector({}, [quantity], "acme").collect(Moment.AFTER, shop.folder)
    traces = read_traces(shop.folder, {})
    assert not traces.knows("uses")
    assert traces.errors["uses"] == "the environment has no database 'shop'"


def test_more_rows_than_fit_are_refused_and_as_many_as_fit_are_not(url: str) -> None:
    assert len(query_shop(url, "SELECT kind FROM uses", max_rows=3)) == 3
    with pytest.raises(DatabaseDown, match="its query returns more than 2 rows"):
        query_shop(url, "SELECT kind FROM uses", max_rows=2)


def test_rows_come_whole_and_in_batches(url: str) -> None:
    many = (
        "SELECT a.kind FROM uses a, uses b, uses c, uses d, uses e, uses f, uses g, uses h, uses i"
    )
    assert len(query_shop(url, many, max_rows=20_000)) == 3**9


def test_the_tenant_is_a_parameter_only_of_a_query_that_has_it(url: str) -> None:
    assert query_shop(url, "SELECT :tenant") == [["acme"]]
    assert query_shop(url, COUNTED) == [[3]]


def test_values_are_kept_as_they_are_and_bytes_are_refused(postgresql: URL) -> None:
    with postgresql_databases(postgresql) as databases:
        url = databases.url_of("cards")
        assert query_shop(url, "SELECT 2.50, true, NULL, -3") == [[Decimal("2.50"), True, None, -3]]
        with pytest.raises(DatabaseDown, match="its query returns bytes"):
            query_shop(url, "SELECT 'tea'::bytea, 1")
