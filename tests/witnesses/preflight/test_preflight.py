from pathlib import Path

import pytest

from config.environment import read_environment
from scenarios.language.reader import read_scenario
from tests.counting_shop import Shop, counting_shop
from tests.tiny_server import Canned
from witnesses.preflight.inspection import Inspection, Outcome
from witnesses.preflight.preflight import inspect_scenario


def _inspected(shop: Shop) -> dict[tuple[str, ...], Inspection]:
    scenario, environment = read_scenario(shop.scenario), read_environment(shop.environment)
    return {each.subject: each for each in inspect_scenario(scenario, environment, "acme")}


def test_each_counter_query_and_check_is_inspected_and_nothing_else_is_sent(
    tmp_path: Path,
) -> None:
    with counting_shop(tmp_path) as shop:
        inspections = _inspected(shop)
        asked = set(shop.server.asked)
    assert {subject: each.outcome for subject, each in inspections.items()} == {
        ("payments", "counter"): Outcome.FOUND,
        ("payments", "database", "main"): Outcome.FOUND,
        ("few errors", "promql"): Outcome.FOUND,
    }
    assert asked == {"/metrics", "/api/v1/query", "/api/v1/series"}


@pytest.mark.parametrize("answer", [Canned("busy", 503), Canned("<html>", 200), Canned("", 404)])
def test_a_prometheus_that_cannot_be_asked_leaves_the_services_and_databases(
    tmp_path: Path, answer: Canned
) -> None:
    with counting_shop(tmp_path, answers={"/api/v1/query": answer}) as shop:
        inspections = _inspected(shop)
        assert shop.server.asked.count("/api/v1/query") == 1
    assert inspections["few errors", "promql"].outcome is Outcome.DOWN
    assert inspections["payments", "counter"].outcome is Outcome.FOUND
    assert inspections["payments", "database", "main"].outcome is Outcome.FOUND


def test_without_a_prometheus_the_services_know_their_counters(tmp_path: Path) -> None:
    with counting_shop(tmp_path, "shop_payments_total", "shop_payment_total") as shop:
        lines = shop.environment.read_text().splitlines(keepends=True)
        shop.environment.write_text(
            "".join(each for each in lines if not each.startswith("prometheus:"))
        )
        inspections = _inspected(shop)
    assert inspections["payments", "counter"].outcome is Outcome.WRONG
    assert ("few errors", "promql") not in inspections


def test_a_selector_that_prometheus_rejects_is_reported_as_such(tmp_path: Path) -> None:
    rejected = Canned('{"status": "error", "errorType": "bad_data", "error": "no"}', 400)
    query = '/api/v1/query?count(shop_payments_total{tenant="acme"})'
    with counting_shop(tmp_path, answers={query: rejected}) as shop:
        inspections = _inspected(shop)
    assert inspections["payments", "selector"].outcome is Outcome.WRONG


@pytest.mark.parametrize(
    ("page", "outcome"),
    [
        ("# TYPE shop_payment_total counter\n", Outcome.WRONG),
        ("# TYPE other_total counter\n", Outcome.UNSEEN),
        ('shop_payments_total{kind="card",tenant="acme"} 1\n', Outcome.FOUND),
    ],
)
def test_a_quantity_is_compared_with_the_pages_of_its_own_service(
    tmp_path: Path, page: str, outcome: Outcome
) -> None:
    """The other service shows the counter in each case."""
    named = 'shop_payments_total{tenant="{{ tenant }}"}'
    pages = {"/till": Canned(page)}
    with counting_shop(tmp_path, named, f"{named}\n    service: till", pages) as shop:
        text = shop.environment.read_text().replace("prometheus:", "#")
        other = f'{{till: {{url: "{shop.server.url}", metrics: ["{shop.server.url}/till"]}}, shop:'
        shop.environment.write_text(text.replace("{shop:", other, 1))
        assert _inspected(shop)["payments", "counter"].outcome is outcome
