"""Delivers to Cards the uses that it could not record while it was down.

An execution on cached cards owes Cards their uses. The delivery repeats the retrieve with the id
of that workflow, so that a use that Cards recorded before its response was lost counts once:

    Cards      up ──┤ down                                   ├── up
    execution         retrieve ✗ ─ cached cards ─ store
    delivery                                        retrieve ✗   retrieve ✓ ─ mark delivered
"""

from functools import partial

from reference_services.common.api.trace import begin_trace
from reference_services.common.calls.errors import CallFailed, CircuitOpen
from reference_services.common.calls.service_client import ServiceClient
from reference_services.common.json_logs import logger
from reference_services.workflow.client import fetch_cards
from reference_services.workflow.metrics import WorkflowMetrics
from reference_services.workflow.models import CardFetch
from reference_services.workflow.store import ExecutionsStore

IDLE_PAUSE_S = 0.5
BATCH_SIZE = 100


class UsageDelivery:
    """Delivery of one worker; workers may deliver the same use, which is counted once."""

    def __init__(
        self, store: ExecutionsStore, metrics: WorkflowMetrics, cards: ServiceClient
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._cards = cards

    def deliver(self) -> bool:
        """Deliver the first batch of the queue; what fails moves to the end of the queue.

        Return whether all succeeded, so that the next batch is worth an immediate attempt.
        """
        self._metrics.set_owed(self._store.count_owed())
        owed = self._store.read_owed(BATCH_SIZE)
        failed = 0
        for fetch in owed:
            begin_trace(None)
            try:
                self._deliver_one(fetch)
            except CircuitOpen:
                # The breaker rejects all later calls too; the fetches keep their places.
                return False
            except CallFailed as failure:
                failed += 1
                self._store.postpone(fetch)
                fields = {"workflow_id": fetch.workflow_id, "reason": failure.reason}
                logger.warning("delivery failed", extra={"fields": fields})
        return bool(owed) and not failed

    def _deliver_one(self, fetch: CardFetch) -> None:
        on_retry = partial(self._metrics.count_retry, fetch.workflow_type)
        cards = fetch_cards(self._cards, fetch, on_retry)
        if self._store.mark_delivered(fetch):
            self._metrics.count_fetched(fetch.tenant_id, fetch.workflow_type, len(cards))
