"""A shop without metrics and without a database: only the usage API knows what was used.

Each use is an event, which the API shows a second later. One use is metered wrongly: the one with
the number FAULTY.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

from tests.tiny_server import in_background
from tests.usage_apis.events import Events
from tests.usage_apis.server import UsageApi, serving_usage

FAULTY = 20
SETTLE_S = 2.0
TOKEN = "tok-squeamish-ossifrage"

ENVIRONMENT = """
environment: billed
services:
  shop: {{url: "{shop}", metrics: none}}
apis:
  lago: {{url: "{usage}", auth: {{bearer: "${{USAGE_TOKEN}}"}}}}
headers: {{X-Tenant-ID: "{{{{ tenant }}}}"}}
exclusive: true
load: {{allowed: true, max_users: 10, max_rate: 1000/s}}
"""
SCENARIO = """
scenario: billed
quantities:
  calls:
    by: [kind]
    api:
      lago:
        get: "/api/v1/customers/{{ tenant }}/current_usage"
        query: {external_subscription_id: "{{ tenant }}"}
        pick: "customer_usage.charges_usage[].{kind: billable_metric.code, value: units}"
        settle: 2s
flow:
  - {step: use, request: POST shop /tea, counts: {calls: {tea: 1}}}
  - {step: use more, request: POST shop /coffee, counts: {calls: {coffee: 1}}}
profiles:
  load: {users: 2, iterations: 20}
"""


@contextmanager
def billed_shop(
    place: Path, fault: str = "", scenario: str = SCENARIO
) -> Iterator[tuple[UsageApi, tuple[str, ...]]]:
    """Serve the shop and its usage API; yield the API, and the options of a command."""
    events = Events(time.monotonic, time.time, lag_s=1.0)
    numbers = count(1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            is_faulty = next(numbers) == FAULTY
            number = {"lost": 0, "doubled": 2}.get(fault, 1) if is_faulty else 1
            lag_s = SETTLE_S + 4.0 if is_faulty and fault == "late" else 0.0
            tenant = self.headers["X-Tenant-ID"]
            events.send(self.path.removeprefix("/"), number, tenant, lag_s)
            self._answer()

        def _answer(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Write no log into the output of the test."""

    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) as shop,
        in_background(shop),
        serving_usage("lago", events) as api,
    ):
        address = f"http://127.0.0.1:{shop.server_port}"
        (place / "s.yaml").write_text(scenario)
        (place / "e.yaml").write_text(ENVIRONMENT.format(shop=address, usage=api.url))
        files = ("--scenario", str(place / "s.yaml"), "--env", str(place / "e.yaml"))
        yield api, (*files, "--profile", "load")
