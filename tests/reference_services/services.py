"""Services on real sockets, each under uvicorn in a thread of the test process."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from reference_services.cards.app import create_app as create_cards
from reference_services.common.calls.service_client import CallRuntime
from reference_services.common.settings import Settings, read_settings
from reference_services.onboarding.app import create_app as create_onboarding
from reference_services.workflow.app import create_app as create_workflow
from tests.reference_services.databases import Databases, read_rows

NOWHERE = "http://127.0.0.1:9"


class Scrape:
    """Samples of one scrape of `/metrics`."""

    def __init__(self, text: str) -> None:
        families = text_string_to_metric_families(text)
        self.samples = [sample for family in families for sample in family.samples]

    def total(self, name: str, **labels: str) -> float:
        """Sum the series of this name that carry these labels."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


class Service:
    """One running service, with access to its HTTP interface, metrics and database."""

    def __init__(self, url: str, database_url: str) -> None:
        self.url = url
        self.database_url = database_url
        # to read the certificates of a client that needs none takes ten milliseconds of CPU
        self.http = httpx.Client(base_url=url, timeout=60, verify=False)

    def scrape(self) -> Scrape:
        """Scrape `/metrics`."""
        return Scrape(self.http.get("/metrics").text)

    def rows(self, sql: str, **values: str) -> list[tuple[object, ...]]:
        """Query the database of the service; `:name` is bound to the value of that name."""
        return read_rows(self.database_url, sql, **values)

    @contextmanager
    def increases(self) -> Iterator[Callable[..., float]]:
        """Measure the increase of series within the block; call the result after it."""
        before = self.scrape()
        after: list[Scrape] = []

        def increase(name: str, **labels: str) -> float:
            return after[0].total(name, **labels) - before.total(name, **labels)

        yield increase
        after.append(self.scrape())


class _Server(uvicorn.Server):
    def __init__(self, app: FastAPI) -> None:
        super().__init__(uvicorn.Config(app, log_config=None, access_log=False))
        self.is_up = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@contextmanager
def serving(app: FastAPI, database_url: str) -> Iterator[Service]:
    """Serve the app on a free port within the block."""
    server = _Server(app)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        assert server.is_up.wait(60)
        service = Service(f"http://127.0.0.1:{listener.getsockname()[1]}", database_url)
        try:
            with service.http:
                yield service
        finally:
            server.should_exit = True
            thread.join(60)


def settings(service: str, databases: Databases, **variables: str) -> Settings:
    """Return settings as from environment variables, such as `FAULT="slow-tail"`."""
    environ = {
        "DATABASE_URL": databases.url_of(service),
        "CARDS_URL": NOWHERE,
        "LOG_LEVEL": "WARNING",
    }
    return read_settings(service, environ | variables)


def runtime_without_pauses(transport: httpx.BaseTransport | None = None) -> CallRuntime:
    """Return a runtime for the service client that does not sleep between attempts."""
    return CallRuntime(transport, sleep=lambda _seconds: None)


@contextmanager
def cards_service(databases: Databases, **variables: str) -> Iterator[Service]:
    """Run Cards within the block."""
    app = create_cards(settings("cards", databases, **variables))
    with serving(app, databases.url_of("cards")) as service:
        yield service


@contextmanager
def onboarding_service(
    databases: Databases, transport: httpx.BaseTransport | None = None, **variables: str
) -> Iterator[Service]:
    """Run Onboarding within the block; it reaches Cards by `CARDS_URL`, or by the transport."""
    app = create_onboarding(
        settings("onboarding", databases, **variables), runtime_without_pauses(transport)
    )
    with serving(app, databases.url_of("onboarding")) as service:
        yield service


@contextmanager
def workflow_service(
    databases: Databases, transport: httpx.BaseTransport | None = None, **variables: str
) -> Iterator[Service]:
    """Run Workflow within the block; it reaches Cards by `CARDS_URL`, or by the transport."""
    app = create_workflow(
        settings("workflow", databases, **variables), runtime_without_pauses(transport)
    )
    with serving(app, databases.url_of("workflow")) as service:
        yield service


@dataclass(frozen=True)
class Stack:
    """The three running services."""

    onboarding: Service
    cards: Service
    workflow: Service


def as_tenant(tenant: str, **headers: str) -> dict[str, str]:
    """Return the headers of a request of a tenant; `x_trace_id="t"` becomes `x-trace-id: t`."""
    return {"X-Tenant-ID": tenant} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }


SNAPSHOT: dict[str, Any] = {
    "company_snapshot": {
        "company": {"name": "Acme", "about": "Rockets since 1949"},
        "audience": {"who": "Coyotes in a hurry"},
        "voice": {"tone": "Dry and precise"},
        "insights": {"lesson": "Gravity waits for nobody"},
    },
    "source_session_id": "session-1",
    "created_by": "ada@acme.example",
}


def make_cards(cards: Service, tenant: str) -> list[str]:
    """Create four cards, one per type, and return their ids."""
    answer = cards.http.post("/api/v1/cards/batch", json=SNAPSHOT, headers=as_tenant(tenant))
    return [card["card_id"] for card in answer.json()["cards"]]


def use_cards(cards: Service, tenant: str, card_ids: list[str], workflow_id: str) -> httpx.Response:
    """Retrieve the cards as a workflow does."""
    headers = as_tenant(tenant, x_usage_source="workflow", x_workflow_id=workflow_id)
    return cards.http.post("/api/v1/cards/retrieve", json={"card_ids": card_ids}, headers=headers)
