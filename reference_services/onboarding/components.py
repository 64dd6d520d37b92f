"""What is Onboarding made of?"""

from dataclasses import dataclass

from reference_services.common.calls.caller import Caller
from reference_services.onboarding.metrics import OnboardingMetrics
from reference_services.onboarding.store import SessionsStore


@dataclass(frozen=True)
class Onboarding:
    """The parts that the routes of Onboarding work with."""

    store: SessionsStore
    metrics: OnboardingMetrics
    cards: Caller
