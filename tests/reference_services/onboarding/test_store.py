"""Tests of the SQL store of Onboarding."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

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
