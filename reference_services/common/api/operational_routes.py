"""Is the service well? `/health`, `/ready` and `/metrics`, alike in the three services."""

from collections.abc import Callable, Mapping
from typing import Literal

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from reference_services.common.api.errors import declared
from reference_services.common.metrics import render_metrics

router = APIRouter(tags=["operations"], responses=declared(500))

Probes = Mapping[str, Callable[[], bool]]


class Health(BaseModel):
    """The answer of a service that runs: what is deployed, if it was told, and `notes`.

    Those say what is unlike production about it.
    """

    status: Literal["ok"] = "ok"
    version: str = ""
    notes: list[str] = []


@router.get("/health")
async def health(request: Request) -> Health:
    """Answer while the process runs."""
    return _well(request)


@router.get("/ready", responses=declared(503))
def ready(request: Request) -> Health:
    """Answer 200 when all that the service needs answers, else 503 naming what does not."""
    probes: Probes = request.app.state.probes
    missing = [name for name, is_answering in probes.items() if not is_answering()]
    if missing:
        raise HTTPException(503, f"Not answering: {', '.join(missing)}.")
    return _well(request)


def _well(request: Request) -> Health:
    return Health(version=request.app.state.version, notes=request.app.state.notes)


@router.get(
    "/metrics",
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    response_class=Response,
)
async def metrics(request: Request) -> Response:
    """Render every metric in Prometheus' text format."""
    return Response(render_metrics(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)
