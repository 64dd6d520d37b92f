"""Calls the batch route of Cards for Onboarding."""

from collections.abc import Callable

from pydantic import ValidationError

from reference_services.common.calls.errors import CallFailed, CallRefused
from reference_services.common.calls.service_client import ServiceClient
from reference_services.onboarding.models import CreatedCard, CreatedCards, OnboardingSession
from reference_services.onboarding.store import Submission

CREATED = 201
CONFLICT = 409


class KeyConflict(Exception):
    """Cards has seen the idempotency key before with another body."""


def create_cards(
    cards: ServiceClient,
    session: OnboardingSession,
    submission: Submission,
    on_retry: Callable[[str], None],
) -> list[CreatedCard]:
    """Have Cards create the four cards of a session in one batch.

    Raises CallFailed when Cards gives no usable response, CallRefused when it rejects the batch,
    KeyConflict when it rejects the key.
    """
    body = {
        "company_snapshot": submission.snapshot.model_dump(),
        "source_session_id": session.session_id,
        "created_by": session.user_email,
    }
    headers = {"Idempotency-Key": submission.batch_key}
    response = cards.post("/api/v1/cards/batch", body, headers, session.tenant_id, on_retry)
    if response.status_code == CONFLICT:
        raise KeyConflict
    if response.status_code != CREATED:
        raise CallRefused(response.status_code)
    try:
        return CreatedCards.model_validate_json(response.content).cards
    except ValidationError as error:
        raise CallFailed("answer") from error
