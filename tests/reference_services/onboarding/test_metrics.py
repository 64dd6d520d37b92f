"""Tests of the metrics of Onboarding."""

from prometheus_client import CollectorRegistry

from reference_services.common.calls.circuit_breaker import CircuitState
from reference_services.onboarding.metrics import OnboardingMetrics
from tests.reference_services.api_requests import SESSIONS, open_session, submit
from tests.reference_services.services import (
    Service,
)


def test_the_duration_is_measured_by_route(onboarding: Service, tenant: str) -> None:
    with onboarding.increases() as increase:
        submit(onboarding, tenant, open_session(onboarding, tenant))
    name = "onboarding_request_duration_seconds_count"
    assert increase(name, method="POST", endpoint=SESSIONS) == 1
    assert increase(name, method="POST", endpoint=SESSIONS + "/{session_id}/answers") == 1
    assert increase(name) == 2


def test_the_circuit_gauge_shows_the_number_of_the_state() -> None:
    registry = CollectorRegistry()
    metrics = OnboardingMetrics(registry)
    for state, value in zip(CircuitState, (0, 1, 2), strict=True):
        metrics.set_circuit(state)
        assert registry.get_sample_value("onboarding_cards_circuit_state") == value
