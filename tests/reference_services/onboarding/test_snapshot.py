"""Tests of the company snapshot."""

from reference_services.onboarding.models import QuestionAnswer
from reference_services.onboarding.snapshot import build_snapshot
from tests.reference_services.api_requests import open_session, submit
from tests.reference_services.services import (
    Stack,
    as_tenant,
)


def test_the_cards_carry_the_answers_and_the_session(stack: Stack, tenant: str) -> None:
    session_id = open_session(stack.onboarding, tenant)
    submit(stack.onboarding, tenant, session_id)
    cards = stack.cards.http.get("/api/v1/cards", headers=as_tenant(tenant)).json()["cards"]
    assert all("We automate rockets" in str(card["content"]) for card in cards)
    assert {card["source_session_id"] for card in cards} == {session_id}


def test_equal_answers_build_equal_snapshots_of_every_answer() -> None:
    answers = [
        QuestionAnswer(question_id="offer", answer="Rockets"),
        QuestionAnswer(question_id="since", answer="1949"),
    ]
    one, other = (build_snapshot("acme.example", answers) for _ in range(2))
    assert one == other
    assert one.company == {
        "name": "Acme",
        "domain": "acme.example",
        "description": "Rockets 1949",
    }
    assert one.voice["sample"] == "Rockets"
    assert one.insights == {"offer": "Rockets", "since": "1949"}
