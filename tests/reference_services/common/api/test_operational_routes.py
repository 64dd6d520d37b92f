"""Tests of `/health`, `/ready` and `/metrics`."""

import httpx

from tests.reference_services.databases import Databases
from tests.reference_services.services import (
    Service,
    workflow_service,
)


def test_a_running_service_is_healthy_and_ready(service: Service) -> None:
    assert service.http.get("/health").json()["status"] == "ok"
    assert service.http.get("/ready").json()["status"] == "ok"


def test_a_service_whose_cards_are_down_is_healthy_but_not_ready(sqlite: Databases) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("gone", request=request)

    with workflow_service(sqlite, httpx.MockTransport(refuse)) as workflow:
        assert workflow.http.get("/health").status_code == 200
        answer = workflow.http.get("/ready")
    assert (answer.status_code, answer.json()["detail"]) == (503, "Not reachable: cards.")
