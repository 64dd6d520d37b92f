"""Tests of the components of Workflow."""

from dataclasses import FrozenInstanceError

import pytest

from reference_services.common.calls.service_client import ServiceClient
from reference_services.workflow.app import create_app
from reference_services.workflow.card_cache import CardCache
from reference_services.workflow.components import WorkflowComponents
from reference_services.workflow.generation import ContentWriter
from reference_services.workflow.metrics import WorkflowMetrics
from reference_services.workflow.store import ExecutionsStore
from tests.reference_services.databases import Databases
from tests.reference_services.services import settings


def test_the_routes_receive_the_components_of_their_app(sqlite: Databases) -> None:
    components = create_app(settings("workflow", sqlite)).state.components
    assert isinstance(components, WorkflowComponents)
    assert isinstance(components.store, ExecutionsStore)
    assert isinstance(components.metrics, WorkflowMetrics)
    assert isinstance(components.cards, ServiceClient)
    assert isinstance(components.cache, CardCache)
    assert isinstance(components.writer, ContentWriter)


def test_two_apps_share_no_component(sqlite: Databases) -> None:
    one, other = (create_app(settings("workflow", sqlite)).state.components for _ in range(2))
    assert one.store is not other.store
    assert one.metrics is not other.metrics


def test_a_component_cannot_be_replaced_in_place(sqlite: Databases) -> None:
    components = create_app(settings("workflow", sqlite)).state.components
    with pytest.raises(FrozenInstanceError):
        components.store = None
