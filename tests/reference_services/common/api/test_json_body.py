"""Tests of strict bodies on every route: what is odd is refused before anything is stored."""

import json
from typing import Any

import pytest

from reference_services.common.api.schemas import CONTENT_BYTES
from tests.reference_services.api_requests import open_session, usage_counts
from tests.reference_services.services import SNAPSHOT, Service, Stack, as_tenant

# Placed where a client may write any JSON value, or any text.
ODD_VALUES = {
    "NaN": "NaN",
    "infinity": "-Infinity",
    "overflow": "1e999",
    "integer": "1" * 30,
    "NUL": r'"a\u0000"',
    "surrogate": r'"a\ud800"',
    "duplicate": '{"a": 1, "a": 2}',
    "deep": "[" * 252 + "]" * 252,
    "deeper": "[" * 3000 + "]" * 3000,
}
JSON = "application/json"
BODIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "card": ("cards", "/api/v1/cards", {"card_type": "voice", "content": {"x": "?"}}),
    "batch": ("cards", "/api/v1/cards/batch",
              {"cards": [{"card_type": "voice", "content": {"x": "?"}}]}),
    "snapshot": ("cards", "/api/v1/cards/batch",
                 {"company_snapshot": SNAPSHOT["company_snapshot"] | {"insights": ["?"]}}),
    "retrieve": ("cards", "/api/v1/cards/retrieve", {"card_ids": ["a"], "x": "?"}),
    "usage": ("cards", "/api/v1/cards/a/usage",
              {"workflow_id": "a", "workflow_type": "a", "x": "?"}),
    "session": ("onboarding", "/api/v1/onboarding/sessions",
                {"company_domain": "a.b", "user_email": "?"}),
    "answers": ("onboarding", "/api/v1/onboarding/sessions/a/answers",
                {"answers": [{"question_id": "a", "answer": "?"}]}),
    "execute": ("workflow", "/api/v1/workflows/execute",
                {"workflow_type": "linkedin_post", "context": {"company": {"x": "?"}}}),
    "parameters": ("workflow", "/api/v1/workflows/execute",
                   {"workflow_type": "linkedin_post", "context": {"company": {"a": 1}},
                    "parameters": {"x": "?"}}),
}  # fmt: skip


@pytest.mark.parametrize("value", ODD_VALUES.values(), ids=ODD_VALUES)
@pytest.mark.parametrize("body", BODIES)
def test_an_odd_value_anywhere_is_refused_with_its_field_on_every_route(
    stack: Stack, tenant: str, body: str, value: str
) -> None:
    name, path, content = BODIES[body]
    service: Service = getattr(stack, name)
    text = json.dumps(content).replace('"?"', value)
    answer = service.http.post(
        path, content=text, headers=as_tenant(tenant, content_type=JSON)
    )  # fmt: skip
    assert (answer.status_code, answer.json()["error"]) == (422, "ValidationError")
    assert answer.json()["detail"].startswith("body")
    assert len(answer.text) < 1000
    assert usage_counts(stack.cards, tenant) == []


@pytest.mark.parametrize("part", ["company", "insights"])
def test_a_content_over_its_size_is_refused_and_one_at_the_limit_is_listed(
    cards: Service, tenant: str, part: str
) -> None:
    def post(size: int) -> int:
        snapshot = SNAPSHOT["company_snapshot"] | {part: {"x": "a" * (size - len('{"x":""}'))}}
        body = {"company_snapshot": snapshot}
        return cards.http.post(
            "/api/v1/cards/batch", json=body, headers=as_tenant(tenant)
        ).status_code  # fmt: skip

    assert post(CONTENT_BYTES + 1) == 413
    assert usage_counts(cards, tenant) == []
    assert post(CONTENT_BYTES) == 201
    assert len(usage_counts(cards, tenant)) == 4


def test_a_list_of_insights_at_the_size_limit_becomes_a_card(cards: Service, tenant: str) -> None:
    insights = ["a" * (CONTENT_BYTES - len('[""]'))]
    body = {"company_snapshot": SNAPSHOT["company_snapshot"] | {"insights": insights}}
    answer = cards.http.post("/api/v1/cards/batch", json=body, headers=as_tenant(tenant))
    assert answer.status_code == 201
    assert len(usage_counts(cards, tenant)) == 4


def test_answers_over_the_size_of_a_card_leave_the_session_open(stack: Stack, tenant: str) -> None:
    session = open_session(stack.onboarding, tenant)
    path = f"/api/v1/onboarding/sessions/{session}/answers"
    long = [{"question_id": f"q{number}", "answer": "a" * 9_000} for number in range(20)]
    headers = as_tenant(tenant)
    assert (
        stack.onboarding.http.post(path, json={"answers": long}, headers=headers).status_code == 413
    )
    short = {"answers": long[:2]}
    assert stack.onboarding.http.post(path, json=short, headers=headers).status_code == 200
