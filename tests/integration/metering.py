"""A metering service: it books tokens on customers, in its metrics and in SQLite.

`python -m tests.integration.metering PORT DATABASE [FAULT]` serves it. One of its answers is booked
wrongly: the one with the number FAULTY.
"""

import json
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

from tests.paths import ROOT
from tests.secured_servers import free_port

CUSTOMERS = 50
FAULTY = 20
FAULTS = ("lost", "doubled", "rounded", "other-customer", "rejected", "lost-row")

ENVIRONMENT = """
environment: metering
services:
  gateway: {{url: "http://127.0.0.1:{port}"}}
databases: {{billing: "sqlite:///{database}"}}
headers: {{X-Tenant-ID: "{{{{ tenant }}}}"}}
exclusive: true
load: {{allowed: true, max_users: 100, max_rate: 1000/s}}
"""

SCENARIO = """
scenario: metering
quantities:
  tokens:
    by: [customer]
    unit: tokens
    resolution: 0.001
    prometheus: tokens_used_total{tenant="{{ tenant }}"}
    database:
      billing: "SELECT customer, sum(tokens) FROM usage WHERE tenant = :tenant GROUP BY customer"
    traces:
      billing: "SELECT trace, customer, tokens FROM usage WHERE tenant = :tenant"
flow:
  - step: choose a customer
    request: GET gateway /customers/any
    save: {customer: id}
  - step: ask
    request: POST gateway /answers
    json: {customer: "{{ customer }}"}
    timeout: 5s
    save: {spent: usage.tokens}
    counts: {tokens: {"{{ customer }}": "{{ spent }}"}}
    at_most: {tokens: 100}
profiles:
  load: {users: 4, iterations: 300}
checks:
  success_rate: 90%
"""


@contextmanager
def metering(folder: Path, fault: str = "") -> Iterator[list[str]]:
    """Serve it within the block; yield the options of a run against it."""
    port, database = free_port(), folder / "billing.sqlite"
    environment, scenario = folder / "metering.yaml", folder / "tokens.yaml"
    environment.write_text(ENVIRONMENT.format(port=port, database=database))
    scenario.write_text(SCENARIO)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.metering", str(port), str(database), fault],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "open\n"
        yield ["--env", str(environment), "--scenario", str(scenario), "--profile", "load"]
    finally:
        process.kill()
        process.communicate()


class Meter:
    """What was booked: floats in the counters, as any exporter has them, and rows."""

    def __init__(self, database: Path, fault: str) -> None:
        self._rows = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA synchronous=OFF")
        self._rows.execute(
            "CREATE TABLE usage (tenant TEXT, trace TEXT, customer TEXT, tokens REAL)"
        )
        self._used: Counter[tuple[str, str]] = Counter()
        self._fault, self._answers, self._lock = fault, 0, Lock()
        self._began_at = time.time()

    def answer(self, tenant: str, trace: str, customer: str) -> tuple[int, dict[str, object]]:
        """Book one answer, and return it."""
        tokens = Decimal(random.randint(1, 100_000)) / 1000
        with self._lock:
            self._answers += 1
            fault = self._fault if self._answers == FAULTY else ""
            counted = {
                "lost": Decimal(0),
                "doubled": 2 * tokens,
                "rounded": tokens.to_integral_value() + Decimal("0.25"),
            }
            booked = "stranger" if fault == "other-customer" else customer
            self._used[tenant, booked] += float(counted.get(fault, tokens))  # type: ignore[assignment]
            if fault not in ("lost-row", "rejected"):
                row = (tenant, trace, customer, float(tokens))
                self._rows.execute("INSERT INTO usage VALUES (?, ?, ?, ?)", row)
        if fault == "rejected":
            return 422, {"error": "too long"}
        return 200, {"usage": {"tokens": float(tokens)}}

    def page(self) -> str:
        """Show the counters as Prometheus' text format does."""
        with self._lock:
            lines = [
                f'tokens_used_total{{tenant="{tenant}",customer="{customer}"}} {used!r}'
                for (tenant, customer), used in self._used.items()
            ]
        head = ["# TYPE process_start_time_seconds gauge",
                f"process_start_time_seconds {self._began_at}",
                "# TYPE tokens_used_total counter"]  # fmt: skip
        return "\n".join([*head, *lines, ""])


def serve(port: int, database: Path, fault: str) -> None:
    """Serve until killed."""
    meter = Meter(database, fault)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._say(200, meter.page(), "text/plain")
            else:
                self._say(200, json.dumps({"id": f"c{random.randrange(CUSTOMERS)}"}))

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            tenant, trace = self.headers["X-Tenant-ID"], self.headers["X-Trace-ID"]
            status, said = meter.answer(tenant, trace, asked["customer"])
            self._say(status, json.dumps(said))

        def _say(self, status: int, body: str, kind: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print("open", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
