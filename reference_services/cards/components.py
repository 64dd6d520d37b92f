"""Components of Cards, as its routes receive them."""

from dataclasses import dataclass

from reference_services.cards.metrics import CardsMetrics
from reference_services.cards.store import CardsStore


@dataclass(frozen=True)
class CardsComponents:
    """Store and metrics of one Cards app."""

    store: CardsStore
    metrics: CardsMetrics
