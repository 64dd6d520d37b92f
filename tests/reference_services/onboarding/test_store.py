"""Tests of the SQL store of Onboarding."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from reference_services.common.database import Database
from reference_services.common.migration import migrate, revisions_of
from reference_services.onboarding.models import OnboardingSession, SessionBody, Snapshot
from reference_services.onboarding.store import SessionsStore, Submission
from tests.reference_services.api_requests import (
    SESSIONS,
    open_session,
    submit,
)
from tests.reference_services.databases import Databases
from tests.reference_services.services import (
    Service,
    Stack,
    as_tenant,
)


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


def test_another_tenants_session_is_not_found(onboarding: Service, tenant: str) -> None:
    session_id, me = open_session(onboarding, tenant), str(uuid4())
    assert submit(onboarding, me, session_id).status_code == 404
    url = f"{SESSIONS}/{session_id}"
    assert onboarding.http.get(url, headers=as_tenant(me)).status_code == 404


@pytest.fixture
def store(databases: Databases) -> Iterator[SessionsStore]:
    """Open the store on an empty database of each dialect."""
    database = Database(databases.url_of("onboarding"), connections=2)
    migrate(database, "onboarding", revisions_of("onboarding"))
    yield SessionsStore(database)
    database.close()


def opened(store: SessionsStore, tenant: str) -> OnboardingSession:
    body = SessionBody(company_domain="acme.example", user_email="ada@acme.example")
    return store.create(tenant, body)


def submission(key: str) -> Submission:
    return Submission(Snapshot(company={}, audience={}, voice={}, insights={"key": key}), key)


def test_the_first_submission_stands_until_it_is_withdrawn(
    store: SessionsStore, tenant: str
) -> None:
    session = opened(store, tenant)
    first, second = submission("first"), submission("second")
    assert store.submit(session, first) == first
    assert store.submit(session, second) == first
    store.withdraw(session, second)
    assert store.submit(session, second) == first
    store.withdraw(session, first)
    assert store.submit(session, second) == second


def test_a_session_is_completed_once(store: SessionsStore, tenant: str) -> None:
    session = opened(store, tenant)
    assert store.complete(session, ["c1", "c2"])
    assert not store.complete(session, ["c3"])
    read = store.read(tenant, session.session_id)
    assert read is not None
    assert (read.status, read.card_ids, read.cards_created_count) == ("completed", ["c1", "c2"], 2)


def test_a_session_of_another_tenant_is_not_read(store: SessionsStore, tenant: str) -> None:
    session = opened(store, tenant)
    assert store.read(tenant, session.session_id) == session
    assert store.read(str(uuid4()), session.session_id) is None


UNREADABLE = {
    "deep": ("[" * 300 + "]" * 300, "nested too deep"),
    "surrogate": (r'["\ud800"]', "half of a surrogate pair in a text"),
    "object": ('{"a": "b"}', "not a list of ids"),
    "numbers": ("[1, 2]", "not a list of ids"),
    "text": ('"c1"', "not a list of ids"),
}


def _overwrite(service: Service, column: str, session_id: str, content: str) -> None:
    cast = "CAST(:content AS json)" if "postgresql" in service.database_url else ":content"
    change = f"UPDATE onboarding_sessions SET {column} = {cast} WHERE session_id = :session_id"
    with create_engine(service.database_url, poolclass=NullPool).begin() as connection:
        connection.execute(text(change), {"content": content, "session_id": session_id})


@pytest.mark.parametrize("stored", UNREADABLE)
def test_card_ids_that_cannot_be_shown_are_left_out_with_the_reason(
    stack: Stack, tenant: str, stored: str
) -> None:
    content, reason = UNREADABLE[stored]
    session_id = open_session(stack.onboarding, tenant)
    assert submit(stack.onboarding, tenant, session_id).status_code == 200
    _overwrite(stack.onboarding, "card_ids", session_id, content)
    read = stack.onboarding.http.get(f"{SESSIONS}/{session_id}", headers=as_tenant(tenant))
    assert (read.status_code, read.json()["status"]) == (200, "completed")
    assert read.json()["card_ids_error"] == reason
    assert "card_ids" not in read.json()
    with stack.cards.increases() as at_cards:
        again = submit(stack.onboarding, tenant, session_id)
    assert (again.status_code, again.json()["card_ids"]) == (200, [])
    assert again.json()["card_ids_error"] == reason
    assert at_cards("cards_created_total", tenant_id=tenant) == 0


@pytest.mark.parametrize("content", ["[" * 300 + "]" * 300, "[]", '{"company": 1}', "null"])
def test_a_stored_submission_that_cannot_be_read_is_sent_anew_under_its_key(
    stack: Stack, tenant: str, content: str
) -> None:
    session_id = open_session(stack.onboarding, tenant)
    key = "CAST('k' AS varchar(500))"
    change = f"UPDATE onboarding_sessions SET batch_key = {key} WHERE session_id = :session_id"
    with create_engine(stack.onboarding.database_url, poolclass=NullPool).begin() as connection:
        connection.execute(text(change), {"session_id": session_id})
    _overwrite(stack.onboarding, "snapshot", session_id, content)
    with stack.cards.increases() as at_cards:
        for _ in range(2):
            assert submit(stack.onboarding, tenant, session_id).status_code == 200
    assert at_cards("cards_created_total", tenant_id=tenant) == 4
