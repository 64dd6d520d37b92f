"""How does Workflow get its cards?"""

from collections.abc import Callable

from pydantic import ValidationError

from reference_services.common.calls.caller import Caller
from reference_services.common.calls.errors import CallFailed, CallRefused
from reference_services.workflow.models import Fetch, FetchedCard, FetchedCards

OK = 200


def fetch_cards(cards: Caller, fetch: Fetch, on_retry: Callable[[str], None]) -> list[FetchedCard]:
    """Fetch the cards that a workflow uses, which records their use.

    The workflow's id makes the call idempotent: however often it is repeated, a card is used once.
    Raises CallFailed when Cards gives no usable answer, CallRefused when it says no.
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
