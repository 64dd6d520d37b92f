"""Tests of the components of Cards."""

from dataclasses import FrozenInstanceError

import pytest

from reference_services.cards.app import create_app
from reference_services.cards.components import CardsComponents
from reference_services.cards.metrics import CardsMetrics
from reference_services.cards.store import CardsStore
from tests.reference_services.databases import Databases
from tests.reference_services.services import settings


def test_the_routes_receive_the_components_of_their_app(sqlite: Databases) -> None:
    components = create_app(settings("cards", sqlite)).state.components
    assert isinstance(components, CardsComponents)
    assert isinstance(components.store, CardsStore)
    assert isinstance(components.metrics, CardsMetrics)


def test_two_apps_share_no_component(sqlite: Databases) -> None:
    one, other = (create_app(settings("cards", sqlite)).state.components for _ in range(2))
    assert one.store is not other.store
    assert one.metrics is not other.metrics


def test_a_component_cannot_be_replaced_in_place(sqlite: Databases) -> None:
    components = create_app(settings("cards", sqlite)).state.components
    with pytest.raises(FrozenInstanceError):
        components.store = None
