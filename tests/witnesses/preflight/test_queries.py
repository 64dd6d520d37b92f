import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from config.prometheus import Prometheus
from scenarios.language.objectives import PromqlCheck
from scenarios.language.stores import stores_of
from tests.evidence_factory import vector
from tests.mariadb_server import mariadb_database
from tests.tiny_server import Canned, TinyServer, nobody_listens_at, serving
from tests.witnesses.counted_quantities import counted
from tests.witnesses.database.queries import write
from witnesses.preflight.inspection import Inspection, Outcome
from witnesses.preflight.queries import PromqlInspector, inspect_query
from witnesses.prometheus.client import PrometheusClient

REJECTED = Canned('{"status": "error", "errorType": "bad_data", "error": "1:4: parse error"}', 400)


@pytest.fixture
def databases(tmp_path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        connection.execute("CREATE TABLE uses (tenant TEXT, kind TEXT, trace TEXT)")
        connection.execute("INSERT INTO uses VALUES ('acme', 'tea', 't1')")
    return {"shop": f"sqlite:///{tmp_path / 'shop.db'}", "gone": f"sqlite:///{tmp_path / 'no.db'}"}


def inspected(
    databases: dict[str, str], query: str, key: str = "database", name: str = "shop", **more: Any
) -> Inspection:
    settings: dict[str, Any] = {key: {name: query}, **more}
    (store,) = stores_of(settings[key])
    return inspect_query(counted(**settings), key, store, databases)


@pytest.mark.parametrize(
    ("query", "key", "by"),
    [
        ("SELECT count(*) FROM uses WHERE tenant = :tenant", "database", []),
        ("SELECT kind, count(*) FROM uses GROUP BY kind", "database", ["kind"]),
        ("SELECT kind, count(*) FROM uses WHERE 1 = 0 GROUP BY kind", "database", ["kind"]),
        ("SELECT sum(n) FROM (SELECT 1 AS n WHERE 1 = 0)", "database", []),
        ("SELECT trace, kind, count(*) FROM uses GROUP BY 1, 2", "traces", ["kind"]),
    ],
)
def test_a_query_that_runs_and_has_the_right_columns_is_found(
    databases: dict[str, str], query: str, key: str, by: list[str]
) -> None:
    assert inspected(databases, query, key, by=by).outcome is Outcome.FOUND


def test_a_query_of_one_of_several_stores_is_inspected_by_itself(
    databases: dict[str, str],
) -> None:
    queries = {"shop": {"log": "SELECT count(*) FROM uses", "totals": "SELECT sum(n) FROM totals"}}
    quantity = counted(database=queries)
    found = [inspect_query(quantity, "database", each, databases) for each in stores_of(queries)]
    assert [each.outcome for each in found] == [Outcome.FOUND, Outcome.WRONG]
    assert found[1].subject == ("uses", "database", "shop", "totals")
    assert found[1].location == ("quantities", "uses", "database", "shop", "totals")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT count(*) FROM usess", "refuses the query: no such table: usess"),
        ("SELECT count(kindd) FROM uses", "refuses the query: no such column: kindd"),
        ("SELECT count(* FROM uses", "refuses the query: near"),
        ("SELECT nosuch(kind) FROM uses", "refuses the query: no such function: nosuch"),
        ("WITH x AS (SELECT 1) INSERT INTO uses SELECT 1, 2, 3", "does more than read"),
        ("SELECT kind, count(*) FROM uses GROUP BY kind", "returns 2 columns, and must return 1"),
        ("SELECT kind FROM uses", "the last column of the query is 'tea', which is no count"),
    ],
)
def test_a_query_that_is_refused_or_has_the_wrong_columns_is_wrong(
    databases: dict[str, str], query: str, words: str
) -> None:
    inspection = inspected(databases, query)
    assert inspection.outcome is Outcome.WRONG
    assert words in inspection.observed
    assert inspection.location == ("quantities", "uses", "database", "shop")


def test_a_query_by_trace_id_needs_one_more_column(databases: dict[str, str]) -> None:
    inspection = inspected(databases, "SELECT kind, count(*) FROM uses", "traces", by=["kind"])
    assert inspection.outcome is Outcome.WRONG
    assert inspection.remedy == "select the trace id, kind, the count, in this order"


def test_a_database_that_is_down_is_down(databases: dict[str, str]) -> None:
    assert inspected(databases, "SELECT 1", name="gone").outcome is Outcome.DOWN


@contextmanager
def asking(answers: dict[str, Canned]) -> Iterator[tuple[PromqlInspector, TinyServer]]:
    with (
        serving(answers) as server,
        closing(PrometheusClient(Prometheus(url=server.url))) as client,
    ):
        yield PromqlInspector(client), server


def check(query: str) -> tuple[PromqlCheck, ...]:
    return (PromqlCheck.model_validate({"name": "few", "query": query, "expect": "> 0"}),)


