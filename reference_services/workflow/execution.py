"""Runs one workflow: collects its context, generates the content, stores the execution."""

from dataclasses import replace
from time import perf_counter
from uuid import uuid4

from reference_services.workflow.components import WorkflowComponents
from reference_services.workflow.context import (
    CollectedContext,
    collect_from_body,
    collect_from_cards,
)
from reference_services.workflow.models import (
    CardFetch,
    ContextSource,
    ExecuteBody,
    Execution,
    ExecutionMetrics,
    LegacyContext,
)


def execute(workflow: WorkflowComponents, body: ExecuteBody, tenant_id: str) -> Execution:
    """Execute one workflow and return the stored execution.

    Raises CallFailed when the call to Cards fails and the cache does not help, AllCardsMissing
    when no card exists.
    """
    began_at = perf_counter()
    fetch = CardFetch(str(uuid4()), body.workflow_type, tenant_id, body.card_ids)
    planned: ContextSource = "cards" if body.card_ids else "legacy"
    with workflow.metrics.execution(tenant_id, body.workflow_type, planned) as counted:
        if body.card_ids:
            collected = collect_from_cards(workflow, fetch)
        else:
            collected = collect_from_body(body.context or LegacyContext())
        counted.source = collected.source
        execution = _generate(workflow, body, fetch, collected, began_at)
        owed = replace(fetch, card_ids=collected.card_ids) if collected.source == "cache" else None
        workflow.store.create(tenant_id, execution, owed)
    if execution.partial_result:
        workflow.metrics.count_partial_result(body.workflow_type)
    return execution


def _generate(
    workflow: WorkflowComponents,
    body: ExecuteBody,
    fetch: CardFetch,
    collected: CollectedContext,
    began_at: float,
) -> Execution:
    if workflow.delay:
        workflow.delay.wait()
    output = workflow.writer.write(
        body.workflow_type, collected.context, body.additional_context, body.parameters
    )
    requested, used = len(set(body.card_ids)), len(collected.card_ids)
    return Execution(
        workflow_id=fetch.workflow_id,
        workflow_type=body.workflow_type,
        output=output,
        cards_used=collected.card_ids,
        partial_result=used < requested,
        metrics=ExecutionMetrics(
            execution_time_ms=round((perf_counter() - began_at) * 1000, 3),
            cards_requested=requested,
            cards_used=used,
            context_source=collected.source,
        ),
    )
