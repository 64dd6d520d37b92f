"""Components of Onboarding, as its routes receive them."""

from dataclasses import dataclass

from reference_services.common.calls.service_client import ServiceClient
from reference_services.onboarding.metrics import OnboardingMetrics
from reference_services.onboarding.store import SessionsStore


@dataclass(frozen=True)
class OnboardingComponents:
    """Store, metrics and Cards client of one Onboarding app."""

    store: SessionsStore
    metrics: OnboardingMetrics
    cards: ServiceClient
