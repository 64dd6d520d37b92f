"""What is Workflow made of?"""

from dataclasses import dataclass

from reference_services.common.calls.caller import Caller
from reference_services.workflow.card_cache import CardCache
from reference_services.workflow.delay import GenerationDelay
from reference_services.workflow.generation import Writer
from reference_services.workflow.metrics import WorkflowMetrics
from reference_services.workflow.store import ExecutionsStore


@dataclass(frozen=True)
class Workflow:
    """The parts that an execution works with."""

    store: ExecutionsStore
    metrics: WorkflowMetrics
    cards: Caller
    cache: CardCache
    writer: Writer
    delay: GenerationDelay | None
