"""How does Onboarding have its cards made?"""

from collections.abc import Callable

from pydantic import ValidationError

from reference_services.common.calls.caller import Caller
from reference_services.common.calls.errors import CallFailed, CallRefused
from reference_services.onboarding.models import MadeCard, MadeCards, Session
from reference_services.onboarding.store import Submission

CREATED = 201
CONFLICT = 409


class KeyTaken(Exception):
    """Cards has seen the idempotency key before, for something else."""


def create_cards(
    cards: Caller, session: Session, submission: Submission, on_retry: Callable[[str], None]
) -> list[MadeCard]:
    """Have Cards make the four cards of a session, in one batch.

    Raises CallFailed when Cards gives no usable answer, KeyTaken when it refuses the key.
    """
    body = {
        "company_snapshot": submission.snapshot.model_dump(),
        "source_session_id": session.session_id,
        "created_by": session.user_email,
    }
    headers = {"Idempotency-Key": submission.batch_key}
    response = cards.post("/api/v1/cards/batch", body, headers, session.tenant_id, on_retry)
    if response.status_code == CONFLICT:
        raise KeyTaken
    if response.status_code != CREATED:
        raise CallRefused(response.status_code)
    try:
        return MadeCards.model_validate_json(response.content).cards
    except ValidationError as error:
        raise CallFailed("answer") from error
