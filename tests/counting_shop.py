"""A shop that counts its payments, and a Prometheus that has scraped them, on one address."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.evidence_factory import vector
from tests.tiny_server import Canned, TinyServer, serving

METRIC = "shop_payments_total"
PAGE = f"""\
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1000
# TYPE {METRIC} counter
{METRIC}{{kind="card",tenant="acme"}} 3
"""
SCENARIO = """\
scenario: payments
quantities:
  payments:
    by: [kind]
    prometheus: shop_payments_total{tenant="{{ tenant }}"}
    database: {main: "SELECT kind, count(*) FROM payments WHERE tenant = :tenant GROUP BY kind"}
flow:
  - step: pay
    request: GET shop /pay
    counts: {payments: {card: 1}}
profiles:
  e2e: {users: 1, iterations: 1}
checks:
  usage: [payments]
  promql:
    - {name: few errors, query: "sum(errors_total)", expect: ">= 0"}
"""
_ENVIRONMENT = """\
environment: test
services: {{shop: {{url: "{url}"}}}}
prometheus: {{url: "{url}", timeout: 2s}}
databases: {{main: "sqlite:///{database}"}}
tenant: acme
"""


@dataclass(frozen=True)
class Shop:
    """The shop's server, and the files to run a scenario against it."""

    server: TinyServer
    scenario: Path
    environment: Path

    @property
    def payments(self) -> int:
        """How many payments were requested."""
        return self.server.asked.count("/pay")


@contextmanager
def counting_shop(
    folder: Path, old: str = "", new: str = "", answers: Mapping[str, Canned] | None = None
) -> Iterator[Shop]:
    """Serve the shop, and write its scenario with one place changed."""
    assert old in SCENARIO
    scenario, environment, database = (folder / name for name in ("s.yaml", "e.yaml", "shop.db"))
    scenario.write_text(SCENARIO.replace(old, new) if old else SCENARIO)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE payments (tenant TEXT, kind TEXT)")
    with serving({**_ANSWERS, **(answers or {})}) as server:
        environment.write_text(_ENVIRONMENT.format(url=server.url, database=database))
        yield Shop(server, scenario, environment)


def _data(data: object) -> Canned:
    return Canned(json.dumps({"status": "success", "data": data}))


_ANSWERS = {
    "/health": Canned("ok"),
    "/pay": Canned("{}"),
    "/metrics": Canned(PAGE, content_type="text/plain"),
    "/api/v1/query": Canned(json.dumps(vector(1))),
    "/api/v1/query?time()": _data({"resultType": "scalar", "result": [0, "5"]}),
    "/api/v1/series": _data([]),
    "/api/v1/label/__name__/values": _data([METRIC, "up"]),
    "/api/v1/targets": _data({"activeTargets": [{"labels": {"job": "shop"}}]}),
}
