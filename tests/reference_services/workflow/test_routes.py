"""Does a workflow turn cards into content, and account for them?"""

from uuid import uuid4

import httpx
import pytest

from tests.reference_services.databases import Databases
from tests.reference_services.services import (
    Service,
    Stack,
    as_tenant,
    make_cards,
    workflow_service,
)

EXECUTE = "/api/v1/workflows/execute"
TYPES = ["linkedin_post", "premium_newsletter", "onboarding_content"]
CARD_TEXTS = ["Rockets since 1949", "Coyotes in a hurry", "Dry and precise", "Gravity waits"]


def execute(workflow: Service, tenant: str, url: str = EXECUTE, **body: object) -> httpx.Response:
    body = {"workflow_type": "linkedin_post"} | body
    return workflow.http.post(url, json=body, headers=as_tenant(tenant))


@pytest.mark.parametrize("workflow_type", TYPES)
def test_the_content_contains_every_cards_text(
    stack: Stack, tenant: str, workflow_type: str
) -> None:
    card_ids = make_cards(stack.cards, tenant)
    answer = execute(
        stack.workflow,
        tenant,
        workflow_type=workflow_type,
        card_ids=card_ids,
        additional_context={"hint": ["Mention the sale"]},
    ).json()
    for text in [*CARD_TEXTS, "Mention the sale"]:
        assert text in answer["output"]["content"]
    assert "Acme" in answer["output"]["title"]
    assert (answer["status"], answer["partial_result"]) == ("completed", False)
    assert answer["cards_used"] == card_ids
    assert answer["metrics"]["cards_used"] == 4


def test_the_content_depends_on_the_cards_types_not_on_their_order(
    stack: Stack, tenant: str
) -> None:
    card_ids = make_cards(stack.cards, tenant)
    one = execute(stack.workflow, tenant, card_ids=card_ids).json()
    other = execute(stack.workflow, tenant, card_ids=card_ids[::-1]).json()
    assert one["output"] == other["output"]


def test_the_content_contains_both_of_two_cards_of_one_type(stack: Stack, tenant: str) -> None:
    texts = ["First insight <b>", "Second insight & more"]
    drafts = [{"card_type": "insight", "content": {"text": text}} for text in texts]
    made = stack.cards.http.post(
        "/api/v1/cards/batch", json={"cards": drafts}, headers=as_tenant(tenant)
    ).json()["cards"]
    answer = execute(stack.workflow, tenant, card_ids=[card["card_id"] for card in made])
    assert all(text in answer.json()["output"]["content"] for text in texts)


def test_one_execution_moves_every_count_once(stack: Stack, tenant: str) -> None:
    card_ids = make_cards(stack.cards, tenant)
    with stack.workflow.increases() as increase, stack.cards.increases() as at_cards:
        execute(stack.workflow, tenant, card_ids=card_ids)
    mine = {"tenant_id": tenant, "workflow_type": "linkedin_post"}
    labels = mine | {"status": "completed", "context_source": "cards"}
    assert increase("workflow_executions_total", **labels) == 1
    assert increase("workflow_executions_total") == 1
    assert increase("workflow_cards_fetched_total", **mine) == 4
    assert increase("workflow_execution_duration_seconds_count", **mine) == 1
    assert increase("workflow_execution_duration_seconds_bucket", **mine, le="2.5") == 1
    assert increase("workflow_partial_results_total") == 0
    assert at_cards("cards_api_requests_total", endpoint="/retrieve", status="200") == 1
    assert at_cards("cards_api_usage_total", tenant_id=tenant, source="workflow") == 4
    sql = "SELECT DISTINCT workflow_type FROM card_usage WHERE tenant_id = :tenant"
    assert stack.cards.rows(sql, tenant=tenant) == [("linkedin_post",)]


