"""What do people send to Cards, and what do they get?"""

import json
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from reference_services.common.api.schemas import (
    CALL_LIMIT,
    Absent,
    Body,
    CardIds,
    CardType,
    Content,
    Id,
    Identifier,
    Label,
    Line,
    Record,
    Sendable,
)

# An offset has to fit into the database's integers.
LAST_PAGE = 1_000_000


class Card(Record):
    """One card, as stored and as answered."""

    card_id: Id
    tenant_id: Id
    card_type: CardType
    title: str
    content: dict[str, JsonValue]
    tags: list[str]
    version: int
    is_active: bool
    usage_count: int
    last_used_at: datetime | None
    source_session_id: str | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime

    def used_at(self, moment: datetime) -> "Card":
        """Return the card as it is after one more use."""
        changes = {"usage_count": self.usage_count + 1, "last_used_at": moment}
        return self.model_copy(update=changes)


class CardDraft(Body):
    """A card that is still to be made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"card_type": "voice", "content": {"tone": "dry"}, "tags": ["launch"]}]
        }
    )

    card_type: CardType
    content: Content
    title: Line | None = None
    tags: list[Line] = Field(default=[], max_length=CALL_LIMIT)


class CompanySnapshot(BaseModel):
    """What an onboarding learned of a company: the makings of four cards."""

    company: Content
    audience: Content
    voice: Content
    insights: Annotated[dict[str, JsonValue] | list[JsonValue], Sendable]

    def drafts(self) -> list[CardDraft]:
        """Make one draft of each part."""
        insights = self.insights
        if isinstance(insights, list):
            insights = {"insights": insights}
        return [
            CardDraft(card_type="company", content=self.company),
            CardDraft(card_type="audience", content=self.audience),
            CardDraft(card_type="voice", content=self.voice),
            CardDraft(card_type="insight", content=insights),
        ]


class BatchBody(Body):
    """Cards to make all at once: either a snapshot or drafts."""

    model_config = ConfigDict(
        json_schema_extra={
            # What the route refuses with 400: neither the one nor the other.
            "anyOf": [
                {
                    "required": ["company_snapshot"],
                    "properties": {"company_snapshot": {"type": "object"}},
                },
                {"required": ["cards"], "properties": {"cards": {"type": "array", "minItems": 1}}},
            ],
            "examples": [
                {
                    "company_snapshot": {
                        "company": {"name": "Acme"},
                        "audience": {"who": "Coyotes in a hurry"},
                        "voice": {"tone": "dry"},
                        "insights": ["Gravity waits for nobody"],
                    },
                    "source_session_id": "session-1",
                    "created_by": "ada@acme.example",
                },
                {"cards": [{"card_type": "voice", "content": {"tone": "dry"}}]},
            ],
        }
    )

    company_snapshot: CompanySnapshot | None = None
    cards: list[CardDraft] = Field(default=[], max_length=CALL_LIMIT)
    source_session_id: Identifier | None = None
    created_by: Line | None = None

    def drafts(self) -> list[CardDraft]:
        """Return what is to be made."""
        return self.company_snapshot.drafts() if self.company_snapshot else self.cards

    def fingerprint(self) -> str:
        """Return the same text for the same body, in whatever order its keys came."""
        tenants: dict[str, Any] = {"tenant_id": True, "cards": {"__all__": {"tenant_id"}}}
        body = self.model_dump(mode="json", exclude=tenants)
        return sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class BatchAnswer(BaseModel):
    """The cards of a batch, and how many of them this very request made."""

    cards: list[Card]
    created_count: int


class RetrieveBody(Body):
    """The cards that are asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"card_ids": ["a-card"]}]})

    card_ids: CardIds


class RetrieveAnswer(BaseModel):
    """The cards that exist, in the order asked for."""

    cards: list[Card]
    total: int
    partial_result: bool


class UsageBody(Body):
    """One use of one card by one workflow."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"workflow_id": "workflow-1", "workflow_type": "linkedin_post"}]
        }
    )

    workflow_id: Identifier
    workflow_type: Label
    source: Label = "workflow"


class UsageAnswer(BaseModel):
    """How often the card was used, and whether this use was a new one."""

    card_id: Id
    usage_count: int
    last_used_at: datetime | None
    event_recorded: bool


class ListQuery(BaseModel):
    """Which of the tenant's cards are listed; pages count from 1."""

    card_type: CardType | Absent = None
    is_active: bool | Absent = None
    page: int = Field(default=1, ge=1, le=LAST_PAGE)
    page_size: int = Field(default=20, ge=1, le=CALL_LIMIT)


class ListAnswer(BaseModel):
    """One page of the tenant's cards; `total` counts all pages."""

    cards: list[Card]
    total: int
    page: int
    page_size: int
