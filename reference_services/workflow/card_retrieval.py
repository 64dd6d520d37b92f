"""What is content made of? The contents of cards by their types, from Cards or the cache."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from reference_services.common.api.schemas import CARD_TYPES, Content
from reference_services.common.calls.errors import CallFailed, CallRefused
from reference_services.workflow.client import fetch_cards
from reference_services.workflow.components import Workflow
from reference_services.workflow.generation import Context
from reference_services.workflow.models import ContextSource, Fetch, FetchedCard, LegacyContext


class AllCardsMissing(Exception):
    """None of the cards that were asked for exists."""


@dataclass(frozen=True)
class Gathered:
    """What content is made of, the cards that it was taken from, and where those came from."""

    context: Context
    card_ids: list[str]
    source: ContextSource


def gather_from_client(context: LegacyContext) -> Gathered:
    """Take the contents from the deprecated `context` of a body."""
    contents: Context = {
        "company": _present(context.company),
        "audience": _present(context.audience),
        "voice": _present(context.voice),
        "insight": _present(context.insight),
    }
    return Gathered(contents, [], "legacy")


def gather_from_cards(workflow: Workflow, fetch: Fetch) -> Gathered:
    """Fetch the cards, or take those last seen while Cards does not answer.

    Raises AllCardsMissing when no card exists, CallFailed when Cards does not answer and none of
    the cards was seen lately.
    """
    try:
        cards = _fetch(workflow, fetch)
    except CallFailed as failure:
        workflow.metrics.count_failure(fetch.workflow_type, failure.reason)
        if isinstance(failure, CallRefused):
            raise
        cached = workflow.cache.recall(fetch.tenant_id, fetch.card_ids)
        if not cached:
            raise
        workflow.metrics.count_cache_hits(fetch.workflow_type, len(cached))
        return _gathered(cached, "cache")
    if not cards:
        raise AllCardsMissing
    return _gathered(cards, "cards")


def _fetch(workflow: Workflow, fetch: Fetch) -> list[FetchedCard]:
    on_retry = partial(workflow.metrics.count_retry, fetch.workflow_type)
    cards = fetch_cards(workflow.cards, fetch, on_retry)
    workflow.metrics.count_fetched(fetch.tenant_id, fetch.workflow_type, len(cards))
    workflow.cache.keep(fetch.tenant_id, fetch.card_ids, cards)
    return cards


def _gathered(cards: Sequence[FetchedCard], source: ContextSource) -> Gathered:
    # Sorted by their types; their position says nothing.
    context = {
        card_type: [card.content for card in cards if card.card_type == card_type]
        for card_type in CARD_TYPES
    }
    return Gathered(context, [card.card_id for card in cards], source)


def _present(content: Content | None) -> list[Content]:
    return [content] if content else []
