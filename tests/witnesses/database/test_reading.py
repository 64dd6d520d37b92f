from fractions import Fraction
from pathlib import Path

import pytest

from scenarios.evidence.run_folder import RunFolder
from tests.witnesses.counted_quantities import TENANT, counted
from tests.witnesses.database.shop_database import BY_KIND, ShopDatabase, uses_of
from witnesses.database.collector import DatabaseCollector
from witnesses.database.reading import DatabaseReading, read_databases
from witnesses.figure import Direction, Figure, Reason
from witnesses.model import Moment, RecordKind

_TEA = ("tea",)
_COLUMNS = "its query must return 1 label columns and a count"


def test_the_rows_added_between_the_two_queries_are_the_figure(shop: ShopDatabase) -> None:
    shop.use("tea")
    shop.collect(Moment.BEFORE)
    shop.use("tea")
    shop.use("tea")
    shop.use("cocoa")
    shop.use("tea", tenant="globex")
    shop.collect(Moment.AFTER)
    figures = shop.figures()
    assert figures.at(_TEA) == Figure.exact(2.0)
    assert figures.at(("cocoa",)) == Figure.exact(1.0)
    assert figures.at(("coffee",)) == Figure.exact(0.0)


def test_rows_that_only_a_further_query_has_are_late(shop: ShopDatabase) -> None:
    shop.use("tea")
    shop.collect(Moment.BEFORE)
    shop.use("tea")
    shop.collect(Moment.AFTER)
    for kind in ("tea", "tea", "cocoa"):
        shop.use(kind)
    shop.collect(Moment.AFTER)
    figures = shop.figures()
    assert figures.at(_TEA) == Figure.exact(3.0, late=2.0)
    assert figures.at(("cocoa",)) == Figure.exact(1.0, late=1.0)
    assert figures.at(("coffee",)) == Figure.exact(0.0)


def test_rows_that_a_further_query_lacks_are_not_late(shop: ShopDatabase) -> None:
    shop.collect(Moment.BEFORE)
    for kind in ("tea", "tea", "cocoa"):
        shop.use(kind)
    shop.collect(Moment.AFTER)
    shop.write("DELETE FROM uses")
    shop.use("tea")
    shop.collect(Moment.AFTER)
    assert shop.figures().at(_TEA) == Figure.exact(1.0)
    assert shop.figures().at(("cocoa",)) == Figure.exact(0.0)


def test_after_a_query_that_failed_nothing_is_known_to_be_late(shop: ShopDatabase) -> None:
    shop.collect(Moment.BEFORE)
    shop.folder.write_witness_file(
        "database/after.json", b'{"uses": {"main": {"error": "locked"}}}'
    )
    shop.use("tea")
    shop.collect(Moment.AFTER)
    assert shop.figures().at(_TEA) == Figure.exact(1.0)


def test_a_count_that_fell_says_nothing_of_what_was_added_and_is_not_hidden(
    shop: ShopDatabase,
) -> None:
    shop.use("tea")
    shop.collect(Moment.BEFORE)
    shop.write("DELETE FROM uses")
    shop.collect(Moment.AFTER)
    assert shop.figures().at(_TEA) == Figure.void(Reason.ROWS_REMOVED, "1 to 0")


@pytest.mark.parametrize("query", ["SELECT count(*) FROM uses", "SELECT kind, tenant, 1 FROM uses"])
def test_a_query_with_the_wrong_columns_is_void(shop: ShopDatabase, query: str) -> None:
    shop.use("tea")
    assert shop.collect_twice(query) == Figure.void(Reason.QUERY_RESULT_INVALID, _COLUMNS)


def test_what_is_no_number_is_void(shop: ShopDatabase) -> None:
    shop.use("tea")
    figure = shop.collect_twice("SELECT kind, 'many' FROM uses")
    assert figure == Figure.void(Reason.QUERY_RESULT_INVALID, _COLUMNS)


