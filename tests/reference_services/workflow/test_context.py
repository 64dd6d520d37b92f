"""Tests of the context of an execution: from Cards, from the cache or from the body."""

from uuid import uuid4

from reference_services.workflow.context import collect_from_body
from reference_services.workflow.models import LegacyContext
from tests.reference_services.api_requests import (
    execute,
)
from tests.reference_services.services import (
    Service,
    Stack,
    make_cards,
)


def test_cards_of_another_tenant_are_missing(stack: Stack, tenant: str) -> None:
    card_ids, me = make_cards(stack.cards, tenant), str(uuid4())
    with stack.workflow.increases() as increase, stack.cards.increases() as at_cards:
        answer = execute(stack.workflow, me, card_ids=card_ids)
    assert answer.status_code == 404
    assert increase("workflow_executions_total", tenant_id=me, status="failed") == 1
    assert increase("workflow_cards_fetched_total") == 0
    assert at_cards("cards_api_usage_total") == 0


def test_the_deprecated_context_still_works_and_returns_a_warning_header(
    workflow: Service, tenant: str
) -> None:
    context = {"company": {"name": "Acme"}, "voice": {"tone": "Dry and precise"}}
    with workflow.increases() as increase:
        answer = execute(workflow, tenant, context=context)
    assert "Dry and precise" in answer.json()["output"]["content"]
    assert answer.json()["cards_used"] == []
    assert "card_ids" in answer.headers["X-API-Deprecation-Warning"]
    assert "X-API-Migration-Guide" in answer.headers
    labels = {"tenant_id": tenant, "context_source": "legacy", "status": "completed"}
    assert increase("workflow_executions_total", **labels) == 1


def test_card_ids_take_precedence_over_the_context(stack: Stack, tenant: str) -> None:
    card_ids = make_cards(stack.cards, tenant)
    context = {"company": {"name": "Somebody else"}}
    answer = execute(stack.workflow, tenant, card_ids=card_ids, context=context)
    assert "Somebody else" not in answer.text
    assert answer.json()["cards_used"] == card_ids


def test_a_body_without_a_part_leaves_its_type_empty() -> None:
    collected = collect_from_body(LegacyContext(voice={"tone": "dry"}, company={}))
    assert collected.context == {
        "company": [],
        "audience": [],
        "voice": [{"tone": "dry"}],
        "insight": [],
    }
    assert (collected.card_ids, collected.source) == ([], "legacy")
