"""Does every service keep what the three have in common?"""

import json
import socket
import sqlite3
import subprocess
import sys
from uuid import uuid4

import httpx
import pytest

from reference_services.cards.app import create_app as create_cards
from tests.reference_services.databases import SERVICES, Databases, read_rows
from tests.reference_services.services import Service, Stack, as_tenant, serving, settings

A_ROUTE = {
    "onboarding": "/api/v1/onboarding/sessions",
    "cards": "/api/v1/cards/batch",
    "workflow": "/api/v1/workflows/execute",
}


@pytest.fixture(params=SERVICES)
def name(request: pytest.FixtureRequest) -> str:
    """Name each service in turn."""
    return str(request.param)


@pytest.fixture
def service(stack: Stack, name: str) -> Service:
    """Return each service in turn."""
    found: Service = getattr(stack, name)
    return found


def test_a_request_without_a_tenant_is_unauthorized(service: Service, name: str) -> None:
    answer = service.http.post(A_ROUTE[name], json={})
    assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized")


@pytest.mark.parametrize("tenant", ["me", "{11111111-1111-4111-8111-111111111111}", "1" * 32])
def test_a_tenant_that_is_no_uuid_is_refused(service: Service, name: str, tenant: str) -> None:
    answer = service.http.post(A_ROUTE[name], json={}, headers=as_tenant(tenant))
    assert (answer.status_code, answer.json()["error"]) == (400, "BadRequest")


def test_a_body_of_another_tenant_is_refused(service: Service, name: str, tenant: str) -> None:
    bodies: dict[str, dict[str, object]] = {
        "onboarding": {"company_domain": "acme.example", "user_email": "ada@acme.example"},
        "cards": {"cards": [{"card_type": "voice", "content": {}}]},
        "workflow": {"workflow_type": "linkedin_post", "card_ids": ["1"]},
    }
    body = bodies[name] | {"tenant_id": str(uuid4())}
    answer = service.http.post(A_ROUTE[name], json=body, headers=as_tenant(tenant))
    assert answer.status_code == 400


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


def test_the_trace_id_is_returned(service: Service) -> None:
    answer = service.http.get("/health", headers={"X-Trace-ID": "mine"})
    assert answer.headers["X-Trace-ID"] == "mine"


def test_a_trace_id_is_made_when_none_or_an_endless_one_is_given(service: Service) -> None:
    for headers in ({}, {"X-Trace-ID": "x" * 129}):
        made = service.http.get("/health", headers=headers).headers["X-Trace-ID"]
        assert len(made) == 36


def test_a_body_over_a_mebibyte_is_refused_announced_or_not(
    service: Service, name: str, tenant: str
) -> None:
    body = json.dumps({"x": "y" * 1024 * 1024}).encode()
    headers = as_tenant(tenant, content_type="application/json")
    announced = service.http.post(A_ROUTE[name], content=body, headers=headers)
    chunked = service.http.post(A_ROUTE[name], content=iter([body[:99], body]), headers=headers)
    for answer in (announced, chunked):
        assert (answer.status_code, answer.json()["error"]) == (413, "BodyTooLarge")
        assert answer.headers["X-Trace-ID"] == answer.json()["request_id"]


def test_a_body_that_is_not_json_is_refused(service: Service, name: str, tenant: str) -> None:
    headers = as_tenant(tenant, content_type="application/json")
    for body in (b"{", b"[" * 100_000, b"\xff", b'{"workflow_type": "\\ud800"}'):
        answer = service.http.post(A_ROUTE[name], content=body, headers=headers)
        assert answer.status_code in (400, 422), body[:9]
        assert set(answer.json()) == {"error", "detail", "request_id"}


def test_a_running_service_is_healthy_and_ready(service: Service) -> None:
    assert service.http.get("/health").json()["status"] == "ok"
    assert service.http.get("/ready").json()["status"] == "ok"


def test_openapi_declares_the_error_form_and_no_other(service: Service) -> None:
    document = service.http.get("/openapi.json").json()
    assert "HTTPValidationError" not in json.dumps(document)
    for path, methods in document["paths"].items():
        if path.startswith("/api"):
            for operation in methods.values():
                assert {"400", "401", "413", "422", "500"} <= set(operation["responses"])
                assert operation["security"] == [{"X-Tenant-ID": []}]


def test_an_unforeseen_failure_is_answered_in_the_error_form_and_counted(
    sqlite: Databases, tenant: str
) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.DatabaseError("SELECT secret FROM disk")

    app = create_cards(settings("cards", sqlite))
    app.state.parts.store.list_page = fail
    with serving(app, sqlite.url_of("cards")) as cards:
        answer = cards.http.get("/api/v1/cards", headers=as_tenant(tenant))
        assert cards.scrape().total("cards_api_requests_total", status="500") == 1
    assert (answer.status_code, answer.json()["error"]) == (500, "InternalError")
    assert answer.json()["request_id"] == answer.headers["X-Trace-ID"]
    assert "secret" not in answer.text


def test_a_process_is_configured_by_its_environment_and_logs_each_request_as_json(
    databases: Databases, tenant: str
) -> None:
    """The socket listens before the process runs, so a request waits until it is served."""
    database_url = databases.url_of("cards")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = ["--factory", "reference_services.cards.app:create_app", "--no-access-log"]
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *arguments, "--fd", str(listener.fileno())],
            pass_fds=[listener.fileno()],
            env={"DATABASE_URL": database_url, "LOG_LEVEL": "info"},
            stderr=subprocess.PIPE,
            text=True,
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1/cards/retrieve?card_ids=a"
        httpx.get(url, headers=as_tenant(tenant, x_trace_id="trace-9"), timeout=20)
        process.terminate()
        _, log = process.communicate(timeout=20)
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert len(lines) == 1
    assert lines[0]["duration_ms"] > 0
    wanted = {
        "service": "cards",
        "method": "GET",
        "route": "/api/v1/cards/retrieve",
        "status": 200,
        "trace_id": "trace-9",
        "tenant": tenant,
    }
    assert wanted.items() <= lines[0].items()
    assert read_rows(database_url, "SELECT count(*) FROM cards") == [(0,)]
