"""Tests of the SQL store of Workflow."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text, update
from sqlalchemy.pool import NullPool

from reference_services.common.database import Database
from reference_services.common.migration import migrate, revisions_of
from reference_services.workflow.models import (
    CardFetch,
    Execution,
    ExecutionMetrics,
    Output,
    OutputMetadata,
)
from reference_services.workflow.store import ExecutionsStore, owed_uses_table
from tests.reference_services.api_requests import (
    execute,
)
from tests.reference_services.databases import Databases
from tests.reference_services.services import (
    Service,
    Stack,
    as_tenant,
    make_cards,
)


def test_an_execution_can_be_read_by_its_own_tenant_only(stack: Stack, tenant: str) -> None:
    answer = execute(stack.workflow, tenant, card_ids=make_cards(stack.cards, tenant)).json()
    url = f"/api/v1/workflows/{answer['workflow_id']}"
    assert stack.workflow.http.get(url, headers=as_tenant(tenant)).json() == answer
    assert stack.workflow.http.get(url, headers=as_tenant(str(uuid4()))).status_code == 404


@pytest.fixture
def store(databases: Databases) -> Iterator[ExecutionsStore]:
    """Open the store on an empty database of each dialect."""
    database = Database(databases.url_of("workflow"), connections=2)
    migrate(database, "workflow", revisions_of("workflow"))
    yield ExecutionsStore(database)
    database.close()


def execution(workflow_id: str) -> Execution:
    metadata = OutputMetadata(template="t", word_count=1, context={}, parameters={})
    return Execution(
        workflow_id=workflow_id,
        workflow_type="linkedin_post",
        output=Output(title="Title", content="Content", metadata=metadata),
        cards_used=["c1"],
        partial_result=False,
        metrics=ExecutionMetrics(
            execution_time_ms=1.5, cards_requested=1, cards_used=1, context_source="cache"
        ),
    )


def owe(store: ExecutionsStore, tenant: str) -> CardFetch:
    fetch = CardFetch(str(uuid4()), "linkedin_post", tenant, ["c1"])
    store.create(tenant, execution(fetch.workflow_id), fetch)
    return fetch


def test_an_execution_is_read_as_it_was_stored(store: ExecutionsStore, tenant: str) -> None:
    stored = execution(str(uuid4()))
    store.create(tenant, stored)
    assert store.read(tenant, stored.workflow_id) == stored
    assert store.read(str(uuid4()), stored.workflow_id) is None
    assert store.count_owed() == 0


def test_owed_fetches_are_returned_in_the_order_of_their_executions(
    store: ExecutionsStore, tenant: str
) -> None:
    owed = [owe(store, tenant) for _ in range(3)]
    assert store.read_owed(2) == owed[:2]
    assert store.count_owed() == 3


def test_a_postponed_fetch_moves_to_the_end_of_the_queue(
    store: ExecutionsStore, tenant: str
) -> None:
    first, second = owe(store, tenant), owe(store, tenant)
    store.postpone(first)
    assert store.read_owed(2) == [second, first]


def test_a_fetch_is_marked_as_delivered_once(store: ExecutionsStore, tenant: str) -> None:
    fetch = owe(store, tenant)
    assert store.mark_delivered(fetch)
    assert not store.mark_delivered(fetch)
    assert store.read_owed(1) == []


UNREADABLE = {
    "deep": ('{"output":' + "[" * 300 + "]" * 300 + "}", "nested too deep"),
    "surrogate": (r'{"output": "\ud800"}', "half of a surrogate pair in a text"),
    "empty": ("{}", "not an execution"),
    "list": ("[]", "not an execution"),
    "null": ("null", "not an execution"),
    "other version": ('{"workflow_id": "w", "result": "a post"}', "not an execution"),
}


def _overwrite(service: Service, table: str, column: str, workflow_id: str, content: str) -> None:
    cast = "CAST(:content AS json)" if "postgresql" in service.database_url else ":content"
    change = f"UPDATE {table} SET {column} = {cast} WHERE workflow_id = :workflow_id"
    with create_engine(service.database_url, poolclass=NullPool).begin() as connection:
        connection.execute(text(change), {"content": content, "workflow_id": workflow_id})


@pytest.mark.parametrize("stored", UNREADABLE)
def test_a_record_that_cannot_be_shown_is_empty_with_the_reason(
    stack: Stack, tenant: str, stored: str
) -> None:
    content, reason = UNREADABLE[stored]
    made = execute(stack.workflow, tenant, card_ids=make_cards(stack.cards, tenant)).json()
    workflow_id = made["workflow_id"]
    _overwrite(stack.workflow, "workflow_executions", "record", workflow_id, content)
    headers = as_tenant(tenant)
    read = stack.workflow.http.get(f"/api/v1/workflows/{workflow_id}", headers=headers)
    assert read.status_code == 200
    shown = read.json()
    assert (shown["workflow_id"], shown["status"]) == (workflow_id, "completed")
    assert (shown["output"]["content"], shown["cards_used"]) == ("", [])
    assert (made["record_error"], shown["record_error"]) == (None, reason)


def test_an_owed_fetch_that_cannot_be_read_stays_owed_and_stops_no_other(
    store: ExecutionsStore, databases: Databases, tenant: str
) -> None:
    first, second = owe(store, tenant), owe(store, tenant)
    with create_engine(databases.url_of("workflow"), poolclass=NullPool).begin() as connection:
        values = {"card_ids": {"not": "a list"}}
        of_first = owed_uses_table.c.workflow_id == first.workflow_id
        connection.execute(update(owed_uses_table).where(of_first).values(values))
    assert store.read_owed(10) == [second]
    assert store.count_owed() == 2
