"""Tests of the calls from Workflow to Cards."""

import httpx
import pytest

from tests.reference_services.api_requests import EXECUTE, execute
from tests.reference_services.databases import Databases
from tests.reference_services.services import (
    as_tenant,
    workflow_service,
)


def test_the_call_to_cards_carries_tenant_trace_and_use(sqlite: Databases, tenant: str) -> None:
    seen: list[httpx.Request] = []

    def cards(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        card = {"card_id": "c1", "card_type": "voice", "content": {"tone": "warm"}}
        return httpx.Response(200, json={"cards": [card]})

    with workflow_service(sqlite, httpx.MockTransport(cards)) as workflow:
        body = {"workflow_type": "linkedin_post", "card_ids": ["c1"]}
        headers = as_tenant(tenant, x_trace_id="trace-7")
        answer = workflow.http.post(EXECUTE, json=body, headers=headers)
    sent = seen[0].headers
    assert (sent["X-Tenant-ID"], sent["X-Trace-ID"]) == (tenant, "trace-7")
    assert sent["X-Usage-Source"] == "workflow"
    assert sent["X-Workflow-ID"] == answer.json()["workflow_id"]


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (503, "status_503"),
        (429, "status_429"),
        (httpx.ConnectError, "connection"),
        (httpx.ReadTimeout, "timeout"),
    ],
)
def test_a_call_that_fails_twice_is_retried_with_the_same_workflow_id(
    databases: Databases, tenant: str, failure: int | type[httpx.RequestError], reason: str
) -> None:
    workflow_ids: list[str] = []

    def cards(request: httpx.Request) -> httpx.Response:
        workflow_ids.append(request.headers["X-Workflow-ID"])
        if len(workflow_ids) == 3:
            card = {"card_id": "c1", "card_type": "voice", "content": {"tone": "warm"}}
            return httpx.Response(200, json={"cards": [card]})
        if isinstance(failure, int):
            return httpx.Response(failure)
        raise failure("gone")

    with workflow_service(databases, httpx.MockTransport(cards)) as workflow:
        with workflow.increases() as increase:
            answer = execute(workflow, tenant, card_ids=["c1"])
        assert answer.status_code == 200
        labels = {"workflow_type": "linkedin_post", "reason": reason}
        assert increase("workflow_cards_retries_total", **labels) == 2
        assert increase("workflow_cards_failures_total") == 0
    assert workflow_ids == [answer.json()["workflow_id"]] * 3


@pytest.mark.parametrize(
    ("cards_answer", "attempts", "reason"),
    [
        (httpx.Response(500), 3, "status_500"),
        (httpx.Response(401), 1, "status_401"),
        (httpx.Response(200, text="hello"), 1, "answer"),
    ],
)
def test_a_call_without_a_usable_answer_is_a_bad_gateway(
    databases: Databases, tenant: str, cards_answer: httpx.Response, attempts: int, reason: str
) -> None:
    seen: list[httpx.Request] = []

    def cards(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return cards_answer

    with workflow_service(databases, httpx.MockTransport(cards)) as workflow:
        with workflow.increases() as increase:
            answer = execute(workflow, tenant, card_ids=["c1"])
        assert (answer.status_code, answer.json()["error"]) == (502, "BadGateway")
        assert increase("workflow_cards_failures_total", reason=reason) == 1
        assert increase("workflow_executions_total", tenant_id=tenant, status="failed") == 1
    assert len(seen) == attempts
