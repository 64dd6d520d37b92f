"""What do people send to Onboarding, and what do they get?"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from reference_services.common.bodies import (
    CALL_LIMIT,
    Body,
    CardType,
    Content,
    Identifier,
)

Domain = Annotated[
    str, StringConstraints(max_length=253, pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$")
]
Email = Annotated[
    str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")
]
AnswerText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)
]
Status = Literal["open", "completed"]


class SessionBody(Body):
    """Who is onboarded."""

    company_domain: Domain
    user_email: Email


class Session(BaseModel):
    """One onboarding; it has cards once it is completed."""

    session_id: str
    tenant_id: str
    status: Status
    company_domain: str
    user_email: str
    card_ids: list[str] | None = None
    cards_created_count: int | None = None
    created_at: datetime
    updated_at: datetime


class Reply(BaseModel):
    """The answer to one question."""

    question_id: Identifier
    answer: AnswerText


class AnswersBody(Body):
    """The answers to the questions."""

    answers: list[Reply] = Field(min_length=1, max_length=CALL_LIMIT)


class AnswersAnswer(BaseModel):
    """The completed session and its cards."""

    session_id: str
    status: Literal["completed"] = "completed"
    card_ids: list[str]
    cards_created_count: int
    updated_at: datetime


class Snapshot(BaseModel):
    """What the answers say of a company: the makings of its four cards."""

    company: Content
    audience: Content
    voice: Content
    insights: Content


class MadeCard(BaseModel):
    """What Onboarding needs to know of a card that Cards made."""

    card_id: str
    card_type: CardType


class MadeCards(BaseModel):
    """Cards' answer to a batch."""

    cards: list[MadeCard]
