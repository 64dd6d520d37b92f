"""Tests of the rate limit per tenant."""

import time
from uuid import uuid4

import pytest

from tests.reference_services.databases import Databases
from tests.reference_services.services import (
    Service,
    as_tenant,
    cards_service,
    make_cards,
    onboarding_service,
    use_cards,
    workflow_service,
)


def calls(service: Service, tenant: str, times: int) -> list[int]:
    headers = as_tenant(tenant)
    return [service.http.get("/api/v1/cards", headers=headers).status_code for _ in range(times)]


def test_without_a_rate_no_request_is_limited(sqlite: Databases, tenant: str) -> None:
    with cards_service(sqlite) as cards:
        assert set(calls(cards, tenant, 60)) == {200}


def test_a_tenant_over_its_rate_is_refused_and_another_is_not(
    sqlite: Databases, tenant: str
) -> None:
    with cards_service(sqlite, RATE_LIMIT="3/hour") as cards:
        assert calls(cards, tenant, 5) == [200, 200, 200, 429, 429]
        assert calls(cards, str(uuid4()), 4) == [200, 200, 200, 429]
        assert calls(cards, tenant.upper(), 1) == [429]


def test_a_limited_request_gets_the_pause_in_whole_seconds(sqlite: Databases, tenant: str) -> None:
    with cards_service(sqlite, RATE_LIMIT="1/hour") as cards:
        calls(cards, tenant, 1)
        answer = cards.http.get("/api/v1/cards", headers=as_tenant(tenant))
    assert (answer.status_code, answer.json()["error"]) == (429, "TooManyRequests")
    assert 3590 <= int(answer.headers["Retry-After"]) <= 3600
    assert answer.headers["Retry-After"] in answer.json()["detail"]


def test_a_tenant_that_waits_for_retry_after_is_accepted_again(
    sqlite: Databases, tenant: str
) -> None:
    with cards_service(sqlite, RATE_LIMIT="5/second") as cards:
        headers = as_tenant(tenant)
        answers = [cards.http.get("/api/v1/cards", headers=headers) for _ in range(20)]
        refused = [each for each in answers if each.status_code == 429]
        assert refused
        time.sleep(int(refused[-1].headers["Retry-After"]))
        assert calls(cards, tenant, 1) == [200]


def test_a_refused_request_is_counted_and_is_no_use(databases: Databases, tenant: str) -> None:
    with cards_service(databases, RATE_LIMIT="2/hour") as cards:
        card_ids = make_cards(cards, tenant)
        statuses = [use_cards(cards, tenant, card_ids, f"w{n}").status_code for n in range(4)]
        assert statuses == [200, 429, 429, 429]
        scrape = cards.scrape()
        counted = scrape.total("cards_api_requests_total", status="429", endpoint="/retrieve")
        assert counted == 3
        assert scrape.total("cards_api_usage_total", tenant_id=tenant) == 4
        assert cards.rows("SELECT count(*) FROM card_usage") == [(4,)]
        assert cards.rows("SELECT sum(usage_count) FROM cards") == [(4,)]


def test_a_refused_request_makes_no_card_session_or_workflow(
    sqlite: Databases, tenant: str
) -> None:
    rate = {"RATE_LIMIT": "1/hour"}
    headers = as_tenant(tenant)
    with (
        onboarding_service(sqlite, None, **rate) as onboarding,
        workflow_service(sqlite, None, **rate) as flow,
    ):
        session = {"company_domain": "acme.example", "user_email": "ada@acme.example"}
        body = {"workflow_type": "linkedin_post", "context": {"company": {"name": "Acme"}}}
        for status in (201, 429):
            made = onboarding.http.post(
                "/api/v1/onboarding/sessions", json=session, headers=headers
            )
            assert made.status_code == status
        for status in (200, 429):
            ran = flow.http.post("/api/v1/workflows/execute", json=body, headers=headers)
            assert ran.status_code == status
        assert onboarding.rows("SELECT count(*) FROM onboarding_sessions") == [(1,)]
        assert onboarding.scrape().total("onboarding_sessions_total") == 1
        assert flow.rows("SELECT count(*) FROM workflow_executions") == [(1,)]
        assert flow.scrape().total("workflow_executions_total") == 1


def test_a_stranger_cannot_use_up_a_tenants_rate(sqlite: Databases, tenant: str) -> None:
    with cards_service(sqlite, RATE_LIMIT="1/hour", API_TOKENS="ada-1") as cards:
        assert calls(cards, tenant, 3) == [401, 401, 401]
        headers = as_tenant(tenant, authorization="Bearer ada-1")
        assert cards.http.get("/api/v1/cards", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_probes_and_scrapes_are_never_limited(sqlite: Databases, tenant: str, path: str) -> None:
    with cards_service(sqlite, RATE_LIMIT="1/hour") as cards:
        calls(cards, tenant, 2)
        answers = [cards.http.get(path, headers=as_tenant(tenant)) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
