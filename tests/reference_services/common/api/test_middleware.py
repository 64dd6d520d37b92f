"""Tests of the middleware: security headers, body limit, and no secret in a log or a file."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from starlette.exceptions import HTTPException
from starlette.types import Message

from reference_services.cards.app import create_app as create_cards
from reference_services.common.api.middleware import limit_body
from tests.paths import ROOT
from tests.reference_services.api_requests import A_ROUTE
from tests.reference_services.databases import SERVICES, Databases, sqlite_databases
from tests.reference_services.processes import ServiceProcess, environ_of, running
from tests.reference_services.services import (
    SNAPSHOT,
    Service,
    as_tenant,
    cards_service,
    serving,
    settings,
    workflow_service,
)

HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
TABLES = {
    "onboarding": ["onboarding_sessions"],
    "cards": ["cards", "card_usage", "idempotency_keys"],
    "workflow": ["workflow_executions", "owed_uses"],
}

# Each is sent in another part of a request and must appear in no log line.
IN_BODY, IN_KEY, IN_TOKEN = "secret-body", "secret-key", "secret-token"
IN_QUERY, IN_PATH, IN_HEADER = "secret-query", "secret-path", "secret-header"

# A user id that no account has: its files were written by the service under test.
STRANGER = 1_000_000 + os.getpid()


def drop_tables(database_url: str, tables: list[str]) -> None:
    with create_engine(database_url, poolclass=NullPool).begin() as connection:
        for table in tables:
            connection.execute(text(f"DROP TABLE {table}"))


@pytest.fixture
def cards(sqlite: Databases) -> Iterator[Service]:
    """Run Cards with a rate limit and tokens, so that it rejects in every way."""
    with cards_service(sqlite, RATE_LIMIT="2/hour", API_TOKENS="ada-1") as service:
        yield service


def answers_of(cards: Service, tenant: str) -> Iterator[httpx.Response]:
    http = cards.http
    known = as_tenant(tenant, authorization="Bearer ada-1")
    another = as_tenant(str(uuid4()), authorization="Bearer ada-1")
    yield http.get("/health")
    yield http.get("/metrics")
    yield http.get("/openapi.json")
    yield http.post("/api/v1/cards/batch", json=SNAPSHOT, headers=known)
    yield http.get("/api/v1/cards", headers=known)
    yield http.get("/api/v1/cards", headers=known)
    yield http.get("/api/v1/cards")
    yield http.get("/api/v1/cards", headers=known | as_tenant("me"))
    yield http.get("/nothing")
    yield http.delete("/api/v1/cards", headers=known)
    yield http.post("/api/v1/cards/batch", content=b"[" * 1_100_000, headers=known)
    yield http.post("/api/v1/cards/batch", json=[], headers=another)
    drop_tables(cards.database_url, TABLES["cards"])
    yield http.get("/api/v1/cards", headers=another)


@pytest.mark.long
def test_every_response_carries_the_security_headers(cards: Service, tenant: str) -> None:
    statuses = []
    for answer in answers_of(cards, tenant):
        statuses.append(answer.status_code)
        assert HEADERS.items() <= dict(answer.headers).items(), answer.request.url
        assert answer.headers["X-Trace-ID"]
    assert statuses == [200, 200, 200, 201, 200, 429, 401, 400, 404, 405, 413, 422, 500]


@pytest.mark.long
def test_a_service_that_is_not_ready_is_protected_as_well(sqlite: Databases) -> None:
    with workflow_service(sqlite) as workflow:
        answer = workflow.http.get("/ready")
    assert answer.status_code == 503
    assert HEADERS.items() <= dict(answer.headers).items()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[dict[str, ServiceProcess]]:
    """Run the three services as processes with debug log and tokens."""
    databases = sqlite_databases(tmp_path)
    common = {"LOG_LEVEL": "DEBUG", "API_TOKENS": IN_TOKEN, "SERVICE_TOKENS": f"{IN_TOKEN}-robot"}

    def variables(service: str) -> dict[str, str]:
        return common | {"DATABASE_URL": databases.url_of(service)}

    with running("cards", tmp_path, variables("cards")) as cards:
        calling = {"CARDS_URL": cards.url, "CARDS_TOKEN": f"{IN_TOKEN}-robot"}
        with (
            running("onboarding", tmp_path, variables("onboarding") | calling) as onboarding,
            running("workflow", tmp_path, variables("workflow") | calling) as workflow,
        ):
            yield {"onboarding": onboarding, "cards": cards, "workflow": workflow}


def requests(name: str, url: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield requests that succeed, are rejected and, once the tables are dropped, fail."""
    content = {"note": IN_BODY}
    if name == "onboarding":
        path = f"{url}/api/v1/onboarding/sessions"
        yield "POST", path, {"company_domain": f"{IN_BODY}.example", "user_email": f"{IN_BODY}@a.b"}
        yield "POST", path, {"company_domain": IN_BODY}
        yield "GET", f"{path}/{IN_PATH}", {}
        answers = {"answers": [{"question_id": IN_BODY, "answer": IN_BODY}]}
        yield "POST", f"{path}/{IN_PATH}/answers", answers
    elif name == "cards":
        path = f"{url}/api/v1/cards"
        cards = {"cards": [{"card_type": "voice", "content": content, "title": IN_BODY}]}
        yield "POST", f"{path}/batch", cards
        yield "POST", f"{path}/batch", {"cards": [{"card_type": "voice", "content": {IN_BODY: 1}}]}
        yield "POST", f"{path}/batch", {"cards": IN_BODY}
        yield "GET", f"{path}/{IN_PATH}", {}
        yield "POST", f"{path}/retrieve", {"card_ids": [IN_BODY]}
        yield "POST", f"{path}/{IN_PATH}/usage", {"workflow_id": IN_BODY, "workflow_type": "a"}
        yield "GET", f"{path}/retrieve?card_ids={IN_QUERY}&page={IN_QUERY}", {}
    else:
        path = f"{url}/api/v1/workflows"
        ran = {
            "workflow_type": "linkedin_post",
            "context": {"company": content},
            "parameters": content,
        }
        yield "POST", f"{path}/execute", ran
        yield "POST", f"{path}/execute", {"workflow_type": "linkedin_post", "card_ids": [IN_BODY]}
        yield "POST", f"{path}/execute", {"workflow_type": IN_BODY}
        yield "GET", f"{path}/{IN_PATH}", {}


