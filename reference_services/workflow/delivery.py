"""Who tells Cards of the uses that it was not there to record? A thread, until all are told.

A workflow that ran on cached cards used them all the same. Its retrieve, which names the workflow,
is made up for: a use that Cards did record before its answer was lost is not recorded again.
"""

from functools import partial

from reference_services.common.api.trace import begin_trace
from reference_services.common.calls.caller import Caller
from reference_services.common.calls.errors import CallFailed, CircuitOpen
from reference_services.common.json_logs import logger
from reference_services.workflow.client import fetch_cards
from reference_services.workflow.metrics import WorkflowMetrics
from reference_services.workflow.models import Fetch
from reference_services.workflow.store import ExecutionsStore

PAUSE_S = 0.5
ROUND = 100


class Delivery:
    """The deliveries of one worker; several workers may deliver the same, once is counted."""

    def __init__(self, store: ExecutionsStore, metrics: WorkflowMetrics, cards: Caller) -> None:
        self._store = store
        self._metrics = metrics
        self._cards = cards

    def deliver(self) -> bool:
        """Make up for the first retrieves in the queue; what fails goes to its end.

        Return whether all of them went well, and more may be waiting.
        """
        self._metrics.set_owed(self._store.count_owed())
        owed = self._store.read_owed(ROUND)
        failed = 0
        for fetch in owed:
            begin_trace(None)
            try:
                self._deliver_one(fetch)
            except CircuitOpen:
                return False
            except CallFailed as failure:
                failed += 1
                self._store.postpone(fetch)
                fields = {"workflow_id": fetch.workflow_id, "reason": failure.reason}
                logger.warning("delivery failed", extra={"fields": fields})
        return bool(owed) and not failed

    def _deliver_one(self, fetch: Fetch) -> None:
        on_retry = partial(self._metrics.count_retry, fetch.workflow_type)
        cards = fetch_cards(self._cards, fetch, on_retry)
        if self._store.settle(fetch):
            self._metrics.count_fetched(fetch.tenant_id, fetch.workflow_type, len(cards))
