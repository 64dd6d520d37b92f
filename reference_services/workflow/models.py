"""What do people send to Workflow, and what do they get?"""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reference_services.common.api.schemas import (
    CARD_TYPES,
    Body,
    CardType,
    Content,
    Id,
    MaybeCardIds,
    Record,
)

WorkflowType = Literal["linkedin_post", "premium_newsletter", "onboarding_content"]
ContextSource = Literal["cards", "cache", "legacy"]


class LegacyContext(BaseModel):
    """The cards' contents themselves, as clients sent them before there were cards."""

    company: Content | None = None
    audience: Content | None = None
    voice: Content | None = None
    insight: Content | None = None


def _has(field: str, **schema: Any) -> dict[str, Any]:
    return {"required": [field], "properties": {field: schema}}


_SOME_PART = [_has(part, type="object", minProperties=1) for part in CARD_TYPES]


class ExecuteBody(Body):
    """What to make, and of which cards."""

    model_config = ConfigDict(
        json_schema_extra={
            # What the route refuses with 400: neither the one nor the other.
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
    card_ids: MaybeCardIds = Field(default=[])
    # pydantic's own `deprecated` would warn of our own reading.
    context: LegacyContext | None = Field(default=None, json_schema_extra={"deprecated": True})
    additional_context: Content = Field(default={})
    parameters: Content = Field(default={})


@dataclass(frozen=True)
class Fetch:
    """The retrieve of cards that one workflow makes, however often it is repeated."""

    workflow_id: str
    workflow_type: WorkflowType
    tenant_id: str
    card_ids: list[str]


class FetchedCard(BaseModel):
    """What Workflow needs to know of a card."""

    card_id: str
    card_type: CardType
    content: Content


class FetchedCards(BaseModel):
    """Cards' answer to a retrieve."""

    cards: list[FetchedCard]


class OutputMetadata(BaseModel):
    """How the content was made."""

    template: str
    word_count: int
    context: dict[CardType, int]
    parameters: Content


class Output(BaseModel):
    """The generated content."""

    title: str
    content: str
    metadata: OutputMetadata


class ExecutionMetrics(BaseModel):
    """The figures of one execution."""

    execution_time_ms: float
    cards_requested: int
    cards_used: int
    context_source: ContextSource


class Execution(Record):
    """One completed execution; `cards_used` are the ids of the cards that went into it."""

    workflow_id: Id
    workflow_type: WorkflowType
    status: Literal["completed"] = "completed"
    output: Output
    cards_used: list[str]
    partial_result: bool
    metrics: ExecutionMetrics
