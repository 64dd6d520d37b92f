"""Request and response bodies of Onboarding."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from reference_services.common.api.schemas import (
    BLANK,
    CALL_LIMIT,
    Absent,
    CardType,
    Id,
    Identifier,
    JsonObject,
    RequestBody,
    StoredRecord,
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


class SessionBody(RequestBody):
    """Company and user to onboard."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"company_domain": "acme.example", "user_email": "ada@acme.example"}]
        }
    )

    company_domain: Domain
    user_email: Email


class OnboardingSession(StoredRecord):
    """One onboarding session; it has card ids once it is completed."""

    session_id: Id
    tenant_id: Id
    status: Status
    company_domain: str
    user_email: str
    card_ids: list[Id] | Absent = None
    card_ids_error: str | Absent = Field(
        default=None, description="Why the stored card ids cannot be shown; they are then left out."
    )
    cards_created_count: int | Absent = None
    created_at: datetime
    updated_at: datetime


class QuestionAnswer(BaseModel):
    """The answer to one question."""

    question_id: Identifier
    answer: AnswerText


class AnswersBody(RequestBody):
    """All answers of a session."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"answers": [{"question_id": "offer", "answer": "Rockets since 1949"}]}]
        }
    )

    answers: list[QuestionAnswer] = Field(min_length=1, max_length=CALL_LIMIT)


class AnswersResponse(BaseModel):
    """The completed session and the ids of its cards."""

    session_id: Id
    status: Literal["completed"] = "completed"
    card_ids: list[Id]
    card_ids_error: str | Absent = Field(
        default=None, description="Why the stored card ids cannot be shown; they are then empty."
    )
    cards_created_count: int
    updated_at: datetime


class Snapshot(StoredRecord):
    """Description of a company, one part per card to create."""

    company: JsonObject
    audience: JsonObject
    voice: JsonObject
    insights: JsonObject


class CreatedCard(BaseModel):
    """The fields of a created card that Onboarding needs."""

    card_id: str
    card_type: CardType


class CreatedCards(BaseModel):
    """Response of Cards to a batch."""

    cards: list[CreatedCard]
