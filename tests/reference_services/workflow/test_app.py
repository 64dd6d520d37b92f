"""Tests of the app of Workflow."""

from reference_services.workflow.app import create_app
from tests.reference_services.databases import Databases
from tests.reference_services.services import settings

API_OPERATIONS = {
    "POST /api/v1/workflows/execute",
    "GET /api/v1/workflows/{workflow_id}",
}
OPERATIONAL = {"GET /health", "GET /ready", "GET /metrics"}


def test_the_app_serves_exactly_the_declared_operations(sqlite: Databases) -> None:
    app = create_app(settings("workflow", sqlite))
    served = {
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }
    assert served == API_OPERATIONS | OPERATIONAL
