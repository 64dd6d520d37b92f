"""Queries of databases and of their stores, as a scenario has them."""

from pathlib import Path

from scenarios.language.reader import read_scenario
from scenarios.language.stores import Store, stores_of
from tests.scenarios.shop_scenario import changed

COUNTER = "    prometheus: calls_total\n"
LOG, TOTALS = "SELECT count(*) FROM log", "SELECT sum(n) FROM totals"


def _written(folder: Path, keys: str) -> Path:
    return changed(folder, COUNTER, "".join(f"    {each}\n" for each in keys.splitlines()))


def test_a_database_has_one_store_or_several() -> None:
    assert stores_of({"ledger": LOG, "billing": {"log": LOG, "totals": TOTALS}}) == (
        Store("ledger", "", LOG),
        Store("billing", "log", LOG),
        Store("billing", "totals", TOTALS),
    )
    assert stores_of(None) == ()


def test_a_store_is_named_by_its_database_and_its_part() -> None:
    assert [(each.name, each.place) for each in (Store("b", "", LOG), Store("b", "log", LOG))] == [
        ("b", ("b",)),
        ("b/log", ("b", "log")),
    ]


def test_a_quantity_has_the_stores_that_are_written_and_the_one_with_trace_ids(
    tmp_path: Path,
) -> None:
    path = _written(
        tmp_path,
        f"database: {{billing: {{log: {LOG}, totals: {TOTALS}}}, ledger: {LOG}}}\n"
        "traces: {billing: {log: 'SELECT trace, count(*) FROM log GROUP BY 1'}}",
    )
    calls = read_scenario(path).quantities["calls"]
    assert [each.name for each in calls.stores] == ["billing/log", "billing/totals", "ledger"]
    assert calls.named_witnesses == (
        "client", "database:billing/log", "database:billing/totals", "database:ledger",
    )  # fmt: skip
    assert calls.traced is not None
    assert calls.traced.name == "billing/log"


def test_trace_ids_may_be_in_a_database_that_keeps_no_count(tmp_path: Path) -> None:
    path = _written(tmp_path, f"database: {{b: {LOG}}}\ntraces: {{archive: SELECT trace FROM b}}")
    assert read_scenario(path).quantities["calls"].traced == Store(
        "archive", "", "SELECT trace FROM b"
    )
