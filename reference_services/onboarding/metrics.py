"""What does Onboarding count?"""

from prometheus_client import CollectorRegistry, Counter

from reference_services.common.api.schemas import CardType
from reference_services.common.calls.circuit_breaker import CircuitState
from reference_services.common.metrics import circuit_gauge, duration_histogram


class OnboardingMetrics:
    """The counters and histograms of Onboarding."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sessions = Counter(
            "onboarding_sessions_total", "Opened sessions.", ("tenant_id",), registry=registry
        )
        self._cards_created = Counter(
            "onboarding_cards_created_total",
            "Cards that completed onboardings made.",
            ("tenant_id", "card_type"),
            registry=registry,
        )
        self._request_duration = duration_histogram(
            "onboarding_request_duration_seconds",
            "Time until an API request was answered.",
            ("method", "endpoint"),
            registry,
        )
        self._retries = Counter(
            "onboarding_cards_retries_total",
            "Calls to Cards that were repeated.",
            ("reason",),
            registry=registry,
        )
        self._failures = Counter(
            "onboarding_cards_failures_total",
            "Calls to Cards that failed after every attempt.",
            ("reason",),
            registry=registry,
        )
        self._circuit = circuit_gauge("onboarding_cards_circuit_state", registry)

    def set_circuit(self, state: CircuitState) -> None:
        """Show the state of the circuit breaker."""
        self._circuit.set(state)

    def count_retry(self, reason: str) -> None:
        """Count one repeated call to Cards."""
        self._retries.labels(reason).inc()

    def count_failure(self, reason: str) -> None:
        """Count one call to Cards that failed after every attempt."""
        self._failures.labels(reason).inc()

    def count_request(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one answered request; its status is not among the labels."""
        del status
        self._request_duration.labels(method, route).observe(duration_s)

    def count_session(self, tenant_id: str) -> None:
        """Count one opened session."""
        self._sessions.labels(tenant_id).inc()

    def count_card(self, tenant_id: str, card_type: CardType) -> None:
        """Count one card that a completed onboarding made."""
        self._cards_created.labels(tenant_id, card_type).inc()
