"""Tests of the routes of Workflow."""

import pytest

from tests.reference_services.api_requests import EXECUTE, execute
from tests.reference_services.services import (
    Service,
    Stack,
    make_cards,
)


def test_the_older_spelling_of_the_route_executes_too(stack: Stack, tenant: str) -> None:
    card_ids = make_cards(stack.cards, tenant)
    answer = execute(stack.workflow, tenant, "/api/v1/workflow/execute", card_ids=card_ids)
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [{}, {"card_ids": []}, {"context": {}}, {"card_ids": ["1"] * 101}])
def test_neither_cards_nor_context_or_too_many_are_refused(
    workflow: Service, tenant: str, body: dict[str, object]
) -> None:
    assert execute(workflow, tenant, EXECUTE, **body).status_code == 400


def test_an_unknown_workflow_type_is_refused(workflow: Service, tenant: str) -> None:
    assert execute(workflow, tenant, workflow_type="novel", card_ids=["1"]).status_code == 422