def test_a_number_that_is_not_finite_is_void(shop: ShopDatabase) -> None:
    """MariaDB has none, and refuses the query."""
    shop.use("tea")
    figure = shop.collect_twice("SELECT kind, 9e999 FROM uses")
    if shop.is_sqlite:
        assert figure == Figure.void(Reason.QUERY_RESULT_INVALID, _COLUMNS)
    else:
        assert figure.reason is Reason.DATABASE_DOWN
        assert "Illegal double '9e999'" in figure.detail


def test_bytes_are_no_count_and_void(shop: ShopDatabase) -> None:
    shop.use("tea")
    figure = shop.collect_twice("SELECT kind, x'3132' FROM uses")
    assert (figure.direction, figure.reason) == (Direction.VOID, Reason.DATABASE_DOWN)
    assert "returns bytes" in figure.detail


def _write(shop: ShopDatabase, moment: Moment, rows: str) -> None:
    content = '{"uses": {"main": {"rows": ' + rows + "}}}"
    shop.folder.write_witness_file(f"database/{moment}.json", content.encode())


@pytest.mark.parametrize("count", ["true", '"NaN"', "[1]", '{"n": 1}'])
def test_what_other_databases_may_return_and_is_no_count_is_void(
    shop: ShopDatabase, count: str
) -> None:
    for moment in Moment:
        _write(shop, moment, f'[["tea", {count}]]')
    assert shop.figures().at(_TEA) == Figure.void(Reason.QUERY_RESULT_INVALID, _COLUMNS)


def test_a_number_that_json_lacks_leaves_nothing_collected(shop: ShopDatabase) -> None:
    for moment in Moment:
        _write(shop, moment, '[["tea", NaN]]')
    assert shop.figures().at(_TEA).reason is Reason.NOT_COLLECTED


@pytest.mark.parametrize("rows", ["null", "5", "[5]", "[[]]", '{"tea": 1}'])
def test_what_is_no_list_of_rows_is_void(shop: ShopDatabase, rows: str) -> None:
    for moment in Moment:
        _write(shop, moment, rows)
    assert shop.figures().at(_TEA).reason is Reason.QUERY_RESULT_INVALID


def test_a_decimal_and_a_sum_of_nothing_are_counts(shop: ShopDatabase) -> None:
    _write(shop, Moment.BEFORE, '[["tea", null]]')
    _write(shop, Moment.AFTER, '[["tea", "2"]]')
    assert shop.figures().at(_TEA) == Figure.exact(2.0)


def test_a_label_of_null_is_the_empty_label(shop: ShopDatabase) -> None:
    shop.collect(Moment.BEFORE)
    shop.write("INSERT INTO uses VALUES ('acme', NULL)")
    shop.collect(Moment.AFTER)
    assert shop.figures().at(("",)) == Figure.exact(1.0)


def test_a_number_as_a_label_is_its_text(shop: ShopDatabase) -> None:
    shop.collect(Moment.BEFORE)
    shop.use("tea")
    shop.collect(Moment.AFTER, "SELECT 7, count(*) FROM uses")
    assert shop.figures().at(("7",)) == Figure.exact(1.0)


def test_rows_with_the_same_labels_are_added_up(shop: ShopDatabase) -> None:
    shop.collect(Moment.BEFORE)
    shop.use("tea")
    shop.use("tea")
    shop.collect(Moment.AFTER, "SELECT kind, 1 FROM uses")
    assert shop.figures().at(_TEA) == Figure.exact(2.0)


def test_a_run_cut_off_before_the_second_query_is_void(shop: ShopDatabase) -> None:
    shop.collect(Moment.BEFORE)
    assert shop.figures().at(_TEA) == Figure.void(Reason.NOT_COLLECTED)


