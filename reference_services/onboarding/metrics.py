"""Prometheus metrics of Onboarding."""

from prometheus_client import CollectorRegistry, Counter

from reference_services.common.api.schemas import CardType
from reference_services.common.calls.circuit_breaker import CircuitState
from reference_services.common.metrics import circuit_gauge, duration_histogram


class OnboardingMetrics:
    """Counters, histograms and gauges of Onboarding."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sessions = Counter(
            "onboarding_sessions_total", "Created sessions.", ("tenant_id",), registry=registry
        )
        self._cards_created = Counter(
            "onboarding_cards_created_total",
            "Cards created by completed sessions.",
            ("tenant_id", "card_type"),
            registry=registry,
        )
        self._request_duration = duration_histogram(
            "onboarding_request_duration_seconds",
            "Duration of an API request until its response starts.",
            ("method", "endpoint"),
            registry,
        )
        self._retries = Counter(
            "onboarding_cards_retries_total",
            "Retries of calls to Cards.",
            ("reason",),
            registry=registry,
        )
        self._failures = Counter(
            "onboarding_cards_failures_total",
            "Calls to Cards that failed, retries included.",
            ("reason",),
            registry=registry,
        )
        self._circuit = circuit_gauge("onboarding_cards_circuit_state", registry)

    def set_circuit(self, state: CircuitState) -> None:
        """Set the state of the circuit breaker."""
        self._circuit.set(state)

    def count_retry(self, reason: str) -> None:
        """Count one retry of a call to Cards."""
        self._retries.labels(reason).inc()

    def count_failure(self, reason: str) -> None:
        """Count one call to Cards that failed, retries included."""
        self._failures.labels(reason).inc()

    def count_request(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Time one request; the status is not a label of this histogram."""
        del status
        self._request_duration.labels(method, route).observe(duration_s)

    def count_session(self, tenant_id: str) -> None:
        """Count one created session."""
        self._sessions.labels(tenant_id).inc()

    def count_card(self, tenant_id: str, card_type: CardType) -> None:
        """Count one card of a completed session."""
        self._cards_created.labels(tenant_id, card_type).inc()
