"""In-memory cache of cards per tenant; executions fall back on it while Cards is down."""

import time
from collections.abc import Callable, Sequence
from threading import Lock

from cachetools import LRUCache, TTLCache

from reference_services.workflow.models import FetchedCard

# Both bound the memory. A new tenant evicts the least recently used tenant; a new card evicts
# only cards of its own tenant.
TENANTS = 128
TENANT_BYTES = 2 * 1024 * 1024


class CardCache:
    """Thread-safe cache of cards, separate per tenant; entries expire after `ttl_s`."""

    def __init__(self, ttl_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s = ttl_s
        self._now = now
        self._lock = Lock()
        self._tenants: LRUCache[str, TTLCache[str, FetchedCard]] = LRUCache(TENANTS)

    def put(self, tenant_id: str, requested: Sequence[str], cards: Sequence[FetchedCard]) -> None:
        """Store the cards of a response; drop those that were requested but not found."""
        with self._lock:
            kept = self._tenants.get(tenant_id)
            if kept is None:
                kept = TTLCache(TENANT_BYTES, self._ttl_s, self._now, _size_bytes)
                self._tenants[tenant_id] = kept
            for card_id in requested:
                kept.pop(card_id, None)
            for card in cards:
                if _size_bytes(card) <= TENANT_BYTES:
                    kept[card.card_id] = card

    def get(self, tenant_id: str, card_ids: Sequence[str]) -> list[FetchedCard]:
        """Return the cached ones of these cards, in the requested order, without duplicates."""
        with self._lock:
            kept = self._tenants.get(tenant_id)
            found = {card_id: kept.get(card_id) for card_id in card_ids} if kept else {}
        return [card for card in found.values() if card is not None]


def _size_bytes(card: FetchedCard) -> int:
    return len(card.model_dump_json())
