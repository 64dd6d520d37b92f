"""Which cards did a tenant have a moment ago? What a workflow falls back on while Cards is away."""

import time
from collections.abc import Callable, Sequence
from threading import Lock

from cachetools import LRUCache, TTLCache

from reference_services.workflow.models import FetchedCard

# Together a bound on memory: tenants push out tenants, and a tenant's cards only its own.
TENANTS = 128
TENANT_BYTES = 2 * 1024 * 1024


class CardCache:
    """The cards last seen, each tenant's apart; those older than `ttl_s` are forgotten."""

    def __init__(self, ttl_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._now = now
        self._lock = Lock()
        self._tenants: LRUCache[str, TTLCache[str, FetchedCard]] = LRUCache(TENANTS)

    def keep(self, tenant_id: str, asked_for: Sequence[str], cards: Sequence[FetchedCard]) -> None:
        """Keep the cards that were found; forget those that were asked for and not found."""
        with self._lock:
            kept = self._tenants.get(tenant_id)
            if kept is None:
                kept = TTLCache(TENANT_BYTES, self._ttl_s, self._now, _size_bytes)
                self._tenants[tenant_id] = kept
            for card_id in asked_for:
                kept.pop(card_id, None)
            for card in cards:
                if _size_bytes(card) <= TENANT_BYTES:
                    kept[card.card_id] = card

    def recall(self, tenant_id: str, card_ids: Sequence[str]) -> list[FetchedCard]:
        """Return those of the cards that are known, in the order asked for, each once."""
        with self._lock:
            kept = self._tenants.get(tenant_id)
            found = {card_id: kept.get(card_id) for card_id in card_ids} if kept else {}
        return [card for card in found.values() if card is not None]


def _size_bytes(card: FetchedCard) -> int:
    return len(card.model_dump_json())
