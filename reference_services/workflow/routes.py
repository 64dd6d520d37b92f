"""HTTP routes of Workflow."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.exceptions import HTTPException
from starlette.responses import Response

from reference_services.common.api.errors import error_responses, upstream_error
from reference_services.common.api.json_body import JsonRoute
from reference_services.common.api.openapi import header, link, success_response
from reference_services.common.api.schemas import Identifier, json_response
from reference_services.common.api.tenants import Tenant, require_same_tenant
from reference_services.common.calls.errors import CallFailed
from reference_services.common.service import get_components
from reference_services.workflow.components import WorkflowComponents
from reference_services.workflow.context import AllCardsMissing
from reference_services.workflow.execution import execute
from reference_services.workflow.models import ExecuteBody, Execution

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/v1",
    tags=["workflow"],
    responses=error_responses(400, 401, 404, 408, 413, 422, 429, 500),
)

DEPRECATION = {
    "X-API-Deprecation-Warning": "context is deprecated; send card_ids",
    "X-API-Migration-Guide": "create cards with POST /api/v1/cards/batch, then send their card_ids",
}

EXECUTED = success_response(
    200,
    headers={
        "X-Partial-Result": header("Whether cards are missing.", "boolean", always=True),
        "X-Cards-Source": header("Source of the cards, if any were used.", enum=["cards", "cache"]),
        "X-API-Deprecation-Warning": header("Deprecation notice, if a context was sent."),
        "X-API-Migration-Guide": header("What to send instead."),
    },
    links={"read": link("read_workflow", workflow_id="$response.body#/workflow_id")},
)

Components = Annotated[WorkflowComponents, Depends(get_components)]
WorkflowId = Annotated[Identifier, Path()]


@router.post(
    "/workflows/execute", response_model=Execution, responses=EXECUTED | error_responses(502, 503)
)
@router.post("/workflow/execute", include_in_schema=False)
def execute_workflow(body: ExecuteBody, tenant_id: Tenant, workflow: Components) -> Response:
    """Generate content from cards."""
    require_same_tenant(body, tenant_id)
    has_context = body.context is not None and any(body.context.model_dump().values())
    if not body.card_ids and not has_context:
        raise HTTPException(400, "The body has neither card_ids nor context.")
    try:
        execution = execute(workflow, body, tenant_id)
    except AllCardsMissing as error:
        raise HTTPException(404, "None of the cards exists.") from error
    except CallFailed as failure:
        raise upstream_error("Cards", failure) from failure
    return json_response(execution, headers=_headers(execution, body))


@router.get("/workflows/{workflow_id}", response_model=Execution)
def read_workflow(workflow_id: WorkflowId, tenant_id: Tenant, workflow: Components) -> Response:
    """Read a completed execution."""
    execution = workflow.store.read(tenant_id, workflow_id)
    if execution is None:
        raise HTTPException(404, "No such workflow.")
    return json_response(execution)


def _headers(execution: Execution, body: ExecuteBody) -> dict[str, str]:
    headers = {"X-Partial-Result": str(execution.partial_result).lower()}
    if execution.metrics.context_source != "legacy":
        headers["X-Cards-Source"] = execution.metrics.context_source
    return headers | (DEPRECATION if body.context else {})
