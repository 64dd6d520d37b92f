"""What can be asked of Workflow?"""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.exceptions import HTTPException
from starlette.responses import Response

from reference_services.common.api.errors import declared, unanswered
from reference_services.common.api.openapi import answered, header, link
from reference_services.common.api.schemas import Identifier, answer
from reference_services.common.api.tenants import Tenant, require_same_tenant
from reference_services.common.calls.errors import CallFailed
from reference_services.common.service import parts_of
from reference_services.workflow.card_retrieval import AllCardsMissing
from reference_services.workflow.components import Workflow
from reference_services.workflow.execution import execute
from reference_services.workflow.models import ExecuteBody, Execution

router = APIRouter(
    prefix="/api/v1", tags=["workflow"], responses=declared(400, 401, 404, 413, 422, 429, 500)
)

DEPRECATION = {
    "X-API-Deprecation-Warning": "context is deprecated, send card_ids",
    "X-API-Migration-Guide": "make cards with POST /api/v1/cards/batch, then send their card_ids",
}

EXECUTED = answered(
    200,
    headers={
        "X-Partial-Result": header("Whether cards are missing.", "boolean", always=True),
        "X-Cards-Source": header("Where the cards came from, if any.", enum=["cards", "cache"]),
        "X-API-Deprecation-Warning": header("What is deprecated, if a context was sent."),
        "X-API-Migration-Guide": header("What to send instead."),
    },
    links={"read": link("read_workflow", workflow_id="$response.body#/workflow_id")},
)

Parts = Annotated[Workflow, Depends(parts_of)]
WorkflowId = Annotated[Identifier, Path()]


@router.post(
    "/workflows/execute", response_model=Execution, responses=EXECUTED | declared(502, 503)
)
@router.post("/workflow/execute", include_in_schema=False)
def execute_workflow(body: ExecuteBody, tenant_id: Tenant, workflow: Parts) -> Response:
    """Make content of cards."""
    require_same_tenant(body, tenant_id)
    if not body.card_ids and not _has_context(body):
        raise HTTPException(400, "The body has neither card_ids nor a context.")
    try:
        execution = execute(workflow, body, tenant_id)
    except AllCardsMissing as error:
        raise HTTPException(404, "None of the cards exists.") from error
    except CallFailed as failure:
        raise unanswered("Cards", failure) from failure
    return answer(execution, headers=_headers(execution, body))


@router.get("/workflows/{workflow_id}", response_model=Execution)
def read_workflow(workflow_id: WorkflowId, tenant_id: Tenant, workflow: Parts) -> Response:
    """Read a completed execution."""
    execution = workflow.store.read(tenant_id, workflow_id)
    if execution is None:
        raise HTTPException(404, "There is no such workflow.")
    return answer(execution)


def _headers(execution: Execution, body: ExecuteBody) -> dict[str, str]:
    headers = {"X-Partial-Result": str(execution.partial_result).lower()}
    if execution.metrics.context_source != "legacy":
        headers["X-Cards-Source"] = execution.metrics.context_source
    return headers | (DEPRECATION if body.context else {})


def _has_context(body: ExecuteBody) -> bool:
    return body.context is not None and any(body.context.model_dump().values())
