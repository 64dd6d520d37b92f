"""Requests to the three services, and what they left in the database, for tests of their routes."""

import httpx

from tests.reference_services.services import SNAPSHOT, Service, as_tenant

# A POST route of each service.
A_ROUTE = {
    "onboarding": "/api/v1/onboarding/sessions",
    "cards": "/api/v1/cards/batch",
    "workflow": "/api/v1/workflows/execute",
}

FOUR_TYPES = ["company", "audience", "voice", "insight"]


def post_batch(cards: Service, tenant: str, key: str, body: object = SNAPSHOT) -> httpx.Response:
    headers = as_tenant(tenant, idempotency_key=key)
    return cards.http.post("/api/v1/cards/batch", json=body, headers=headers)


def usage_rows(cards: Service, tenant: str) -> int:
    sql = "SELECT count(*) FROM card_usage WHERE tenant_id = :tenant"
    return int(str(cards.rows(sql, tenant=tenant)[0][0]))


def usage_counts(cards: Service, tenant: str) -> list[int]:
    answer = cards.http.get("/api/v1/cards", headers=as_tenant(tenant)).json()
    return [card["usage_count"] for card in answer["cards"]]


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


EXECUTE = "/api/v1/workflows/execute"


def execute(workflow: Service, tenant: str, url: str = EXECUTE, **body: object) -> httpx.Response:
    body = {"workflow_type": "linkedin_post"} | body
    return workflow.http.post(url, json=body, headers=as_tenant(tenant))
