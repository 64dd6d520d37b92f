"""What do people send to Onboarding, and what do they get?"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from reference_services.common.api.schemas import (
    BLANK,
    CALL_LIMIT,
    Absent,
    Body,
    CardType,
    Content,
    Id,
    Identifier,
    Record,
)

Domain = Annotated[
    str, StringConstraints(max_length=253, pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$")
]
Email = Annotated[str, StringConstraints(max_length=254, pattern=rf"^[^@{BLANK}]+@[^@{BLANK}]+$")]
AnswerText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=10_000, pattern=rf"[^{BLANK}]"),
    AfterValidator(str.strip),
]
Status = Literal["open", "completed"]


class SessionBody(Body):
    """Who is onboarded."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"company_domain": "acme.example", "user_email": "ada@acme.example"}]
        }
    )

    company_domain: Domain
    user_email: Email


class Session(Record):
    """One onboarding; it has cards once it is completed."""

    session_id: Id
    tenant_id: Id
    status: Status
    company_domain: str
    user_email: str
    card_ids: list[Id] | Absent = None
    cards_created_count: int | Absent = None
    created_at: datetime
    updated_at: datetime


class Reply(BaseModel):
    """The answer to one question."""

    question_id: Identifier
    answer: AnswerText


class AnswersBody(Body):
    """The answers to the questions."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"answers": [{"question_id": "offer", "answer": "Rockets since 1949"}]}]
        }
    )

    answers: list[Reply] = Field(min_length=1, max_length=CALL_LIMIT)


class AnswersAnswer(BaseModel):
    """The completed session and its cards."""

    session_id: Id
    status: Literal["completed"] = "completed"
    card_ids: list[Id]
    cards_created_count: int
    updated_at: datetime


class Snapshot(Record):
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
