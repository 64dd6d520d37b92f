"""Operational routes `/health`, `/ready` and `/metrics`, the same in all three services."""

from collections.abc import Callable, Mapping
from typing import Literal

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from reference_services.common.api.errors import error_responses
from reference_services.common.metrics import render_metrics

router = APIRouter(tags=["operations"], responses=error_responses(500))

Probes = Mapping[str, Callable[[], bool]]


class HealthResponse(BaseModel):
    """State of a running service; `notes` name each difference from production, such as a fault.

    `version` is `SERVICE_VERSION`, or "" if that is not set.
    """

    status: Literal["ok"] = "ok"
    version: str = ""
    notes: list[str] = []


@router.get("/health")
async def health(request: Request) -> HealthResponse:
    """Return 200 while the process runs."""
    return _health(request)


@router.get("/ready", responses=error_responses(503))
def ready(request: Request) -> HealthResponse:
    """Return 200 when every dependency is reachable, otherwise 503 naming those that are not."""
    probes: Probes = request.app.state.probes
    down = [name for name, is_reachable in probes.items() if not is_reachable()]
    if down:
        raise HTTPException(503, f"Not reachable: {', '.join(down)}.")
    return _health(request)


def _health(request: Request) -> HealthResponse:
    return HealthResponse(version=request.app.state.version, notes=request.app.state.notes)


@router.get(
    "/metrics",
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    response_class=Response,
)
async def metrics(request: Request) -> Response:
    """Return every metric in the Prometheus text format."""
    return Response(render_metrics(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)
