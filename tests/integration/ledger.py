"""A service that books tokens of customers: a row in a log, and the running total of each.

The totals began long before the run. Of one fault, the request with the number FAULTY is booked
wrongly in one of the two.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

from sqlalchemy import Engine, create_engine, text

from tests.tiny_server import in_background

FAULTY = 20
CUSTOMERS = ("ann", "bob", "eve")

SCENARIO = """
scenario: ledger
data:
  customers: {rows: [{id: ann}, {id: bob}, {id: eve}], order: cyclic}
quantities:
  tokens:
    by: [customer]
    resolution: 0.001
    database:
      billing:
        log: "SELECT customer, sum(tokens) FROM spend_log WHERE tenant = :tenant GROUP BY customer"
        totals: "SELECT customer, used FROM customers"
    traces:
      billing: {log: "SELECT trace, customer, tokens FROM spend_log WHERE tenant = :tenant"}
flow:
  - step: ask
    request: POST gateway /answers
    json: {customer: "{{ customers.id }}"}
    save: {spent: tokens}
    counts: {tokens: {"{{ customers.id }}": "{{ spent }}"}}
    at_most: {tokens: 100}
profiles:
  load: {users: 3, iterations: 90}
"""
_ENVIRONMENT = """
environment: ledger
services:
  gateway: {{url: "http://127.0.0.1:{port}", metrics: none, health: none}}
databases: {{billing: "{url}"}}
headers: {{X-Tenant-ID: "{{{{ tenant }}}}"}}
exclusive: true
load: {{allowed: true, max_users: 10, max_rate: 1000/s}}
"""
_TABLES = (
    "CREATE TABLE spend_log (tenant VARCHAR(80), trace VARCHAR(80), customer VARCHAR(9), "
    "tokens DECIMAL(12, 3))",
    "CREATE TABLE customers (customer VARCHAR(9), used DECIMAL(12, 3))",
    *(f"INSERT INTO customers VALUES ('{name}', 1000.125)" for name in CUSTOMERS),
)


class Ledger:
    """What was booked, in a database of any dialect."""

    def __init__(self, url: str, fault: str) -> None:
        self._engine: Engine = create_engine(url)
        self._fault, self._number, self._lock = fault, 0, threading.Lock()
        self._random = Random(7)
        with self._engine.begin() as connection:
            for statement in _TABLES:
                connection.execute(text(statement))

    def book(self, tenant: str, trace: str, customer: str) -> Decimal:
        """Book one answer in both stores; return its tokens."""
        with self._lock, self._engine.begin() as connection:
            self._number += 1
            tokens = Decimal(self._random.randint(1, 100_000)) / 1000
            fault = self._fault if self._number == FAULTY else ""
            values = {"tenant": tenant, "trace": trace, "customer": customer, "tokens": str(tokens)}
            if fault != "lost-row":
                row = "INSERT INTO spend_log VALUES (:tenant, :trace, :customer, :tokens)"
                connection.execute(text(row), values)
            times = {"lost-total": 0, "doubled-total": 2}.get(fault, 1)
            values["tokens"] = str(times * tokens)
            total = "UPDATE customers SET used = used + :tokens WHERE customer = :customer"
            connection.execute(text(total), values)
        return tokens

    def close(self) -> None:
        """Close its connections."""
        self._engine.dispose()


@contextmanager
def ledger(folder: Path, url: str, fault: str = "") -> Iterator[list[str]]:
    """Serve it within the block; yield the options of a run against it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            tenant, trace = self.headers["X-Tenant-ID"], self.headers["X-Trace-ID"]
            tokens = books.book(tenant, trace, asked["customer"])
            content = f'{{"tokens": {tokens}}}'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with (
        closing(Ledger(url, fault)) as books,
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server,
        in_background(server),
    ):
        environment, scenario = folder / "ledger.yaml", folder / "tokens.yaml"
        environment.write_text(_ENVIRONMENT.format(port=server.server_port, url=url))
        scenario.write_text(SCENARIO)
        yield ["--env", str(environment), "--scenario", str(scenario), "--profile", "load"]
