"""Tests of the app of Cards."""

from reference_services.cards.app import create_app
from tests.reference_services.databases import Databases
from tests.reference_services.services import settings

API_OPERATIONS = {
    "POST /api/v1/cards/batch",
    "GET /api/v1/cards/retrieve",
    "POST /api/v1/cards/retrieve",
    "POST /api/v1/cards/{card_id}/usage",
    "POST /api/v1/cards",
    "GET /api/v1/cards",
    "GET /api/v1/cards/{card_id}",
}
OPERATIONAL = {"GET /health", "GET /ready", "GET /metrics"}


def test_the_app_serves_exactly_the_declared_operations(sqlite: Databases) -> None:
    app = create_app(settings("cards", sqlite))
    served = {
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }
    assert served == API_OPERATIONS | OPERATIONAL
