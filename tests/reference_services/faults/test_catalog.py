"""Is a fault seeded into the service that it belongs to, and into no other?"""

import pytest

from reference_services.cards.app import create_app as create_cards
from reference_services.faults.catalog import FAULTS
from tests.reference_services.databases import Databases
from tests.reference_services.services import settings


def test_an_unknown_fault_stops_the_service_and_names_the_known(sqlite: Databases) -> None:
    with pytest.raises(ValueError, match=r"FAULT=lost is unknown.*lost-usage-row"):
        create_cards(settings("cards", sqlite, FAULT="lost"))


def test_a_fault_of_another_service_is_left_alone(sqlite: Databases) -> None:
    sound = create_cards(settings("cards", sqlite))
    app = create_cards(settings("cards", sqlite, FAULT="slow-tail"))
    assert len(app.user_middleware) == len(sound.user_middleware)


def test_every_fault_says_what_it_breaks_in_one_sentence() -> None:
    for fault in FAULTS.values():
        assert fault.sentence.endswith(".")
        assert "\n" not in fault.sentence
