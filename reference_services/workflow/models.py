"""What do people send to Workflow, and what do they get?"""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field

from reference_services.common.bodies import Body, CardIds, CardType, Content

WorkflowType = Literal["linkedin_post", "premium_newsletter", "onboarding_content"]
ContextSource = Literal["cards", "cache", "legacy"]


class LegacyContext(BaseModel):
    """The cards' contents themselves, as clients sent them before there were cards."""

    company: Content | None = None
    audience: Content | None = None
    voice: Content | None = None
    insight: Content | None = None


class ExecuteBody(Body):
    """What to make, and of which cards."""

    workflow_type: WorkflowType
    card_ids: CardIds = Field(default=[])
    context: LegacyContext | None = None
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


class Execution(BaseModel):
    """One completed execution; `cards_used` are the ids of the cards that went into it."""

    workflow_id: str
    workflow_type: WorkflowType
    status: Literal["completed"] = "completed"
    output: Output
    cards_used: list[str]
    partial_result: bool
    metrics: ExecutionMetrics
