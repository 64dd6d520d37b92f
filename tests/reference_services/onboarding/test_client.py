"""Tests of the call from Onboarding to Cards."""

from uuid import uuid4

import httpx
import pytest

from tests.reference_services.api_requests import SESSIONS, open_session, submit
from tests.reference_services.databases import Databases
from tests.reference_services.services import (
    as_tenant,
    onboarding_service,
)


@pytest.mark.parametrize("failure", [500, 503, 429, httpx.ConnectError, httpx.ReadTimeout])
def test_a_session_stays_open_while_cards_fails_and_is_completed_later(
    databases: Databases, tenant: str, failure: int | type[httpx.RequestError]
) -> None:
    """Cards fails three times, which uses up one submission, and then succeeds."""
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
