"""What happens when a workflow runs? Its context is gathered, its content written and kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from uuid import uuid4

from reference_services.common.bodies import CARD_TYPES, Content
from reference_services.common.calls import CallFailed
from reference_services.workflow.client import fetch_cards
from reference_services.workflow.generation import Context
from reference_services.workflow.metrics import ContextSource
from reference_services.workflow.models import (
    ExecuteBody,
    Execution,
    ExecutionMetrics,
    FetchedCard,
    LegacyContext,
)
from reference_services.workflow.parts import Workflow


class AllCardsMissing(Exception):
    """None of the cards that were asked for exists."""


@dataclass(frozen=True)
class Gathered:
    """What content is made of, and the cards that it was taken from."""

    context: Context
    card_ids: list[str]


def execute(workflow: Workflow, body: ExecuteBody, tenant_id: str) -> Execution:
    """Run one workflow from beginning to end.

    Raises CallFailed when Cards does not answer, AllCardsMissing when no card exists.
    """
    source: ContextSource = "cards" if body.card_ids else "legacy"
    with workflow.metrics.execution(tenant_id, body.workflow_type, source):
        execution = _run(workflow, body, tenant_id)
        workflow.store.create(tenant_id, execution)
    if execution.partial_result:
        workflow.metrics.count_partial_result(body.workflow_type)
    return execution


def _run(workflow: Workflow, body: ExecuteBody, tenant_id: str) -> Execution:
    began_at, workflow_id = perf_counter(), str(uuid4())
    gathered = _gather(workflow, body, workflow_id, tenant_id)
    output = workflow.writer.write(
        body.workflow_type, gathered.context, body.additional_context, body.parameters
    )
    requested, used = len(set(body.card_ids)), len(gathered.card_ids)
    return Execution(
        workflow_id=workflow_id,
        workflow_type=body.workflow_type,
        output=output,
        cards_used=gathered.card_ids,
        partial_result=used < requested,
        metrics=ExecutionMetrics(
            execution_time_ms=round((perf_counter() - began_at) * 1000, 3),
            cards_requested=requested,
            cards_used=used,
        ),
    )


def _gather(workflow: Workflow, body: ExecuteBody, workflow_id: str, tenant_id: str) -> Gathered:
    if not body.card_ids:
        return Gathered(context_from_client(body.context or LegacyContext()), [])
    cards = _fetch(workflow, body, workflow_id, tenant_id)
    workflow.metrics.count_fetched(tenant_id, body.workflow_type, len(cards))
    if not cards:
        raise AllCardsMissing
    return Gathered(context_from_cards(cards), [card.card_id for card in cards])


def _fetch(
    workflow: Workflow, body: ExecuteBody, workflow_id: str, tenant_id: str
) -> list[FetchedCard]:
    on_retry = partial(workflow.metrics.count_retry, body.workflow_type)
    try:
        return fetch_cards(workflow.cards, body, workflow_id, tenant_id, on_retry)
    except CallFailed as failure:
        workflow.metrics.count_failure(body.workflow_type, failure.reason)
        raise


def context_from_cards(cards: Sequence[FetchedCard]) -> Context:
    """Sort the cards' contents by their types; their position says nothing."""
    return {
        card_type: [card.content for card in cards if card.card_type == card_type]
        for card_type in CARD_TYPES
    }


def context_from_client(context: LegacyContext) -> Context:
    """Take the contents from the deprecated `context` of a body."""
    return {
        "company": _present(context.company),
        "audience": _present(context.audience),
        "voice": _present(context.voice),
        "insight": _present(context.insight),
    }


def _present(content: Content | None) -> list[Content]:
    return [content] if content else []
