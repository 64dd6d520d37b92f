"""Services with a seeded fault, and the uses that they stored and counted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from reference_services.faults.seams import Seams
from tests.reference_services.databases import Databases
from tests.reference_services.services import Service, as_tenant, serving, settings, use_cards

CONTEXT = {"workflow_type": "linkedin_post", "context": {"company": {"name": "Acme"}}}


@contextmanager
def faulty(
    create_app: Callable[..., FastAPI],
    databases: Databases,
    fault: Callable[..., None],
    **injected: Any,
) -> Iterator[Service]:
    """Run a service with a fault; `injected` replaces the clock or the pause of the fault."""
    app = create_app(settings(service := create_app.__module__.split(".")[1], databases))
    parts = app.state.components
    fault(Seams(app, parts.store, parts.metrics, getattr(parts, "cards", None)), **injected)
    with serving(app, databases.url_of(service)) as running:
        yield running


def written_uses(cards: Service) -> tuple[object, object]:
    """Return the number of card_usage rows, and the sum of usage_count over all cards."""
    rows = cards.rows("SELECT (SELECT count(*) FROM card_usage), sum(usage_count) FROM cards")
    return rows[0][0], rows[0][1]


def counted_uses(cards: Service) -> dict[tuple[str, str], float]:
    """Return the counted uses by tenant and card type."""
    return {
        (sample.labels["tenant_id"], sample.labels["card_type"]): sample.value
        for sample in cards.scrape().samples
        if sample.name == "cards_api_usage_total"
    }


def use_often(cards: Service, tenant: str, card_ids: list[str], times: int) -> list[httpx.Response]:
    """Retrieve the cards for a number of workflows with ids of maximum length."""
    ids = [f"{uuid4().hex}{uuid4().hex}" for _ in range(times)]
    return [use_cards(cards, tenant, card_ids, workflow_id) for workflow_id in ids]


def execute(workflow: Service, tenant: str, body: Any = CONTEXT) -> httpx.Response:
    """Execute a workflow, by default without any cards."""
    return workflow.http.post("/api/v1/workflows/execute", json=body, headers=as_tenant(tenant))
