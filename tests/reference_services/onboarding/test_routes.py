"""Tests of the routes of Onboarding."""

from uuid import uuid4

from tests.reference_services.api_requests import SESSIONS, open_session, submit
from tests.reference_services.services import (
    Service,
    Stack,
    as_tenant,
)


def test_a_session_is_open_and_has_no_cards_until_it_is_answered(
    onboarding: Service, tenant: str
) -> None:
    with onboarding.increases() as increase:
        session_id = open_session(onboarding, tenant)
    session = onboarding.http.get(f"{SESSIONS}/{session_id}", headers=as_tenant(tenant)).json()
    assert session["status"] == "open"
    assert "card_ids" not in session
    assert increase("onboarding_sessions_total", tenant_id=tenant) == 1


def test_answers_make_one_card_of_each_type_in_one_batch(stack: Stack, tenant: str) -> None:
    session_id = open_session(stack.onboarding, tenant)
    with stack.onboarding.increases() as increase, stack.cards.increases() as at_cards:
        answer = submit(stack.onboarding, tenant, session_id)
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert len(set(answer.json()["card_ids"])) == answer.json()["cards_created_count"] == 4
    for card_type in ("company", "audience", "voice", "insight"):
        labels = {"tenant_id": tenant, "card_type": card_type}
        assert increase("onboarding_cards_created_total", **labels) == 1
    assert at_cards("cards_api_requests_total", endpoint="/batch", status="201") == 1
    assert at_cards("cards_api_requests_total") == 1


def test_a_completed_session_shows_its_cards(onboarding: Service, tenant: str) -> None:
    session_id = open_session(onboarding, tenant)
    card_ids = submit(onboarding, tenant, session_id).json()["card_ids"]
    session = onboarding.http.get(f"{SESSIONS}/{session_id}", headers=as_tenant(tenant)).json()
    assert (session["status"], session["card_ids"]) == ("completed", card_ids)
    assert session["cards_created_count"] == 4


def test_answers_submitted_again_create_nothing(stack: Stack, tenant: str) -> None:
    session_id = open_session(stack.onboarding, tenant)
    first = submit(stack.onboarding, tenant, session_id)
    with stack.onboarding.increases() as increase, stack.cards.increases() as at_cards:
        second = submit(stack.onboarding, tenant, session_id, idempotency_key=str(uuid4()))
    assert second.json() == first.json()
    assert increase("onboarding_cards_created_total", tenant_id=tenant) == 0
    assert at_cards("cards_created_total", tenant_id=tenant) == 0


def test_a_key_used_for_another_session_is_a_conflict_that_a_new_key_resolves(
    onboarding: Service, tenant: str
) -> None:
    first, second = open_session(onboarding, tenant), open_session(onboarding, tenant)
    submit(onboarding, tenant, first, idempotency_key="one")
    assert submit(onboarding, tenant, second, idempotency_key="one").status_code == 409
    assert submit(onboarding, tenant, second, idempotency_key="two").status_code == 200


def test_answers_that_are_too_long_for_cards_are_refused_and_shorter_ones_then_accepted(
    onboarding: Service, tenant: str
) -> None:
    session_id = open_session(onboarding, tenant)
    endless = [{"question_id": f"q{number}", "answer": "x" * 10_000} for number in range(40)]
    answer = onboarding.http.post(
        f"{SESSIONS}/{session_id}/answers", json={"answers": endless}, headers=as_tenant(tenant)
    )
    assert (answer.status_code, answer.json()["error"]) == (413, "BodyTooLarge")
    assert submit(onboarding, tenant, session_id).json()["cards_created_count"] == 4
