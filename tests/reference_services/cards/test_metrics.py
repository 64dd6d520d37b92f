"""Tests of the metrics of Cards."""

from uuid import uuid4

from prometheus_client import CollectorRegistry

from reference_services.cards.metrics import CardsMetrics
from tests.reference_services.services import (
    Service,
    as_tenant,
    make_cards,
    use_cards,
)


def test_requests_are_counted_by_method_route_and_status(cards: Service, tenant: str) -> None:
    with cards.increases() as increase:
        card_id = make_cards(cards, tenant)[0]
        use_cards(cards, tenant, [card_id], "w")
        cards.http.get(f"/api/v1/cards/{uuid4()}", headers=as_tenant(tenant))
        cards.http.get("/api/v1/cards")
        cards.http.get("/api/v1/nothing/here")
        cards.http.get("/health")
        cards.http.get("/ready")

    def requests(method: str, endpoint: str, status: str) -> float:
        return increase("cards_api_requests_total", method=method, endpoint=endpoint, status=status)

    assert requests("POST", "/batch", "201") == 1
    assert requests("POST", "/retrieve", "200") == 1
    assert requests("GET", "/{card_id}", "404") == 1
    assert requests("GET", "/", "401") == 1
    assert requests("GET", "unmatched", "404") == 1
    assert increase("cards_api_requests_total") == 5
    assert increase("cards_api_request_duration_seconds_count") == 5
    assert increase("cards_api_request_duration_seconds_count", endpoint="/batch") == 1


def test_the_row_gauge_has_no_series_after_it_was_cleared() -> None:
    registry = CollectorRegistry()
    metrics = CardsMetrics(registry)
    labels = {"card_type": "voice", "source": "workflow"}
    metrics.set_rows({("voice", "workflow"): 3})
    assert registry.get_sample_value("cards_usage_rows", labels) == 3
    metrics.clear_rows()
    assert registry.get_sample_value("cards_usage_rows", labels) is None
