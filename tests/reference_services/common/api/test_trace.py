"""Tests of trace ids in responses, logs and database rows."""

import httpx
import pytest

from tests.reference_services.databases import Databases
from tests.reference_services.services import (
    SNAPSHOT,
    Service,
    Stack,
    as_tenant,
    cards_service,
    make_cards,
    use_cards,
)
from tests.reference_services.workflow.test_usage_delivery import worker_of

SESSIONS = "/api/v1/onboarding/sessions"
EXECUTE = "/api/v1/workflows/execute"
SESSION = {"company_domain": "acme.example", "user_email": "ada@acme.example"}
ANSWERS = {"answers": [{"question_id": "q1", "answer": "We automate rockets"}]}
LONGEST = "x" * 128


def _traces(service: Service, table: str, tenant: str) -> list[object]:
    sql = f"SELECT trace_id FROM {table} WHERE tenant_id = :tenant ORDER BY trace_id"
    return [trace for (trace,) in service.rows(sql, tenant=tenant)]


def _post(service: Service, path: str, tenant: str, trace: str, body: object) -> httpx.Response:
    headers = as_tenant(tenant, x_trace_id=trace)
    answer = service.http.post(path, json=body, headers=headers)
    assert answer.is_success, answer.text
    # The header alone gives it back.
    assert answer.headers["X-Trace-ID"] == trace
    assert "trace" not in answer.text
    return answer


def test_a_journey_leaves_its_trace_ids_in_all_three_databases(stack: Stack, tenant: str) -> None:
    session = _post(stack.onboarding, SESSIONS, tenant, "run-1", SESSION).json()["session_id"]
    answered = _post(stack.onboarding, f"{SESSIONS}/{session}/answers", tenant, "run-2", ANSWERS)
    body = {"workflow_type": "linkedin_post", "card_ids": answered.json()["card_ids"]}
    executed = _post(stack.workflow, EXECUTE, tenant, "run-3", body)
    assert _traces(stack.onboarding, "onboarding_sessions", tenant) == ["run-1"]
    assert _traces(stack.cards, "cards", tenant) == ["run-2"] * 4
    assert _traces(stack.cards, "card_usage", tenant) == ["run-3"] * 4
    assert _traces(stack.workflow, "workflow_executions", tenant) == ["run-3"]
    workflow_id = executed.json()["workflow_id"]
    record = stack.workflow.http.get(f"/api/v1/workflows/{workflow_id}", headers=as_tenant(tenant))
    assert "trace" not in record.text
    listed = stack.cards.http.get("/api/v1/cards", headers=as_tenant(tenant))
    assert (listed.status_code, "trace" in listed.text) == (200, False)


def test_a_repeated_request_leaves_the_rows_to_the_first(stack: Stack, tenant: str) -> None:
    keyed = {**as_tenant(tenant), "Idempotency-Key": "once"}
    for trace in ("run-1", "run-2"):
        answer = stack.cards.http.post(
            "/api/v1/cards/batch", json=SNAPSHOT, headers={**keyed, "X-Trace-ID": trace}
        )
        assert answer.is_success
    card_ids = [card["card_id"] for card in answer.json()["cards"]]
    assert _traces(stack.cards, "cards", tenant) == ["run-1"] * 4
    use_cards(stack.cards, tenant, card_ids, "workflow-1")
    first = _traces(stack.cards, "card_usage", tenant)
    use_cards(stack.cards, tenant, card_ids, "workflow-1")
    assert _traces(stack.cards, "card_usage", tenant) == first


@pytest.mark.parametrize("trace", [LONGEST, LONGEST + "x", "", "a b"])
def test_a_trace_id_fits_into_its_column_whatever_is_offered(
    stack: Stack, tenant: str, trace: str
) -> None:
    headers = as_tenant(tenant, x_trace_id=trace)
    answer = stack.onboarding.http.post(SESSIONS, json=SESSION, headers=headers)
    assert answer.status_code == 201
    (kept,) = _traces(stack.onboarding, "onboarding_sessions", tenant)
    assert kept == answer.headers["X-Trace-ID"]
    assert (kept == trace) is (trace == LONGEST)


def test_a_use_that_is_made_up_for_carries_the_trace_of_its_own_call(
    sqlite: Databases, tenant: str
) -> None:
    with cards_service(sqlite) as cards, worker_of(sqlite, cards) as worker:
        card_ids = make_cards(cards, tenant)
        workflow_id = worker.execute_on_cached(tenant, card_ids)
        worker.deliver()
        sql = "SELECT DISTINCT trace_id FROM card_usage WHERE workflow_id = :id"
        ((used,),) = cards.rows(sql, id=workflow_id)
        sql = "SELECT trace_id FROM workflow_executions WHERE workflow_id = :id"
        ((executed,),) = worker.service.rows(sql, id=workflow_id)
    assert used
    assert executed
    assert used != executed


def test_the_trace_id_is_returned(service: Service) -> None:
    answer = service.http.get("/health", headers={"X-Trace-ID": "mine"})
    assert answer.headers["X-Trace-ID"] == "mine"


def test_a_trace_id_is_generated_if_it_is_absent_or_too_long(service: Service) -> None:
    for headers in ({}, {"X-Trace-ID": "x" * 129}):
        made = service.http.get("/health", headers=headers).headers["X-Trace-ID"]
        assert len(made) == 36
