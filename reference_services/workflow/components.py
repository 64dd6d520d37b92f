"""Components of Workflow, as its routes receive them."""

from dataclasses import dataclass

from reference_services.common.calls.service_client import ServiceClient
from reference_services.workflow.card_cache import CardCache
from reference_services.workflow.delay import GenerationDelay
from reference_services.workflow.generation import ContentWriter
from reference_services.workflow.metrics import WorkflowMetrics
from reference_services.workflow.store import ExecutionsStore


@dataclass(frozen=True)
class WorkflowComponents:
    """Store, metrics, Cards client, cache, writer and delay of one Workflow app."""

    store: ExecutionsStore
    metrics: WorkflowMetrics
    cards: ServiceClient
    cache: CardCache
    writer: ContentWriter
    delay: GenerationDelay | None
