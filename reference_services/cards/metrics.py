"""What does Cards count?"""

from collections.abc import Mapping
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

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
        # Every process reads the same table, so of several workers any will do.
        self._rows = Gauge(
            "cards_usage_rows",
            "Uses that are stored, of all tenants.",
            ("card_type", "source"),
            registry=registry,
            multiprocess_mode="livemax",
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

    def set_rows(self, rows: Mapping[tuple[str, str], int]) -> None:
        """Show how many uses are stored, by card type and source."""
        for labels, number in rows.items():
            self._rows.labels(*labels).set(number)

    def forget_rows(self) -> None:
        """Show none, since their number is not known."""
        self._rows.clear()
