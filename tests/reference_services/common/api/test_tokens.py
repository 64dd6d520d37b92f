"""Tests of bearer tokens."""

import hmac
import inspect
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from reference_services.common.api.tokens import Tokens
from tests.reference_services.databases import SERVICES, Databases, sqlite_databases
from tests.reference_services.services import (
    SNAPSHOT,
    Service,
    Stack,
    as_tenant,
    cards_service,
    onboarding_service,
    workflow_service,
)

USERS = {"API_TOKENS": "ada-1,bob-1", "SERVICE_TOKENS": "robot-1"}
OPEN = ["/health", "/ready", "/metrics", "/openapi.json"]


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run three services with tokens; Cards accepts the services' token only."""
    databases = sqlite_databases(tmp_path_factory.mktemp("guarded"))
    with ExitStack() as held:
        cards = held.enter_context(cards_service(databases, SERVICE_TOKENS="robot-1"))
        theirs = USERS | {"CARDS_URL": cards.url, "CARDS_TOKEN": "robot-1"}
        yield Stack(
            held.enter_context(onboarding_service(databases, None, **theirs)),
            cards,
            held.enter_context(workflow_service(databases, None, **theirs)),
        )


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, guarded: Stack) -> Service:
    """Return each service in turn."""
    found: Service = getattr(guarded, request.param)
    return found


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run Cards with tokens of users and of services."""
    with cards_service(sqlite_databases(tmp_path_factory.mktemp("tokens")), **USERS) as service:
        yield service


def assert_unauthorized(answer: httpx.Response) -> None:
    assert answer.status_code == 401
    assert answer.json()["error"] == "Unauthorized"
    assert set(answer.json()) == {"error", "detail", "request_id"}
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_without_configured_tokens_none_is_needed(sqlite: Databases, tenant: str) -> None:
    with cards_service(sqlite) as open_cards:
        for headers in ({}, bearing("whatever")):
            answer = open_cards.http.get("/api/v1/cards", headers=as_tenant(tenant) | headers)
            assert answer.status_code == 200


@pytest.mark.parametrize("token", ["ada-1", "bob-1", "robot-1"])
def test_every_configured_token_is_accepted(cards: Service, tenant: str, token: str) -> None:
    answer = cards.http.get("/api/v1/cards", headers=as_tenant(tenant) | bearing(token))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        b"",
        b"Bearer",
        b"Bearer wrong",
        b"Bearer ada-",
        b"Bearer ada-12",
        b"Bearer ADA-1",
        b"Bearer ada-1,bob-1",
        b"Bearer \xff\xfe",
        "Bearer ada-1é".encode(),
        b"Basic ada-1",
        b"Token ada-1",
        b"ada-1",
    ],
)
def test_anything_else_is_unauthorized(
    cards: Service, tenant: str, authorization: bytes | None
) -> None:
    headers = [(b"X-Tenant-ID", tenant.encode())]
    if authorization is not None:
        headers.append((b"Authorization", authorization))
    assert_unauthorized(cards.http.get("/api/v1/cards", headers=headers))


def test_the_token_is_asked_for_on_every_route(service: Service, tenant: str) -> None:
    paths = service.http.get("/openapi.json").json()["paths"]
    routes = [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/api")
    ]
    assert routes
    for method, path in routes:
        assert_unauthorized(service.http.request(method, path, headers=as_tenant(tenant)))


@pytest.mark.parametrize("tenant_id", [None, "nobody"])
@pytest.mark.parametrize("body", [b"{", b'{"card_ids": 1}', b"[" * 1_100_000])
def test_the_token_is_checked_before_the_tenant_and_the_body(
    cards: Service, tenant_id: str | None, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    if tenant_id:
        headers |= as_tenant(tenant_id)
    for path in ("/api/v1/cards/retrieve", "/api/v1/cards/batch"):
        assert_unauthorized(cards.http.post(path, content=body, headers=headers))


def test_a_refused_body_leaves_nothing_behind(cards: Service, tenant: str) -> None:
    answer = cards.http.post("/api/v1/cards/batch", json=SNAPSHOT, headers=as_tenant(tenant))
    assert_unauthorized(answer)
    assert cards.rows("SELECT count(*) FROM cards WHERE tenant_id = :t", t=tenant) == [(0,)]


@pytest.mark.parametrize("path", OPEN)
def test_operational_routes_need_no_token(service: Service, path: str) -> None:
    assert service.http.get(path).status_code == 200


def test_two_services_meet_with_the_services_token(guarded: Stack, tenant: str) -> None:
    """Cards rejects a user's token here, so a forwarded one would show."""
    headers = as_tenant(tenant) | bearing("ada-1")
    assert_unauthorized(guarded.cards.http.get("/api/v1/cards", headers=headers))
    session = {"company_domain": "acme.example", "user_email": "ada@acme.example"}
    sessions = "/api/v1/onboarding/sessions"
    made = guarded.onboarding.http.post(sessions, json=session, headers=headers).json()
    replies = {"answers": [{"question_id": "what", "answer": "rockets"}]}
    answered = guarded.onboarding.http.post(
        f"{sessions}/{made['session_id']}/answers", json=replies, headers=headers
    )
    assert answered.status_code == 200
    body = {"workflow_type": "linkedin_post", "card_ids": answered.json()["card_ids"]}
    ran = guarded.workflow.http.post("/api/v1/workflows/execute", json=body, headers=headers)
    assert (ran.status_code, len(ran.json()["cards_used"])) == (200, 4)


@pytest.mark.parametrize(("own", "sent"), [("robot-1", "Bearer robot-1"), ("", None)])
def test_no_call_carries_the_users_token(
    sqlite: Databases, tenant: str, own: str, sent: str | None
) -> None:
    seen: list[str | None] = []

    def record(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Authorization"))
        assert "ada-1" not in str(request.headers.raw) + request.content.decode()
        return httpx.Response(200, json={"cards": []})

    variables = {"API_TOKENS": "ada-1", "CARDS_TOKEN": own}
    with workflow_service(sqlite, httpx.MockTransport(record), **variables) as workflow:
        body = {"workflow_type": "linkedin_post", "card_ids": [str(uuid4())]}
        headers = as_tenant(tenant) | bearing("ada-1")
        workflow.http.post("/api/v1/workflows/execute", json=body, headers=headers)
        workflow.http.get("/ready")
    assert seen == [sent, sent]


def test_a_removed_token_is_no_longer_accepted(sqlite: Databases, tenant: str) -> None:
    """The three starts of a rotation: the old token, both, the new one."""
    accepted = []
    for tokens in ("old", "old,new", "new"):
        with cards_service(sqlite, API_TOKENS=tokens) as service:
            accepted.append(
                [
                    token
                    for token in ("old", "new")
                    if service.http.get(
                        "/api/v1/cards", headers=as_tenant(tenant) | bearing(token)
                    ).is_success
                ]
            )
    assert accepted == [["old"], ["old", "new"], ["new"]]


@pytest.mark.parametrize("offered", ["a", "bb", "ccc", "d" * 99, ""])
def test_a_token_is_compared_with_all_others_at_one_length(offered: str) -> None:
    compared: list[tuple[int, int]] = []

    def note(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return hmac.compare_digest(one, other)

    tokens = Tokens([SecretStr("a"), SecretStr("bb"), SecretStr("ccc")], compare=note)
    assert tokens.accept(offered) is (offered in {"a", "bb", "ccc"})
    assert compared == [(32, 32)] * 3


def test_tokens_are_compared_in_constant_time_by_default() -> None:
    assert inspect.signature(Tokens).parameters["compare"].default is hmac.compare_digest
