"""Tests that a fault of storage corrupts exactly the rows that it describes, and no count."""

from types import SimpleNamespace

from fastapi import FastAPI

from reference_services.faults.seams import Seams
from reference_services.faults.storage import answered_but_not_stored
from tests.reference_services.databases import Databases
from tests.reference_services.faults.faulty import counted_uses, execute, use_often, written_uses
from tests.reference_services.services import (
    as_tenant,
    cards_service,
    make_cards,
    workflow_service,
)

COLUMNS = "card_id, tenant_id, card_type, workflow_type, source, used_at"


def test_of_a_hundred_uses_the_fault_leaves_one_unwritten(
    databases: Databases, tenant: str
) -> None:
    with cards_service(databases, FAULT="lost-usage-row") as cards:
        use_often(cards, tenant, make_cards(cards, tenant), 25)
        assert set(counted_uses(cards).values()) == {25}
        assert written_uses(cards) == (99, 99)


def test_of_52_uses_the_fault_writes_the_fiftieth_twice(databases: Databases, tenant: str) -> None:
    with cards_service(databases, FAULT="duplicate-usage-row") as cards:
        answers = use_often(cards, tenant, make_cards(cards, tenant), 13)
        assert {answer.status_code for answer in answers} == {200}
        assert set(counted_uses(cards).values()) == {13}
        assert written_uses(cards) == (53, 52)
        again = cards.rows(f"SELECT {COLUMNS} FROM card_usage WHERE workflow_id LIKE '%-again'")
        once = cards.rows(f"SELECT {COLUMNS} FROM card_usage WHERE card_type = 'audience'")
        assert len(again) == 1
        assert once.count(again[0]) == 2


def test_of_52_uses_the_fault_leaves_the_fiftieth_out_of_its_cards_count(
    databases: Databases, tenant: str
) -> None:
    with cards_service(databases, FAULT="usage-row-without-count") as cards:
        *_, last = use_often(cards, tenant, make_cards(cards, tenant), 13)
        assert set(counted_uses(cards).values()) == {13}
        assert written_uses(cards) == (52, 51)
        counts = {card["card_type"]: card["usage_count"] for card in last.json()["cards"]}
        assert counts == {"company": 13, "audience": 12, "voice": 13, "insight": 13}
        stored = cards.rows("SELECT card_type, usage_count FROM cards")
        assert {row[0]: row[1] for row in stored} == counts


def test_of_twenty_executions_the_fault_answers_one_that_is_not_stored(
    databases: Databases, tenant: str
) -> None:
    with workflow_service(databases, FAULT="answered-but-not-stored") as workflow:
        answers = [execute(workflow, tenant) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {200}
        assert workflow.scrape().total("workflow_executions_total", status="completed") == 20
        assert workflow.scrape().total("workflow_execution_duration_seconds_count") == 20
        assert workflow.rows("SELECT count(*) FROM workflow_executions") == [(19,)]
        missing = f"/api/v1/workflows/{answers[-1].json()['workflow_id']}"
        assert workflow.http.get(missing, headers=as_tenant(tenant)).status_code == 404


def test_an_execution_that_owes_cards_its_uses_is_stored_always() -> None:
    stored: list[object] = []
    store = SimpleNamespace(create=lambda *execution: stored.append(execution))
    answered_but_not_stored(Seams(FastAPI(), store, None))
    for turn in range(20):
        store.create("tenant", turn, "owed")
    assert stored == [("tenant", turn, "owed") for turn in range(20)]
