"""Tests of the error form, for every service."""

import pytest

from tests.reference_services.api_requests import A_ROUTE
from tests.reference_services.services import Service, as_tenant


def test_a_refusal_has_the_error_form_and_names_the_trace(
    service: Service, name: str, tenant: str
) -> None:
    secret = {"cards": "hunter2", "answers": "hunter2", "workflow_type": "hunter2"}
    answer = service.http.post(
        A_ROUTE[name], json=secret, headers=as_tenant(tenant, x_trace_id="trace-1")
    )
    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "detail", "request_id"}
    assert answer.json()["request_id"] == "trace-1"
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing"])
def test_an_unknown_route_is_answered_in_the_error_form(service: Service, path: str) -> None:
    answer = service.http.get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")


def test_a_wrong_method_is_answered_in_the_error_form(service: Service, name: str) -> None:
    answer = service.http.delete(A_ROUTE[name])
    assert (answer.status_code, answer.json()["error"]) == (405, "MethodNotAllowed")


def test_a_body_that_is_not_json_is_refused(service: Service, name: str, tenant: str) -> None:
    headers = as_tenant(tenant, content_type="application/json")
    for body in (b"{", b"[" * 100_000, b"\xff", b'{"workflow_type": "\\ud800"}'):
        answer = service.http.post(A_ROUTE[name], content=body, headers=headers)
        assert answer.status_code in (400, 422), body[:9]
        assert set(answer.json()) == {"error", "detail", "request_id"}
