"""The plan of a command against one tiny service, whose answers a test gives."""

from pathlib import Path

from commands.shared.run_setup import plan_of
from scenarios.driver.plan import Plan
from tests.evidence_factory import exposition
from tests.tiny_server import Canned

SCENARIO = """
scenario: shop
flow:
  - {step: visit, request: GET shop /visit}
profiles:
  first: {users: 1, iterations: 1}
  second: {users: 1, iterations: 2}
"""
COUNTED_SCENARIO = SCENARIO.replace(
    "/visit}", "/visit, counts: {visits: 1}}\nquantities: {visits: {prometheus: visits_total}}"
)
ENVIRONMENT = """
environment: test
services:
  shop: {url: "%s"}
headers: {X-Tenant-ID: "{{ tenant }}", X-Token: "${SHOP_TOKEN:-none}"}
tenant: acme
load: {allowed: true}
"""
METRICS = Canned(exposition({}, visits=0), content_type="text/plain", is_live=True)
IS_WELL = {"/health": Canned("ok"), "/metrics": METRICS, "/visit": Canned("{}")}


def shop_plan(
    folder: Path, url: str, *profiles: str, scenario: str = SCENARIO, iterations: int | None = None
) -> Plan:
    """Write the scenario and the environment of a shop, and plan to drive these profiles."""
    (folder / "shop.yaml").write_text(scenario, encoding="utf-8")
    (folder / "test.yaml").write_text(ENVIRONMENT % url, encoding="utf-8")
    return plan_of(
        "e2e", str(folder / "test.yaml"), str(folder / "shop.yaml"), profiles, folder / "runs", "",
        iterations=iterations,
    )  # fmt: skip
