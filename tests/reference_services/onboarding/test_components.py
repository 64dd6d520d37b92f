"""Tests of the components of Onboarding."""

from dataclasses import FrozenInstanceError

import pytest

from reference_services.common.calls.service_client import ServiceClient
from reference_services.onboarding.app import create_app
from reference_services.onboarding.components import OnboardingComponents
from reference_services.onboarding.metrics import OnboardingMetrics
from reference_services.onboarding.store import SessionsStore
from tests.reference_services.databases import Databases
from tests.reference_services.services import settings


def test_the_routes_receive_the_components_of_their_app(sqlite: Databases) -> None:
    components = create_app(settings("onboarding", sqlite)).state.components
    assert isinstance(components, OnboardingComponents)
    assert isinstance(components.store, SessionsStore)
    assert isinstance(components.metrics, OnboardingMetrics)
    assert isinstance(components.cards, ServiceClient)


def test_two_apps_share_no_component(sqlite: Databases) -> None:
    one, other = (create_app(settings("onboarding", sqlite)).state.components for _ in range(2))
    assert one.store is not other.store
    assert one.metrics is not other.metrics


def test_a_component_cannot_be_replaced_in_place(sqlite: Databases) -> None:
    components = create_app(settings("onboarding", sqlite)).state.components
    with pytest.raises(FrozenInstanceError):
        components.store = None
