"""Tests that a fault is seeded into its service and into no other."""

import pytest

from reference_services.cards.app import create_app as create_cards
from reference_services.faults.catalog import FAULTS, Fault
from tests.reference_services.databases import Databases
from tests.reference_services.services import settings


def test_an_unknown_fault_stops_the_service_and_names_the_known(sqlite: Databases) -> None:
    with pytest.raises(ValueError, match=r"unknown FAULT lost; .*lost-usage-row"):
        create_cards(settings("cards", sqlite, FAULT="lost"))


def test_a_fault_of_another_service_is_not_seeded(sqlite: Databases) -> None:
    sound = create_cards(settings("cards", sqlite))
    app = create_cards(settings("cards", sqlite, FAULT="slow-tail"))
    assert len(app.user_middleware) == len(sound.user_middleware)


def test_the_configured_fault_wraps_its_service(sqlite: Databases) -> None:
    sound = create_cards(settings("cards", sqlite)).state.components.metrics
    faulty = create_cards(settings("cards", sqlite, FAULT="counted-late")).state.components.metrics
    assert "count_use" not in vars(sound)
    assert "count_use" in vars(faulty)


def test_every_fault_of_a_service_names_a_function_of_its_module() -> None:
    for fault in FAULTS.values():
        if isinstance(fault, Fault):
            assert callable(fault.seed)
            assert fault.seed.__module__ == f"reference_services.faults.{fault.module}"
