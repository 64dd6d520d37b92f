import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from scenarios.evidence.run_folder import RunFolder
from scenarios.language.model import Quantity
from witnesses.database.counts import read_databases, take_rows
from witnesses.database.read_only import DatabaseDown, read_only
from witnesses.figure import Figure, Figures

_BY_KIND = "SELECT kind, count(*) FROM uses WHERE tenant = :tenant GROUP BY kind"


class Shop:
    """A SQLite file with a table of uses, and the run that reads it."""

    def __init__(self, place: Path) -> None:
        self.path = place / "shop.db"
        self.url = f"sqlite:///{self.path}"
        self.folder = RunFolder(place / "run")
        self.write("CREATE TABLE uses (tenant TEXT, kind TEXT)")

    def write(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def use(self, kind: str, tenant: str = "acme") -> None:
        self.write(f"INSERT INTO uses VALUES ('{tenant}', '{kind}')")

    def look(
        self, moment: str, query: str = _BY_KIND, databases: Mapping[str, str] | None = None
    ) -> None:
        quantity = Quantity(by=["kind"], database={"main": query})
        urls = {"main": self.url} if databases is None else databases
        take_rows({"uses": quantity}, urls, "acme", moment, self.folder)

    def figures(self, labels: int = 1) -> Figures:
        return read_databases(self.folder).figures("uses", labels)

    def look_twice(
        self, query: str = _BY_KIND, databases: Mapping[str, str] | None = None
    ) -> Figure:
        for moment in ("before", "after"):
            self.look(moment, query, databases)
        return self.figures().at(("tea",))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_the_rows_added_between_the_looks_are_the_figure(shop: Shop) -> None:
    shop.use("tea")
    shop.look("before")
    shop.use("tea")
    shop.use("tea")
    shop.use("cocoa")
    shop.use("tea", tenant="globex")
    shop.look("after")
    figures = shop.figures()
    assert figures.at(("tea",)) == Figure(2.0)
    assert figures.at(("cocoa",)) == Figure(1.0)
    assert figures.at(("coffee",)) == Figure(0.0)


def test_deleted_rows_are_a_negative_figure_and_not_hidden(shop: Shop) -> None:
    shop.use("tea")
    shop.look("before")
    shop.write("DELETE FROM uses")
    shop.look("after")
    assert shop.figures().at(("tea",)) == Figure(-1.0)


def test_a_missing_table_is_no_data_and_is_named(shop: Shop) -> None:
    figure = shop.look_twice("SELECT kind, count(*) FROM users GROUP BY kind")
    assert figure == Figure(None, "the database 'main': no such table: users")


def test_a_missing_file_is_no_data_and_is_not_made(shop: Shop, tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    figure = shop.look_twice(databases={"main": f"sqlite:///{missing}"})
    assert figure.value is None
    assert "unable to open database file" in figure.remark
    assert not missing.exists()


def test_a_database_that_the_environment_does_not_name_is_no_data(shop: Shop) -> None:
    figure = shop.look_twice(databases={})
    assert figure == Figure(None, "the environment names no database 'main'")


@pytest.mark.parametrize("url", ["not a url", "nosuchdialect://localhost/shop"])
def test_an_address_of_no_database_is_no_data(shop: Shop, url: str) -> None:
    figure = shop.look_twice(databases={"main": url})
    assert figure.value is None
    assert "not a database URL" in figure.remark


@pytest.mark.parametrize("query", ["SELECT count(*) FROM uses", "SELECT kind, tenant, 1 FROM uses"])
def test_a_query_with_the_wrong_columns_is_no_data(shop: Shop, query: str) -> None:
    shop.use("tea")
    assert shop.look_twice(query).remark == "its query must give 1 label columns and a count"


def test_a_count_that_is_no_number_is_no_data(shop: Shop) -> None:
    shop.use("tea")
    assert shop.look_twice("SELECT kind, 'many' FROM uses").value is None


@pytest.mark.parametrize("count", ["9e999", "'many'", "x'3132'"])
def test_what_is_no_count_is_no_data(shop: Shop, count: str) -> None:
    shop.use("tea")
    assert shop.look_twice(f"SELECT kind, {count} FROM uses").value is None


@pytest.mark.parametrize("count", ["true", "NaN", "[1]", '{"n": 1}'])
def test_what_other_databases_may_give_and_is_no_count_is_no_data(shop: Shop, count: str) -> None:
    for moment in ("before", "after"):
        rows = '{"uses": {"rows": [["tea", ' + count + "]]}}"
        shop.folder.write_answer(f"database/{moment}.json", rows.encode())
    assert shop.figures().at(("tea",)).value is None


def test_a_decimal_and_a_sum_of_nothing_are_counts(shop: Shop) -> None:
    shop.folder.write_answer("database/before.json", b'{"uses": {"rows": [["tea", null]]}}')
    shop.folder.write_answer("database/after.json", b'{"uses": {"rows": [["tea", "2"]]}}')
    assert shop.figures().at(("tea",)) == Figure(2.0)


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO uses VALUES ('acme', 'tea')",
        "DELETE FROM uses",
        "DROP TABLE uses",
        "CREATE TABLE more (n INT)",
    ],
)
def test_a_query_that_writes_is_refused_and_changes_nothing(shop: Shop, query: str) -> None:
    shop.use("tea")
    before = shop.path.read_bytes()
    figure = shop.look_twice(query)
    assert figure.value is None
    assert "it is read-only, and its query does more than read" in figure.remark
    assert shop.path.read_bytes() == before


def test_a_label_of_null_is_the_empty_label(shop: Shop) -> None:
    shop.look("before")
    shop.write("INSERT INTO uses VALUES ('acme', NULL)")
    shop.look("after")
    assert shop.figures().at(("",)) == Figure(1.0)


def test_a_number_as_a_label_is_its_text(shop: Shop) -> None:
    shop.look("before")
    shop.use("tea")
    shop.look("after", "SELECT 7, count(*) FROM uses")
    assert shop.figures().at(("7",)) == Figure(1.0)


def test_rows_with_the_same_labels_are_added_up(shop: Shop) -> None:
    shop.look("before")
    shop.use("tea")
    shop.use("tea")
    shop.look("after", "SELECT kind, 1 FROM uses")
    assert shop.figures().at(("tea",)) == Figure(2.0)


def test_a_run_cut_off_before_the_second_look_is_no_data(shop: Shop) -> None:
    shop.look("before")
    assert shop.figures().at(("tea",)).value is None


def test_a_damaged_answer_on_disk_is_no_data(shop: Shop) -> None:
    shop.look("before")
    shop.folder.write_answer("database/after.json", b'{"uses": {"ro')
    assert shop.figures().at(("tea",)).value is None


def test_a_file_that_is_no_database_is_down(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("Dear diary, " * 100, encoding="utf-8")
    shop = Shop(tmp_path)
    figure = shop.look_twice(databases={"main": f"sqlite:///{path}"})
    assert "not a database" in figure.remark


def test_a_sqlite_address_that_names_its_driver_can_be_read_and_not_written(shop: Shop) -> None:
    url = shop.url.replace("sqlite:", "sqlite+pysqlite:")
    with read_only(url) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM uses").scalar() == 0


def test_a_postgres_that_nobody_runs_is_down() -> None:
    with (
        pytest.raises(DatabaseDown),
        read_only("postgresql://nobody@127.0.0.1:1/shop") as connection,
    ):
        connection.exec_driver_sql("SELECT 1")
