"""Calls the retrieve route of Cards for Workflow."""

from collections.abc import Callable

from pydantic import ValidationError

from reference_services.common.calls.errors import CallFailed, CallRefused
from reference_services.common.calls.service_client import ServiceClient
from reference_services.workflow.models import CardFetch, FetchedCard, FetchedCards

OK = 200


def fetch_cards(
    cards: ServiceClient, fetch: CardFetch, on_retry: Callable[[str], None]
) -> list[FetchedCard]:
    """Fetch the cards of an execution; Cards records their use.

    The workflow id makes the call idempotent: Cards records one use per card and workflow. Raises
    CallFailed when Cards gives no usable response, CallRefused when it rejects the request.
    """
    headers = {
        "X-Usage-Source": "workflow",
        "X-Workflow-ID": fetch.workflow_id,
        "X-Workflow-Type": fetch.workflow_type,
    }
    wanted = {"card_ids": fetch.card_ids}
    response = cards.post("/api/v1/cards/retrieve", wanted, headers, fetch.tenant_id, on_retry)
    if response.status_code != OK:
        raise CallRefused(response.status_code)
    try:
        return FetchedCards.model_validate_json(response.content).cards
    except ValidationError as error:
        raise CallFailed("answer") from error
