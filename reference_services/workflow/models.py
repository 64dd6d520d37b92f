"""Request and response bodies of Workflow."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reference_services.common.api.schemas import (
    CARD_TYPES,
    CardIdsOrEmpty,
    CardType,
    Content,
    Id,
    JsonObject,
    RequestBody,
    StoredRecord,
)

WorkflowType = Literal["linkedin_post", "premium_newsletter", "onboarding_content"]
ContextSource = Literal["cards", "cache", "legacy"]


class LegacyContext(BaseModel):
    """Card contents sent in the request body; deprecated in favour of `card_ids`."""

    company: Content | None = None
    audience: Content | None = None
    voice: Content | None = None
    insight: Content | None = None


def _has(field: str, **schema: Any) -> dict[str, Any]:
    return {"required": [field], "properties": {field: schema}}


_SOME_PART = [_has(part, type="object", minProperties=1) for part in CARD_TYPES]


class ExecuteBody(RequestBody):
    """Type of content to generate, and the cards to generate it from."""

    model_config = ConfigDict(
        json_schema_extra={
            # States what the route rejects with 400: a body with neither of the two.
            "anyOf": [
                _has("card_ids", type="array", minItems=1),
                _has("context", type="object", anyOf=_SOME_PART),
            ],
            "examples": [
                {"workflow_type": "linkedin_post", "card_ids": ["a-card-that-does-not-exist"]},
                {
                    "workflow_type": "premium_newsletter",
                    "context": {"company": {"name": "Acme"}, "voice": {"tone": "dry"}},
                    "additional_context": {"occasion": "a launch"},
                },
            ],
        }
    )

    workflow_type: WorkflowType
    card_ids: CardIdsOrEmpty = Field(default=[])
    # pydantic's own `deprecated` would raise a warning wherever our code reads the field.
    context: LegacyContext | None = Field(default=None, json_schema_extra={"deprecated": True})
    additional_context: Content = Field(default={})
    parameters: Content = Field(default={})


@dataclass(frozen=True)
class CardFetch:
    """Parameters of the retrieve of one execution; the same for every retry."""

    workflow_id: str
    workflow_type: WorkflowType
    tenant_id: str
    card_ids: list[str]


class FetchedCard(BaseModel):
    """The fields of a card that Workflow needs."""

    card_id: str
    card_type: CardType
    content: JsonObject


class FetchedCards(BaseModel):
    """Response of Cards to a retrieve."""

    cards: list[FetchedCard]


class OutputMetadata(BaseModel):
    """Details of the generation."""

    template: str
    word_count: int
    context: dict[CardType, int]
    parameters: JsonObject


class Output(BaseModel):
    """Generated content."""

    title: str
    content: str
    metadata: OutputMetadata


class ExecutionMetrics(BaseModel):
    """Duration, number of cards and context source of one execution."""

    execution_time_ms: float
    cards_requested: int
    cards_used: int
    context_source: ContextSource


class Execution(StoredRecord):
    """One completed execution; `cards_used` holds the ids of the cards in its context."""

    workflow_id: Id
    workflow_type: WorkflowType
    status: Literal["completed"] = "completed"
    output: Output
    cards_used: list[str]
    partial_result: bool
    metrics: ExecutionMetrics
    record_error: str | None = Field(
        default=None,
        description="Why the stored record cannot be shown; output and metrics are then empty.",
    )