@pytest.mark.parametrize(
    "content", [b'{"uses": {"ro', b"[]", b'{"uses": []}', b'{"uses": {"main": 5}}']
)
def test_a_damaged_answer_on_disk_is_void(shop: ShopDatabase, content: bytes) -> None:
    shop.collect(Moment.BEFORE)
    shop.folder.write_witness_file("database/after.json", content)
    assert shop.figures().at(_TEA) == Figure.void(Reason.NOT_COLLECTED)


def test_an_error_before_or_after_is_void_with_its_text(shop: ShopDatabase) -> None:
    refused = b'{"uses": {"main": {"error": "connection refused"}}}'
    shop.collect(Moment.BEFORE)
    shop.folder.write_witness_file("database/after.json", refused)
    expected = Figure.void(Reason.DATABASE_DOWN, "connection refused")
    assert shop.figures().at(_TEA) == expected
    shop.folder.write_witness_file("database/before.json", refused)
    shop.collect(Moment.AFTER)
    assert shop.figures().at(_TEA) == expected


def test_each_database_has_a_reading_of_its_own_rows(shop: ShopDatabase) -> None:
    for moment, count in ((Moment.BEFORE, 1), (Moment.AFTER, 4)):
        content = f'{{"uses": {{"main": {{"rows": [["tea", {count}]]}}, ' \
                  f'"billing": {{"rows": [["tea", 0]]}}}}}}'  # fmt: skip
        shop.folder.write_witness_file(f"database/{moment}.json", content.encode())
    quantity = uses_of(database={"main": BY_KIND, "billing": BY_KIND})
    readings = read_databases(shop.folder)
    assert [each.name for each in readings] == ["database:main", "database:billing"]
    assert [each.figures(quantity).at(_TEA).value for each in readings] == [3.0, 0.0]
    assert {each.keeps for each in readings} == {RecordKind.RECORDS}


def test_each_store_of_a_database_is_asked_and_read_by_itself(shop: ShopDatabase) -> None:
    shop.write("CREATE TABLE totals (kind TEXT, n INT)", "INSERT INTO totals VALUES ('tea', 50)")
    quantity = uses_of(database={"main": {"log": BY_KIND, "totals": "SELECT kind, n FROM totals"}})
    collector = DatabaseCollector({"main": shop.url}, [quantity], TENANT)
    collector.collect(Moment.BEFORE, shop.folder)
    shop.use("tea")
    shop.write("UPDATE totals SET n = n + 2")
    collector.collect(Moment.AFTER, shop.folder)
    readings = read_databases(shop.folder, ["main/log", "main/totals"])
    assert [each.name for each in readings] == ["database:main/log", "database:main/totals"]
    assert [each.figures(quantity).at(_TEA).value for each in readings] == [1.0, 2.0]
    assert [each.source(quantity).query for each in readings] == [
        BY_KIND,
        "SELECT kind, n FROM totals",
    ]
    assert all(each.counts(quantity) for each in readings)


def test_a_database_of_the_scenario_has_a_reading_though_nothing_was_collected(
    tmp_path: Path,
) -> None:
    readings = read_databases(RunFolder(tmp_path / "other run"), ["main", "billing"])
    assert [each.name for each in readings] == ["database:main", "database:billing"]


def test_a_database_counts_only_the_quantities_with_a_query_for_it() -> None:
    reading = DatabaseReading("main", {}, {})
    assert reading.counts(uses_of())
    assert not reading.counts(uses_of(database={"billing": BY_KIND}))
    assert not reading.counts(counted(prometheus="uses_total"))


def test_the_counts_of_one_moment_are_known_without_the_other(shop: ShopDatabase) -> None:
    shop.use("tea")
    shop.collect(Moment.AFTER)
    (reading,) = read_databases(shop.folder)
    assert reading.counts_at(Moment.AFTER, "uses", 1) == {_TEA: Fraction(1)}
    assert reading.counts_at(Moment.BEFORE, "uses", 1) is None
    assert reading.counts_at(Moment.AFTER, "uses", 2) is None
    assert reading.counts_at(Moment.AFTER, "visits", 1) is None
