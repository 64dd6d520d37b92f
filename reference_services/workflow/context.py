"""Collects the context of an execution: card contents by type, from Cards, cache or body."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from reference_services.common.api.schemas import CARD_TYPES, Content
from reference_services.common.calls.errors import CallFailed, CallRefused
from reference_services.workflow.client import fetch_cards
from reference_services.workflow.components import WorkflowComponents
from reference_services.workflow.generation import Context
from reference_services.workflow.models import CardFetch, ContextSource, FetchedCard, LegacyContext


class AllCardsMissing(Exception):
    """None of the requested cards exists."""


@dataclass(frozen=True)
class CollectedContext:
    """Card contents by type, the ids of their cards and the source of the cards."""

    context: Context
    card_ids: list[str]
    source: ContextSource


def collect_from_body(context: LegacyContext) -> CollectedContext:
    """Build the context from the deprecated `context` of a request body."""
    contents: Context = {
        "company": _present(context.company),
        "audience": _present(context.audience),
        "voice": _present(context.voice),
        "insight": _present(context.insight),
    }
    return CollectedContext(contents, [], "legacy")


def collect_from_cards(workflow: WorkflowComponents, fetch: CardFetch) -> CollectedContext:
    """Build the context from Cards, or from the cache if the call fails.

    Raises AllCardsMissing when no card exists, CallRefused when Cards rejects the request, and
    CallFailed when the call fails and the cache holds none of the cards.
    """
    try:
        cards = _fetch(workflow, fetch)
    except CallFailed as failure:
        workflow.metrics.count_failure(fetch.workflow_type, failure.reason)
        if isinstance(failure, CallRefused):
            raise
        cached = workflow.cache.get(fetch.tenant_id, fetch.card_ids)
        if not cached:
            raise
        workflow.metrics.count_cache_hits(fetch.workflow_type, len(cached))
        return _collected(cached, "cache")
    if not cards:
        raise AllCardsMissing
    return _collected(cards, "cards")


def _fetch(workflow: WorkflowComponents, fetch: CardFetch) -> list[FetchedCard]:
    on_retry = partial(workflow.metrics.count_retry, fetch.workflow_type)
    cards = fetch_cards(workflow.cards, fetch, on_retry)
    workflow.metrics.count_fetched(fetch.tenant_id, fetch.workflow_type, len(cards))
    workflow.cache.put(fetch.tenant_id, fetch.card_ids, cards)
    return cards


def _collected(cards: Sequence[FetchedCard], source: ContextSource) -> CollectedContext:
    context = {
        card_type: [card.content for card in cards if card.card_type == card_type]
        for card_type in CARD_TYPES
    }
    return CollectedContext(context, [card.card_id for card in cards], source)


def _present(content: Content | None) -> list[Content]:
    return [content] if content else []