def drive(name: str, url: str, trace: str) -> list[httpx.Response]:
    headers = as_tenant(
        str(uuid4()),
        authorization=f"Bearer {IN_TOKEN}",
        idempotency_key=IN_KEY,
        x_trace_id=trace,
        x_workflow_id=IN_HEADER,
        cookie=f"session={IN_HEADER}",
        user_agent=IN_HEADER,
    )
    marked = {"q": IN_QUERY}
    answers = [
        httpx.request(method, url, json=body or None, headers=headers, params=marked)
        for method, url, body in requests(name, url)
        if "?" not in url
    ]
    return [
        *answers,
        httpx.get(f"{url}/{IN_PATH}?{IN_QUERY}", headers=headers),
        httpx.get(f"{url}/api/{IN_PATH}?{IN_QUERY}", headers=headers),
        httpx.get(f"{url}/api/v1/cards/retrieve?card_ids={IN_QUERY}", headers=headers),
        httpx.get(f"{url}/metrics?{IN_QUERY}", headers=headers),
    ]


@pytest.mark.long
def test_no_log_line_holds_client_data_and_only_the_log_holds_the_traceback_of_a_500(
    processes: dict[str, ServiceProcess],
) -> None:
    """Checks the responses too: without a 500 among them, the test would prove less."""
    failed: dict[str, list[httpx.Response]] = {}
    for name, service in processes.items():
        drive(name, service.url, "trace-well")
    for name, service in processes.items():
        drop_tables(f"sqlite:///{service.log.with_suffix('.db')}", TABLES[name])
        answers = drive(name, service.url, "trace-ill")
        failed[name] = [answer for answer in answers if answer.status_code == 500]
    for name, service in processes.items():
        assert service.stop() == -signal.SIGTERM
        assert failed[name]
        for answer in failed[name]:
            assert answer.json()["detail"] == "Internal error."
            assert not {"Traceback", "sqlite", "SELECT"} & set(answer.text.split())
        log = service.log.read_text()
        for secret in (IN_BODY, IN_KEY, IN_TOKEN, IN_QUERY, IN_PATH, IN_HEADER):
            assert secret not in log
        assert_log_complete(name, log)