def test_the_older_spelling_of_the_route_executes_too(stack: Stack, tenant: str) -> None:
    card_ids = make_cards(stack.cards, tenant)
    answer = execute(stack.workflow, tenant, "/api/v1/workflow/execute", card_ids=card_ids)
    assert answer.status_code == 200


def test_an_execution_can_be_read_by_its_own_tenant_only(stack: Stack, tenant: str) -> None:
    answer = execute(stack.workflow, tenant, card_ids=make_cards(stack.cards, tenant)).json()
    url = f"/api/v1/workflows/{answer['workflow_id']}"
    assert stack.workflow.http.get(url, headers=as_tenant(tenant)).json() == answer
    assert stack.workflow.http.get(url, headers=as_tenant(str(uuid4()))).status_code == 404


def test_missing_cards_make_the_result_partial(stack: Stack, tenant: str) -> None:
    card_ids = make_cards(stack.cards, tenant)
    with stack.workflow.increases() as increase:
        answer = execute(stack.workflow, tenant, card_ids=[str(uuid4()), *card_ids[:2]])
    assert (answer.status_code, answer.json()["partial_result"]) == (200, True)
    assert answer.headers["X-Partial-Result"] == "true"
    assert answer.json()["cards_used"] == card_ids[:2]
    assert increase("workflow_partial_results_total", workflow_type="linkedin_post") == 1
    assert increase("workflow_cards_fetched_total", tenant_id=tenant) == 2


def test_cards_of_another_tenant_are_missing(stack: Stack, tenant: str) -> None:
    card_ids, me = make_cards(stack.cards, tenant), str(uuid4())
    with stack.workflow.increases() as increase, stack.cards.increases() as at_cards:
        answer = execute(stack.workflow, me, card_ids=card_ids)
    assert answer.status_code == 404
    assert increase("workflow_executions_total", tenant_id=me, status="failed") == 1
    assert increase("workflow_cards_fetched_total") == 0
    assert at_cards("cards_api_usage_total") == 0


def test_the_deprecated_context_still_works_and_says_so(workflow: Service, tenant: str) -> None:
    context = {"company": {"name": "Acme"}, "voice": {"tone": "Dry and precise"}}
    with workflow.increases() as increase:
        answer = execute(workflow, tenant, context=context)
    assert "Dry and precise" in answer.json()["output"]["content"]
    assert answer.json()["cards_used"] == []
    assert "card_ids" in answer.headers["X-API-Deprecation-Warning"]
    assert "X-API-Migration-Guide" in answer.headers
    labels = {"tenant_id": tenant, "context_source": "legacy", "status": "completed"}
    assert increase("workflow_executions_total", **labels) == 1


def test_card_ids_win_over_the_context(stack: Stack, tenant: str) -> None:
    card_ids = make_cards(stack.cards, tenant)
    context = {"company": {"name": "Somebody else"}}
    answer = execute(stack.workflow, tenant, card_ids=card_ids, context=context)
    assert "Somebody else" not in answer.text
    assert answer.json()["cards_used"] == card_ids


@pytest.mark.parametrize("body", [{}, {"card_ids": []}, {"context": {}}, {"card_ids": ["1"] * 101}])
def test_neither_cards_nor_context_or_too_many_are_refused(
    workflow: Service, tenant: str, body: dict[str, object]
) -> None:
    assert execute(workflow, tenant, EXECUTE, **body).status_code == 400


def test_an_unknown_workflow_type_is_refused(workflow: Service, tenant: str) -> None:
    assert execute(workflow, tenant, workflow_type="novel", card_ids=["1"]).status_code == 422


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


def test_a_service_whose_cards_are_gone_is_healthy_but_not_ready(sqlite: Databases) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("gone", request=request)

    with workflow_service(sqlite, httpx.MockTransport(refuse)) as workflow:
        assert workflow.http.get("/health").status_code == 200
        answer = workflow.http.get("/ready")
    assert (answer.status_code, answer.json()["detail"]) == (503, "Not answering: cards.")
