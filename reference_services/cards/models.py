"""Request and response bodies of Cards."""

import json
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from reference_services.common.api.schemas import (
    CALL_LIMIT,
    Absent,
    CardIds,
    CardType,
    Content,
    Id,
    Identifier,
    JsonObject,
    Label,
    RequestBody,
    SingleLine,
    Small,
    StoredRecord,
)

# The offset of the last page has to fit into a database integer.
LAST_PAGE = 1_000_000


class Card(StoredRecord):
    """One card, as stored and as returned."""

    card_id: Id
    tenant_id: Id
    card_type: CardType
    title: str
    content: JsonObject
    content_error: str | None = Field(
        default=None, description="Why the stored content cannot be shown; it is then empty."
    )
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
        """Return the card after one more use at this moment."""
        changes = {"usage_count": self.usage_count + 1, "last_used_at": moment}
        return self.model_copy(update=changes)


class CardDraft(RequestBody):
    """Content of a card to create."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"card_type": "voice", "content": {"tone": "dry"}, "tags": ["launch"]}]
        }
    )

    card_type: CardType
    content: Content
    title: SingleLine | None = None
    tags: list[SingleLine] = Field(default=[], max_length=CALL_LIMIT)


class CompanySnapshot(BaseModel):
    """What an onboarding learned about a company; it becomes four cards."""

    company: Content
    audience: Content
    voice: Content
    insights: Annotated[JsonObject | list[JsonValue], Small]

    def drafts(self) -> list[CardDraft]:
        """Build one draft per card type."""
        insights = self.insights
        if isinstance(insights, list):
            insights = {"insights": insights}
        return [
            CardDraft(card_type="company", content=self.company),
            CardDraft(card_type="audience", content=self.audience),
            CardDraft(card_type="voice", content=self.voice),
            # Not validated again: the list that was just wrapped can exceed the size limit now.
            CardDraft.model_construct(card_type="insight", content=insights),
        ]


class BatchBody(RequestBody):
    """Cards to create in one batch: either a snapshot or drafts."""

    model_config = ConfigDict(
        json_schema_extra={
            # States what the route rejects with 400: a body with neither of the two.
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
    created_by: SingleLine | None = None

    def drafts(self) -> list[CardDraft]:
        """Return a draft of every card to create."""
        return self.company_snapshot.drafts() if self.company_snapshot else self.cards

    def fingerprint(self) -> str:
        """Return a hash that is equal for equal bodies, whatever the order of their keys."""
        tenants: dict[str, Any] = {"tenant_id": True, "cards": {"__all__": {"tenant_id"}}}
        body = self.model_dump(mode="json", exclude=tenants)
        return sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class BatchResponse(BaseModel):
    """The cards of a batch, and how many of them this request created."""

    cards: list[Card]
    created_count: int


class RetrieveBody(RequestBody):
    """Ids of the cards to retrieve."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"card_ids": ["a-card"]}]})

    card_ids: CardIds


class RetrieveResponse(BaseModel):
    """The requested cards that exist, in the requested order."""

    cards: list[Card]
    total: int
    partial_result: bool


class UsageBody(RequestBody):
    """One use of one card by one workflow."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"workflow_id": "workflow-1", "workflow_type": "linkedin_post"}]
        }
    )

    workflow_id: Identifier
    workflow_type: Label
    source: Label = "workflow"


class UsageResponse(BaseModel):
    """Usage count of the card, and whether this request added to it."""

    card_id: Id
    usage_count: int
    last_used_at: datetime | None
    event_recorded: bool


class ListQuery(BaseModel):
    """Filters and page of a card list; pages start at 1."""

    card_type: CardType | Absent = None
    is_active: bool | Absent = None
    page: int = Field(default=1, ge=1, le=LAST_PAGE)
    page_size: int = Field(default=20, ge=1, le=CALL_LIMIT)


class ListResponse(BaseModel):
    """One page of cards; `total` is the number over all pages."""

    cards: list[Card]
    total: int
    page: int
    page_size: int