def assert_log_complete(name: str, log: str) -> None:
    lines = [json.loads(line) for line in log.splitlines()]
    assert {line["service"] for line in lines} == {name}
    requests = [line for line in lines if line["event"] == "request"]
    assert {line["trace_id"] for line in requests} >= {"trace-well", "trace-ill"}
    failures = [line for line in lines if line["event"] == "unhandled exception"]
    assert failures
    for line in failures:
        assert line["trace_id"] == "trace-ill"
        assert "Traceback" in line["traceback"]
        assert "no such table" in line["traceback"]


@pytest.mark.long
def test_no_response_names_the_server_software(tmp_path: Path) -> None:
    with running("cards", tmp_path) as cards:
        for path in ("/health", "/nothing", "/metrics"):
            assert "server" not in cards.get(path).headers


def python_of_stranger() -> str:
    """Return a Python that another user can run in this checkout, or skip the test."""
    ours = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{ours}"):
        try:
            subprocess.run(
                [python, "-c", "import reference_services.serve, sqlite3, ctypes"],
                user=STRANGER,
                group=STRANGER,
                extra_groups=[],
                env=environ_of(),
                cwd="/",
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    pytest.skip("another user can read neither this Python nor this checkout")


def files_of(user: int, folders: list[Path]) -> set[Path]:
    return {
        Path(folder, name)
        for top in folders
        for folder, _, names in os.walk(top)
        for name in names
        if owner_of(Path(folder, name)) == user
    }


def owner_of(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except FileNotFoundError:
        return None


@pytest.fixture
def home() -> Iterator[Path]:
    """Create a folder of that user; pytest's own are closed to other users."""
    with TemporaryDirectory(prefix="home-") as folder:
        os.chown(folder, STRANGER, STRANGER)
        yield Path(folder)


@pytest.mark.long
@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a service as another user")
@pytest.mark.parametrize("service", SERVICES)
def test_an_unprivileged_service_writes_only_to_its_database_folder(
    home: Path, service: str
) -> None:
    with running(service, home, python=python_of_stranger(), user=STRANGER) as started:
        process = psutil.Process(started.process.pid)
        assert set(process.uids()) == {STRANGER}
        make_something(service, started)
        written = files_of(STRANGER, [Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), ROOT])
    assert home / f"{service}.db" in written
    assert {path.parent for path in written} == {home}


def make_something(service: str, started: ServiceProcess) -> None:
    method, url, body = next(requests(service, started.url))
    answer = httpx.request(method, url, json=body, headers=as_tenant(str(uuid4())))
    assert answer.status_code in (200, 201)


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


def test_an_unhandled_exception_gets_the_error_form_and_is_counted(
    sqlite: Databases, tenant: str
) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.DatabaseError("SELECT secret FROM disk")

    app = create_cards(settings("cards", sqlite))
    app.state.components.store.list_page = fail
    with serving(app, sqlite.url_of("cards")) as cards:
        answer = cards.http.get("/api/v1/cards", headers=as_tenant(tenant))
        assert cards.scrape().total("cards_api_requests_total", status="500") == 1
    assert (answer.status_code, answer.json()["error"]) == (500, "InternalError")
    assert answer.json()["request_id"] == answer.headers["X-Trace-ID"]
    assert "secret" not in answer.text


@pytest.mark.parametrize("sent", [[], [b"{"], [b"{", b" ", b" "]])
def test_a_body_that_does_not_arrive_in_time_is_refused(sent: list[bytes]) -> None:
    """The time limit is over when the body has not ended; the loop's clock does not pass."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in sent]

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        raise TimeoutError

    async def read_all() -> None:
        limited = limit_body({"type": "http", "path": "/", "headers": []}, receive)
        while (await limited()).get("more_body"):
            pass

    with pytest.raises(HTTPException, match="did not arrive within 10 s") as refused:
        asyncio.run(read_all())
    assert refused.value.status_code == 408
    assert refused.value.headers == {"Connection": "close"}


def test_the_wait_for_the_end_of_a_connection_has_no_time_limit() -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def hang_up() -> Message:
        limited = limit_body({"type": "http", "path": "/", "headers": []}, receive)
        await limited()
        await limited()
        return await limited()

    assert asyncio.run(hang_up())["type"] == "http.request"