def test_a_check_is_evaluated_with_the_tenant_and_a_window() -> None:
    answer = Canned(json.dumps(vector(3)))
    with asking({'/api/v1/query?f(x{t="acme"}[1m])': answer}) as (inspector, _):
        query = 'f(x{t="{{ tenant }}"}[{{ window }}])'
        (inspection,) = inspector.inspect_checks(check(query), "acme")
    assert inspection.outcome is Outcome.FOUND
    assert inspection.location == ("checks", "promql", 0, "query")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (REJECTED, "1:4: parse error"),
        (Canned('{"status": "error", "errorType": "execution", "error": "many"}', 422), "many"),
        (Canned('{"data": {"resultType": "matrix", "result": []}}'), "the query returns a matrix"),
        (Canned('{"data": {"resultType": "string", "result": [0, "x"]}}'), "returns a string"),
    ],
)
def test_a_check_that_prometheus_rejects_or_that_is_no_number_is_wrong(
    answer: Canned, words: str
) -> None:
    with asking({"/api/v1/query": answer}) as (inspector, _):
        (inspection,) = inspector.inspect_checks(check("x"), "acme")
    assert inspection.outcome is Outcome.WRONG
    assert words in inspection.observed


def test_a_selector_that_prometheus_rejects_is_wrong() -> None:
    with asking({"/api/v1/query": REJECTED}) as (inspector, _):
        inspection = inspector.inspect_selector(counted(prometheus="uses_total"))
    assert (inspection.outcome, inspection.location) == (
        Outcome.WRONG,
        ("quantities", "uses", "prometheus"),
    )


@pytest.mark.parametrize("answer", [Canned("busy", 503), Canned("<html>", 200), Canned("no", 400)])
def test_a_prometheus_that_cannot_be_asked_is_down_and_is_asked_once(answer: Canned) -> None:
    with asking({"/api/v1/query": answer}) as (inspector, server):
        outcomes = {
            inspector.inspect_selector(counted(prometheus="uses_total")).outcome for _ in range(3)
        }
    assert outcomes == {Outcome.DOWN}
    assert len(server.asked) == 1


def test_nobody_at_the_address_of_prometheus_is_down() -> None:
    with closing(PrometheusClient(Prometheus(url=nobody_listens_at()))) as client:
        (inspection,) = PromqlInspector(client).inspect_checks(check("x"), "acme")
    assert inspection.outcome is Outcome.DOWN


def test_a_check_that_may_select_other_targets_is_found_and_says_so() -> None:
    check = PromqlCheck(name="errors", query="errors_total default 0", expect="== 0")
    with (
        serving({"/api/v1/query": Canned(json.dumps(vector(1)))}) as server,
        closing(PrometheusClient(Prometheus(url=server.url))) as client,
    ):
        inspections = PromqlInspector(client, {"env": "staging"}).inspect_checks((check,), "acme")
        (inspection,) = inspections
    assert inspection.outcome is Outcome.FOUND
    assert "not restricted to prometheus.match" in inspection.observed


@pytest.mark.long
@pytest.mark.parametrize(
    ("query", "outcome", "words"),
    [
        ("SELECT count(*) FROM uses WHERE tenant = :tenant", Outcome.FOUND, "its columns: the"),
        ("SELECT seq FROM seq_1_to_1000000000", Outcome.FOUND, "its columns: the count"),
        ("SELECT true", Outcome.FOUND, "its columns: the count"),
        ("SELECT count(*) FROM usess", Outcome.WRONG, "refuses the query: Table"),
        ("SELECT count(kindd) FROM uses", Outcome.WRONG, "refuses the query: Unknown column"),
        ("SELECT kind, count(*) FROM uses", Outcome.WRONG, "the query returns 2 columns"),
        ("SELECT 'tea'", Outcome.WRONG, "the last column of the query is 'tea'"),
        ("SELECT LOAD_FILE('/etc/passwd')", Outcome.WRONG, "does more than read"),
    ],
)
def test_a_query_is_inspected_on_mariadb_up_to_its_first_row(
    mariadb: URL, query: str, outcome: Outcome, words: str
) -> None:
    with mariadb_database(mariadb) as url:
        write(
            url, "CREATE TABLE uses (tenant TEXT, kind TEXT)", "INSERT INTO uses VALUES ('a', 'b')"
        )
        inspection = inspected({"shop": url}, query)
    assert inspection.outcome is outcome, inspection.observed
    assert words in inspection.observed


def test_a_mariadb_that_is_not_there_leaves_the_query_open() -> None:
    databases = {"shop": "mysql://ada:hunter2@127.0.0.1:1/shop"}
    inspection = inspected(databases, "SELECT 1")
    assert inspection.outcome is Outcome.DOWN
    assert "hunter2" not in inspection.observed
