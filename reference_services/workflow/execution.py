"""What happens when a workflow runs? Its context is gathered, its content written and kept."""

from dataclasses import replace
from time import perf_counter
from uuid import uuid4

from reference_services.workflow.card_retrieval import (
    Gathered,
    gather_from_cards,
    gather_from_client,
)
from reference_services.workflow.components import Workflow
from reference_services.workflow.models import (
    ContextSource,
    ExecuteBody,
    Execution,
    ExecutionMetrics,
    Fetch,
    LegacyContext,
)


def execute(workflow: Workflow, body: ExecuteBody, tenant_id: str) -> Execution:
    """Run one workflow from beginning to end.

    Raises CallFailed when Cards does not answer, AllCardsMissing when no card exists.
    """
    began_at = perf_counter()
    fetch = Fetch(str(uuid4()), body.workflow_type, tenant_id, body.card_ids)
    planned: ContextSource = "cards" if body.card_ids else "legacy"
    with workflow.metrics.execution(tenant_id, body.workflow_type, planned) as counted:
        gathered = _gather(workflow, body, fetch)
        counted.source = gathered.source
        execution = _generate(workflow, body, fetch, gathered, began_at)
        owed = replace(fetch, card_ids=gathered.card_ids) if gathered.source == "cache" else None
        workflow.store.create(tenant_id, execution, owed)
    if execution.partial_result:
        workflow.metrics.count_partial_result(body.workflow_type)
    return execution


def _gather(workflow: Workflow, body: ExecuteBody, fetch: Fetch) -> Gathered:
    if body.card_ids:
        return gather_from_cards(workflow, fetch)
    return gather_from_client(body.context or LegacyContext())


def _generate(
    workflow: Workflow, body: ExecuteBody, fetch: Fetch, gathered: Gathered, began_at: float
) -> Execution:
    if workflow.delay:
        workflow.delay.wait()
    output = workflow.writer.write(
        body.workflow_type, gathered.context, body.additional_context, body.parameters
    )
    requested, used = len(set(body.card_ids)), len(gathered.card_ids)
    return Execution(
        workflow_id=fetch.workflow_id,
        workflow_type=body.workflow_type,
        output=output,
        cards_used=gathered.card_ids,
        partial_result=used < requested,
        metrics=ExecutionMetrics(
            execution_time_ms=round((perf_counter() - began_at) * 1000, 3),
            cards_requested=requested,
            cards_used=used,
            context_source=gathered.source,
        ),
    )
