"""HTTP routes of Onboarding."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path
from starlette.exceptions import HTTPException
from starlette.responses import Response

from reference_services.common.api.errors import error_responses, upstream_error
from reference_services.common.api.json_body import JsonRoute
from reference_services.common.api.openapi import link, success_response
from reference_services.common.api.schemas import Absent, Identifier, Key, json_response
from reference_services.common.api.tenants import Tenant, require_same_tenant
from reference_services.common.calls.errors import CallFailed, CallRefused
from reference_services.common.service import get_components
from reference_services.onboarding.client import KeyConflict, create_cards
from reference_services.onboarding.components import OnboardingComponents
from reference_services.onboarding.models import (
    AnswersBody,
    AnswersResponse,
    CreatedCard,
    OnboardingSession,
    SessionBody,
)
from reference_services.onboarding.snapshot import build_snapshot
from reference_services.onboarding.store import Submission

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/v1/onboarding/sessions",
    tags=["onboarding"],
    responses=error_responses(400, 401, 408, 413, 422, 429, 500),
)

# Statuses with which Cards rejects a batch for good: it has no effect, and a retry is useless.
TOO_LARGE = 413
BODY_REFUSED = {400, TOO_LARGE, 422}

_READ = link("read_session", session_id="$response.body#/session_id")
_ANSWER = link("submit_answers", session_id="$response.body#/session_id")
OPENED = success_response(201, links={"read": _READ, "answer": _ANSWER})
COMPLETED = success_response(200, links={"read": _READ, "answerAgain": _ANSWER})

Components = Annotated[OnboardingComponents, Depends(get_components)]
SessionId = Annotated[Identifier, Path()]


@router.post("", status_code=201, response_model=OnboardingSession, responses=OPENED)
def create_session(body: SessionBody, tenant_id: Tenant, onboarding: Components) -> Response:
    """Create a session."""
    require_same_tenant(body, tenant_id)
    session = onboarding.store.create(tenant_id, body)
    onboarding.metrics.count_session(tenant_id)
    return json_response(session, 201, exclude_none=True)


@router.get("/{session_id}", response_model=OnboardingSession, responses=error_responses(404))
def read_session(session_id: SessionId, tenant_id: Tenant, onboarding: Components) -> Response:
    """Read a session; it has card ids once it is completed."""
    return json_response(_existing(onboarding, tenant_id, session_id), exclude_none=True)


@router.post(
    "/{session_id}/answers",
    response_model=AnswersResponse,
    responses=COMPLETED | error_responses(404, 409, 502, 503),
)
def submit_answers(
    session_id: SessionId,
    body: AnswersBody,
    tenant_id: Tenant,
    onboarding: Components,
    idempotency_key: Annotated[Key | Absent, Header(alias="Idempotency-Key")] = None,
) -> Response:
    """Create four cards from the answers; only the first answers of a session count."""
    require_same_tenant(body, tenant_id)
    session = _existing(onboarding, tenant_id, session_id)
    if session.status == "open":
        proposed = Submission(
            snapshot=build_snapshot(session.company_domain, body.answers),
            batch_key=idempotency_key or f"onboarding-{session_id}",
        )
        submission = onboarding.store.submit(session, proposed)
        created = _create_cards(onboarding, session, submission)
        _complete(onboarding, session, created)
        session = _existing(onboarding, tenant_id, session_id)
    return json_response(_completed(session), exclude_none=True)


def _existing(
    onboarding: OnboardingComponents, tenant_id: str, session_id: str
) -> OnboardingSession:
    session = onboarding.store.read(tenant_id, session_id)
    if session is None:
        raise HTTPException(404, "No such session.")
    return session


def _create_cards(
    onboarding: OnboardingComponents, session: OnboardingSession, submission: Submission
) -> list[CreatedCard]:
    try:
        return create_cards(onboarding.cards, session, submission, onboarding.metrics.count_retry)
    except KeyConflict as error:
        onboarding.store.withdraw(session, submission)
        raise HTTPException(409, "Idempotency-Key already used for another request.") from error
    except CallFailed as failure:
        if isinstance(failure, CallRefused) and failure.status in BODY_REFUSED:
            onboarding.store.withdraw(session, submission)
            if failure.status == TOO_LARGE:
                raise HTTPException(413, "The answers exceed the size limit of Cards.") from failure
        onboarding.metrics.count_failure(failure.reason)
        raise upstream_error("Cards", failure) from failure


def _complete(
    onboarding: OnboardingComponents, session: OnboardingSession, created: list[CreatedCard]
) -> None:
    if onboarding.store.complete(session, [card.card_id for card in created]):
        for card in created:
            onboarding.metrics.count_card(session.tenant_id, card.card_type)


def _completed(session: OnboardingSession) -> AnswersResponse:
    card_ids = session.card_ids or []
    return AnswersResponse(
        session_id=session.session_id,
        card_ids=card_ids,
        card_ids_error=session.card_ids_error,
        cards_created_count=len(card_ids),
        updated_at=session.updated_at,
    )
