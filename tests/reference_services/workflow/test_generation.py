"""Tests of the content that templates make of a context."""

import pytest

from reference_services.workflow.generation import texts
from tests.reference_services.api_requests import execute
from tests.reference_services.services import (
    Stack,
    as_tenant,
    make_cards,
)

TYPES = ["linkedin_post", "premium_newsletter", "onboarding_content"]


CARD_TEXTS = ["Rockets since 1949", "Coyotes in a hurry", "Dry and precise", "Gravity waits"]


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


def test_texts_are_found_at_any_depth_and_keys_are_none() -> None:
    value = {"a": ["one", {"b": 2}], "c": None, "d": [[True]]}
    assert list(texts(value)) == ["one", "2", "True"]
