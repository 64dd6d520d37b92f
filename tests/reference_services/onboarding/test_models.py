"""Tests of the request and response bodies of Onboarding."""

from tests.reference_services.api_requests import ANSWERS, SESSIONS, open_session
from tests.reference_services.services import (
    Service,
    as_tenant,
)


def test_no_answers_are_refused(onboarding: Service, tenant: str) -> None:
    url = f"{SESSIONS}/{open_session(onboarding, tenant)}/answers"
    answer = onboarding.http.post(url, json={"answers": []}, headers=as_tenant(tenant))
    assert answer.status_code == 422


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
