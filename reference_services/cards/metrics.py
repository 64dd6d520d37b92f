"""Prometheus metrics of Cards."""

from collections.abc import Mapping
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from reference_services.cards.models import Card
from reference_services.common.metrics import duration_histogram

PREFIX = "/api/v1/cards"


class CardsMetrics:
    """Counters, histograms and gauges of Cards."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "cards_api_requests_total",
            "API requests, by response status.",
            ("method", "endpoint", "status"),
            registry=registry,
        )
        self._request_duration = duration_histogram(
            "cards_api_request_duration_seconds",
            "Duration of an API request until its response starts.",
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
            "cards_created_total", "Created cards.", ("tenant_id", "card_type"), registry=registry
        )
        # All workers read the same table: any of their values is right, none must be added up.
        self._rows = Gauge(
            "cards_usage_rows",
            "Stored uses of cards, of all tenants.",
            ("card_type", "source"),
            registry=registry,
            multiprocess_mode="livemax",
        )
        # Cached because every request needs them; bounded by the routes and statuses.
        self._series = cache(self._find_series)

    def count_request(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count and time one request, when its response starts."""
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
        """Count one created card."""
        self._created.labels(card.tenant_id, card.card_type).inc()

    def set_rows(self, rows: Mapping[tuple[str, str], int]) -> None:
        """Set the number of stored uses by `(card_type, source)`."""
        for labels, number in rows.items():
            self._rows.labels(*labels).set(number)

    def clear_rows(self) -> None:
        """Remove the series: their value is unknown, and a stale one would mislead."""
        self._rows.clear()
