"""Tests that a fault of the exposition changes exactly what it describes."""

import pytest

from reference_services.cards.app import create_app as create_cards
from reference_services.common.metrics import DURATION_BUCKETS_S
from reference_services.faults.exposition import scrapes_failing
from tests.reference_services.databases import Databases
from tests.reference_services.faults.faulty import execute, faulty
from tests.reference_services.services import (
    Service,
    as_tenant,
    cards_service,
    make_cards,
    workflow_service,
)

PROMETHEUS, VICTORIA = "Prometheus/2.42.0", "vm_promscrape"


def status_for(cards: Service, agent: str) -> int:
    return cards.http.get("/metrics", headers={"User-Agent": agent}).status_code


def test_the_empty_exposition_has_status_200(sqlite: Databases, tenant: str) -> None:
    with cards_service(sqlite, FAULT="metrics-empty") as cards:
        assert len(make_cards(cards, tenant)) == 4
        page = cards.http.get("/metrics")
        assert (page.status_code, page.text) == (200, "")
        assert page.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("agent", [PROMETHEUS, VICTORIA])
def test_scrapes_of_prometheus_fail_for_20_seconds_after_the_fiftieth_request(
    sqlite: Databases, tenant: str, agent: str
) -> None:
    clock = [1000.0]
    with faulty(create_cards, sqlite, scrapes_failing, now=lambda: clock[0]) as cards:
        for _ in range(49):
            cards.http.get("/api/v1/cards", headers=as_tenant(tenant))
        assert status_for(cards, agent) == 200
        cards.http.get("/api/v1/cards", headers=as_tenant(tenant))
        assert status_for(cards, agent) == 500
        assert status_for(cards, "python-httpx/1") == 200
        clock[0] += 19.9
        assert status_for(cards, agent) == 500
        clock[0] += 0.1
        assert status_for(cards, agent) == 200


def test_the_histogram_lacks_the_buckets_up_to_the_target_and_nothing_else(
    sqlite: Databases, tenant: str
) -> None:
    with workflow_service(sqlite, FAULT="histogram-without-target") as workflow:
        execute(workflow, tenant)
        shown = workflow.scrape()
    name = "workflow_execution_duration_seconds"
    edges = {sample.labels["le"] for sample in shown.samples if sample.name == f"{name}_bucket"}
    assert edges == {str(edge) for edge in DURATION_BUCKETS_S if edge > 2.5} | {"+Inf"}
    assert shown.total(f"{name}_bucket", le="+Inf") == 1
    assert shown.total(f"{name}_count") == 1
    assert shown.total("workflow_executions_total") == 1
