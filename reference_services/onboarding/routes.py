"""What can be asked of Onboarding?"""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path
from starlette.exceptions import HTTPException
from starlette.responses import Response

from reference_services.common.api.errors import declared, unanswered
from reference_services.common.api.openapi import answered, link
from reference_services.common.api.schemas import Absent, Identifier, Key, answer
from reference_services.common.api.tenants import Tenant, require_same_tenant
from reference_services.common.calls.errors import CallFailed, CallRefused
from reference_services.common.service import parts_of
from reference_services.onboarding.client import KeyTaken, create_cards
from reference_services.onboarding.components import Onboarding
from reference_services.onboarding.models import (
    AnswersAnswer,
    AnswersBody,
    MadeCard,
    Session,
    SessionBody,
)
from reference_services.onboarding.snapshot import take_snapshot
from reference_services.onboarding.store import Submission

router = APIRouter(
    prefix="/api/v1/onboarding/sessions",
    tags=["onboarding"],
    responses=declared(400, 401, 413, 422, 429, 500),
)

# What Cards refuses a batch with: this one was never accepted, and never will be.
TOO_LARGE = 413
BODY_REFUSED = {400, TOO_LARGE, 422}

_READ = link("read_session", session_id="$response.body#/session_id")
_ANSWER = link("submit_answers", session_id="$response.body#/session_id")
OPENED = answered(201, links={"read": _READ, "answer": _ANSWER})
COMPLETED = answered(200, links={"read": _READ, "answerAgain": _ANSWER})

Parts = Annotated[Onboarding, Depends(parts_of)]
SessionId = Annotated[Identifier, Path()]


@router.post("", status_code=201, response_model=Session, responses=OPENED)
def create_session(body: SessionBody, tenant_id: Tenant, onboarding: Parts) -> Response:
    """Open a session."""
    require_same_tenant(body, tenant_id)
    session = onboarding.store.create(tenant_id, body)
    onboarding.metrics.count_session(tenant_id)
    return answer(session, 201, exclude_none=True)


@router.get("/{session_id}", response_model=Session, responses=declared(404))
def read_session(session_id: SessionId, tenant_id: Tenant, onboarding: Parts) -> Response:
    """Read a session, with its cards once it is completed."""
    return answer(_existing(onboarding, tenant_id, session_id), exclude_none=True)


@router.post(
    "/{session_id}/answers",
    response_model=AnswersAnswer,
    responses=COMPLETED | declared(404, 409, 502, 503),
)
def submit_answers(
    session_id: SessionId,
    body: AnswersBody,
    tenant_id: Tenant,
    onboarding: Parts,
    idempotency_key: Annotated[Key | Absent, Header(alias="Idempotency-Key")] = None,
) -> Response:
    """Have four cards made of the answers; the first answers stand, whatever comes later."""
    require_same_tenant(body, tenant_id)
    session = _existing(onboarding, tenant_id, session_id)
    if session.status == "open":
        offered = Submission(
            snapshot=take_snapshot(session.company_domain, body.answers),
            batch_key=idempotency_key or f"onboarding-{session_id}",
        )
        submission = onboarding.store.submit(session, offered)
        made = _make_cards(onboarding, session, submission)
        _complete(onboarding, session, made)
        session = _existing(onboarding, tenant_id, session_id)
    return answer(_completed(session))


def _existing(onboarding: Onboarding, tenant_id: str, session_id: str) -> Session:
    session = onboarding.store.read(tenant_id, session_id)
    if session is None:
        raise HTTPException(404, "There is no such session.")
    return session


def _make_cards(onboarding: Onboarding, session: Session, submission: Submission) -> list[MadeCard]:
    try:
        return create_cards(onboarding.cards, session, submission, onboarding.metrics.count_retry)
    except KeyTaken as error:
        onboarding.store.withdraw(session, submission)
        raise HTTPException(409, "The Idempotency-Key was used for another request.") from error
    except CallFailed as failure:
        if isinstance(failure, CallRefused) and failure.status in BODY_REFUSED:
            onboarding.store.withdraw(session, submission)
            if failure.status == TOO_LARGE:
                raise HTTPException(413, "The answers are too long for cards.") from failure
        onboarding.metrics.count_failure(failure.reason)
        raise unanswered("Cards", failure) from failure


def _complete(onboarding: Onboarding, session: Session, made: list[MadeCard]) -> None:
    if onboarding.store.complete(session, [card.card_id for card in made]):
        for card in made:
            onboarding.metrics.count_card(session.tenant_id, card.card_type)


def _completed(session: Session) -> AnswersAnswer:
    card_ids = session.card_ids or []
    return AnswersAnswer(
        session_id=session.session_id,
        card_ids=card_ids,
        cards_created_count=len(card_ids),
        updated_at=session.updated_at,
    )
