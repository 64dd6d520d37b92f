"""How does Workflow get its cards?"""

from collections.abc import Callable

from pydantic import ValidationError

from reference_services.common.calls import Caller, CallFailed
from reference_services.workflow.models import ExecuteBody, FetchedCard, FetchedCards

OK = 200


def fetch_cards(
    cards: Caller,
    body: ExecuteBody,
    workflow_id: str,
    tenant_id: str,
    on_retry: Callable[[str], None],
) -> list[FetchedCard]:
    """Fetch the cards that a workflow uses, which records their use.

    The workflow's id makes the call idempotent: however often it is repeated, a card is used once.
    Raises CallFailed when Cards gives no usable answer.
    """
    headers = {
        "X-Usage-Source": "workflow",
        "X-Workflow-ID": workflow_id,
        "X-Workflow-Type": body.workflow_type,
    }
    wanted = {"card_ids": body.card_ids}
    response = cards.post("/api/v1/cards/retrieve", wanted, headers, tenant_id, on_retry)
    if response.status_code != OK:
        raise CallFailed(f"status_{response.status_code}")
    try:
        return FetchedCards.model_validate_json(response.content).cards
    except ValidationError as error:
        raise CallFailed("answer") from error
