"""Does an onboarding make its four cards, once?"""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from tests.reference_services.databases import Databases
from tests.reference_services.services import (
    Service,
    Stack,
    as_tenant,
    onboarding_service,
)

SESSIONS = "/api/v1/onboarding/sessions"
ANSWERS = {"answers": [{"question_id": "q1", "answer": "We automate rockets"}]}


def open_session(onboarding: Service, tenant: str) -> str:
    body = {"company_domain": "acme.example", "user_email": "ada@acme.example"}
    answer = onboarding.http.post(SESSIONS, json=body, headers=as_tenant(tenant))
    assert answer.status_code == 201
    return str(answer.json()["session_id"])


def submit(onboarding: Service, tenant: str, session_id: str, **headers: str) -> httpx.Response:
    return onboarding.http.post(
        f"{SESSIONS}/{session_id}/answers", json=ANSWERS, headers=as_tenant(tenant, **headers)
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


def test_the_cards_carry_the_answers_and_the_session(stack: Stack, tenant: str) -> None:
    session_id = open_session(stack.onboarding, tenant)
    submit(stack.onboarding, tenant, session_id)
    cards = stack.cards.http.get("/api/v1/cards", headers=as_tenant(tenant)).json()["cards"]
    assert all("We automate rockets" in str(card["content"]) for card in cards)
    assert {card["source_session_id"] for card in cards} == {session_id}


def test_a_completed_session_shows_its_cards(onboarding: Service, tenant: str) -> None:
    session_id = open_session(onboarding, tenant)
    card_ids = submit(onboarding, tenant, session_id).json()["card_ids"]
    session = onboarding.http.get(f"{SESSIONS}/{session_id}", headers=as_tenant(tenant)).json()
    assert (session["status"], session["card_ids"]) == ("completed", card_ids)
    assert session["cards_created_count"] == 4


def test_answers_submitted_again_make_nothing(stack: Stack, tenant: str) -> None:
    session_id = open_session(stack.onboarding, tenant)
    first = submit(stack.onboarding, tenant, session_id)
    with stack.onboarding.increases() as increase, stack.cards.increases() as at_cards:
        second = submit(stack.onboarding, tenant, session_id, idempotency_key=str(uuid4()))
    assert second.json() == first.json()
    assert increase("onboarding_cards_created_total", tenant_id=tenant) == 0
    assert at_cards("cards_created_total", tenant_id=tenant) == 0


def test_answers_submitted_twenty_times_at_once_under_different_keys_make_four_cards(
    stack: Stack, tenant: str
) -> None:
    session_id = open_session(stack.onboarding, tenant)
    with (
        stack.onboarding.increases() as increase,
        stack.cards.increases() as at_cards,
        ThreadPoolExecutor(20) as threads,
    ):
        answers = list(
            threads.map(
                lambda key: submit(
                    stack.onboarding, tenant, session_id, idempotency_key=f"key-{key}"
                ),
                range(20),
            )
        )
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert increase("onboarding_cards_created_total", tenant_id=tenant) == 4
    assert at_cards("cards_created_total", tenant_id=tenant) == 4


def test_a_key_used_for_another_session_is_a_conflict_that_a_new_key_resolves(
    onboarding: Service, tenant: str
) -> None:
    first, second = open_session(onboarding, tenant), open_session(onboarding, tenant)
    submit(onboarding, tenant, first, idempotency_key="one")
    assert submit(onboarding, tenant, second, idempotency_key="one").status_code == 409
    assert submit(onboarding, tenant, second, idempotency_key="two").status_code == 200


def test_no_answers_are_refused(onboarding: Service, tenant: str) -> None:
    url = f"{SESSIONS}/{open_session(onboarding, tenant)}/answers"
    answer = onboarding.http.post(url, json={"answers": []}, headers=as_tenant(tenant))
    assert answer.status_code == 422


def test_another_tenants_session_does_not_exist(onboarding: Service, tenant: str) -> None:
    session_id, me = open_session(onboarding, tenant), str(uuid4())
    assert submit(onboarding, me, session_id).status_code == 404
    url = f"{SESSIONS}/{session_id}"
    assert onboarding.http.get(url, headers=as_tenant(me)).status_code == 404


def test_the_duration_is_measured_by_route(onboarding: Service, tenant: str) -> None:
    with onboarding.increases() as increase:
        submit(onboarding, tenant, open_session(onboarding, tenant))
    name = "onboarding_request_duration_seconds_count"
    assert increase(name, method="POST", endpoint=SESSIONS) == 1
    assert increase(name, method="POST", endpoint=SESSIONS + "/{session_id}/answers") == 1
    assert increase(name) == 2


@pytest.mark.parametrize("failure", [500, 503, 429, httpx.ConnectError, httpx.ReadTimeout])
def test_a_session_stays_open_while_cards_fails_and_is_completed_later(
    databases: Databases, tenant: str, failure: int | type[httpx.RequestError]
) -> None:
    """Cards fails three times, which is one submission, and then answers."""
    keys: list[str] = []

    def cards(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) > 3:
            made = [{"card_id": str(uuid4()), "card_type": "voice"}]
            return httpx.Response(201, json={"cards": made, "created_count": 1})
        if isinstance(failure, int):
            return httpx.Response(failure)
        raise failure("gone")

    with onboarding_service(databases, httpx.MockTransport(cards)) as onboarding:
        session_id = open_session(onboarding, tenant)
        answer = submit(onboarding, tenant, session_id)
        assert (answer.status_code, answer.json()["error"]) == (502, "BadGateway")
        session = onboarding.http.get(f"{SESSIONS}/{session_id}", headers=as_tenant(tenant))
        assert session.json()["status"] == "open"
        assert submit(onboarding, tenant, session_id, idempotency_key="x").status_code == 200
    assert len(keys) == 4
    assert len(set(keys)) == 1


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


def test_an_answer_or_a_key_that_could_not_be_passed_on_is_refused(
    onboarding: Service, tenant: str
) -> None:
    url = f"{SESSIONS}/{open_session(onboarding, tenant)}/answers"
    headers = as_tenant(tenant, content_type="application/json")
    half = rb'{"answers": [{"question_id": "q1", "answer": "\ud800"}]}'
    assert onboarding.http.post(url, content=half, headers=headers).status_code == 422
    unprintable = {b"X-Tenant-ID": tenant.encode(), b"Idempotency-Key": b"\xff"}
    answer = onboarding.http.post(url, json=ANSWERS, headers=unprintable)
    assert answer.status_code == 422
