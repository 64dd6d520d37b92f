"""What does Cards count?"""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram

from reference_services.cards.models import Card
from reference_services.common.metrics import duration_histogram

PREFIX = "/api/v1/cards"


class CardsMetrics:
    """The counters and histograms of Cards."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "cards_api_requests_total",
            "API requests that were answered.",
            ("method", "endpoint", "status"),
            registry=registry,
        )
        self._request_duration = duration_histogram(
            "cards_api_request_duration_seconds",
            "Time until an API request was answered.",
            ("method", "endpoint"),
            registry,
        )
        self._uses = Counter(
            "cards_api_usage_total",
            "Recorded uses of cards.",
            ("tenant_id", "card_type", "source"),
            registry=registry,
        )
        self._created = Counter(
            "cards_created_total", "Stored cards.", ("tenant_id", "card_type"), registry=registry
        )
        # Kept, since every request asks for them; there are as many as routes and statuses.
        self._series = cache(self._find_series)

    def count_request(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one answered request."""
        requests, duration = self._series(method, route, status)
        requests.inc()
        duration.observe(duration_s)

    def _find_series(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        endpoint = route.removeprefix(PREFIX) or "/"
        return (
            self._requests.labels(method, endpoint, str(status)),
            self._request_duration.labels(method, endpoint),
        )

    def count_use(self, card: Card, source: str) -> None:
        """Count one recorded use of a card."""
        self._uses.labels(card.tenant_id, card.card_type, source).inc()

    def count_created(self, card: Card) -> None:
        """Count one stored card."""
        self._created.labels(card.tenant_id, card.card_type).inc()
