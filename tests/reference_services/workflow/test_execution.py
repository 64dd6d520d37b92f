"""Tests of one execution from request to stored result."""

from uuid import uuid4

from tests.reference_services.api_requests import (
    execute,
)
from tests.reference_services.services import (
    Stack,
    make_cards,
)


def test_missing_cards_make_the_result_partial(stack: Stack, tenant: str) -> None:
    card_ids = make_cards(stack.cards, tenant)
    with stack.workflow.increases() as increase:
        answer = execute(stack.workflow, tenant, card_ids=[str(uuid4()), *card_ids[:2]])
    assert (answer.status_code, answer.json()["partial_result"]) == (200, True)
    assert answer.headers["X-Partial-Result"] == "true"
    assert answer.json()["cards_used"] == card_ids[:2]
    assert increase("workflow_partial_results_total", workflow_type="linkedin_post") == 1
    assert increase("workflow_cards_fetched_total", tenant_id=tenant) == 2
