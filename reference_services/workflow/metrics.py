"""What does Workflow count?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge

from reference_services.common.calls.circuit_breaker import CircuitState
from reference_services.common.metrics import circuit_gauge, duration_histogram
from reference_services.workflow.models import ContextSource, WorkflowType


@dataclass
class Counted:
    """An execution that is about to be counted: where its context came from, once it is known."""

    source: ContextSource


class WorkflowMetrics:
    """The counters and histograms of Workflow."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._executions = Counter(
            "workflow_executions_total",
            "Executions, completed or failed.",
            ("tenant_id", "workflow_type", "status", "context_source"),
            registry=registry,
        )
        self._execution_duration = duration_histogram(
            "workflow_execution_duration_seconds",
            "Time that an execution took.",
            ("tenant_id", "workflow_type"),
            registry,
        )
        self._cards_fetched = Counter(
            "workflow_cards_fetched_total",
            "Cards fetched from Cards.",
            ("tenant_id", "workflow_type"),
            registry=registry,
        )
        self._partial_results = Counter(
            "workflow_partial_results_total",
            "Executions that some of their cards were missing from.",
            ("workflow_type",),
            registry=registry,
        )
        self._retries = Counter(
            "workflow_cards_retries_total",
            "Calls to Cards that were repeated.",
            ("workflow_type", "reason"),
            registry=registry,
        )
        self._failures = Counter(
            "workflow_cards_failures_total",
            "Calls to Cards that failed after every attempt.",
            ("workflow_type", "reason"),
            registry=registry,
        )
        self._cache_hits = Counter(
            "workflow_cards_cache_hits_total",
            "Cards taken from the cache while Cards did not answer.",
            ("workflow_type",),
            registry=registry,
        )
        self._circuit = circuit_gauge("workflow_cards_circuit_state", registry)
        self._owed = Gauge(
            "workflow_owed_executions",
            "Executions on cached cards whose uses Cards has yet to record.",
            registry=registry,
            multiprocess_mode="livemostrecent",
        )

    @contextmanager
    def execution(
        self, tenant_id: str, workflow_type: WorkflowType, source: ContextSource
    ) -> Iterator[Counted]:
        """Count and time one execution: completed, or failed if it raises.

        `source` is where its context is to come from, and what is counted unless it is changed.
        """
        began_at, status, counted = perf_counter(), "failed", Counted(source)
        try:
            yield counted
            status = "completed"
        finally:
            duration_s = perf_counter() - began_at
            self._executions.labels(tenant_id, workflow_type, status, counted.source).inc()
            self._execution_duration.labels(tenant_id, workflow_type).observe(duration_s)

    def count_fetched(self, tenant_id: str, workflow_type: WorkflowType, cards: int) -> None:
        """Count the cards that one execution fetched."""
        self._cards_fetched.labels(tenant_id, workflow_type).inc(cards)

    def count_cache_hits(self, workflow_type: WorkflowType, cards: int) -> None:
        """Count the cards that one execution took from the cache."""
        self._cache_hits.labels(workflow_type).inc(cards)

    def set_circuit(self, state: CircuitState) -> None:
        """Show the state of the circuit breaker."""
        self._circuit.set(state)

    def set_owed(self, executions: int) -> None:
        """Show how many executions' uses are owed to Cards."""
        self._owed.set(executions)

    def count_partial_result(self, workflow_type: WorkflowType) -> None:
        """Count one execution that lacks some of its cards."""
        self._partial_results.labels(workflow_type).inc()

    def count_retry(self, workflow_type: WorkflowType, reason: str) -> None:
        """Count one repeated call to Cards."""
        self._retries.labels(workflow_type, reason).inc()

    def count_failure(self, workflow_type: WorkflowType, reason: str) -> None:
        """Count one call to Cards that failed after every attempt."""
        self._failures.labels(workflow_type, reason).inc()
