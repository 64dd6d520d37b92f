"""What is Cards made of?"""

from dataclasses import dataclass

from reference_services.cards.metrics import CardsMetrics
from reference_services.cards.store import CardsStore


@dataclass(frozen=True)
class Cards:
    """The parts that the routes of Cards work with."""

    store: CardsStore
    metrics: CardsMetrics
