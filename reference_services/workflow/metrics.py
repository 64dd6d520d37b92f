"""Prometheus metrics of Workflow."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge

from reference_services.common.calls.circuit_breaker import CircuitState
from reference_services.common.metrics import circuit_gauge, duration_histogram
from reference_services.workflow.models import ContextSource, WorkflowType


@dataclass
class ExecutionCount:
    """Label value of an execution in progress; set `source` once the context is collected."""

    source: ContextSource


class WorkflowMetrics:
    """Counters, histograms and gauges of Workflow."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, registry=registry)
        by_tenant, by_reason = ("tenant_id", "workflow_type"), ("workflow_type", "reason")
        self._executions = counter(
            "workflow_executions_total", "Executions, by status.",
            (*by_tenant, "status", "context_source"),
        )  # fmt: skip
        self._execution_duration = duration_histogram(
            "workflow_execution_duration_seconds", "Duration of an execution.", by_tenant, registry
        )
        self._cards_fetched = counter(
            "workflow_cards_fetched_total", "Cards fetched from the Cards service.", by_tenant
        )
        self._partial_results = counter(
            "workflow_partial_results_total", "Executions with some of their cards missing.",
            ("workflow_type",),
        )  # fmt: skip
        self._retries = counter(
            "workflow_cards_retries_total", "Retries of calls to Cards.", by_reason
        )
        self._failures = counter(
            "workflow_cards_failures_total", "Calls to Cards that failed, retries included.",
            by_reason,
        )  # fmt: skip
        self._cache_hits = counter(
            "workflow_cards_cache_hits_total",
            "Cards taken from the cache after a failed call to Cards.",
            ("workflow_type",),
        )
        self._circuit = circuit_gauge("workflow_cards_circuit_state", registry)
        self._owed = Gauge(
            "workflow_owed_executions",
            "Executions on cached cards whose uses Cards has not recorded yet.",
            registry=registry,
            multiprocess_mode="livemostrecent",
        )  # fmt: skip

    @contextmanager
    def execution(
        self, tenant_id: str, workflow_type: WorkflowType, source: ContextSource
    ) -> Iterator[ExecutionCount]:
        """Count and time one execution: completed, or failed if the block raises.

        `source` is the intended source of its context; the block may change it in the count.
        """
        began_at, status, counted = perf_counter(), "failed", ExecutionCount(source)
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
        """Set the state of the circuit breaker."""
        self._circuit.set(state)

    def set_owed(self, executions: int) -> None:
        """Set the number of executions whose uses are owed to Cards."""
        self._owed.set(executions)

    def count_partial_result(self, workflow_type: WorkflowType) -> None:
        """Count one execution with some of its cards missing."""
        self._partial_results.labels(workflow_type).inc()

    def count_retry(self, workflow_type: WorkflowType, reason: str) -> None:
        """Count one retry of a call to Cards."""
        self._retries.labels(workflow_type, reason).inc()

    def count_failure(self, workflow_type: WorkflowType, reason: str) -> None:
        """Count one call to Cards that failed, retries included."""
        self._failures.labels(workflow_type, reason).inc()
