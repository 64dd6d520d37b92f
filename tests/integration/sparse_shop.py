"""A shop of which some witnesses are missing, as those of many systems are.

It counts and stores each use once per quantity; of a faulty quantity, one use is counted or stored
wrongly. Its page of metrics is on an address of its own, which only a Prometheus may be told.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from tests.tiny_server import in_background

SOUND = "sound"
FAULTS = ("lost", "doubled", "mislabelled", "unstored", "overstored")
FAULTY = 5  # the number of the use that is counted wrongly
USES = 12


@dataclass
class SparseShop:
    """Its addresses, and every path that it and its helper were asked for."""

    database: Path
    url: str = ""
    metrics_url: str = ""
    helper_url: str = ""
    asked: list[str] = field(default_factory=list)
    helper_asked: list[str] = field(default_factory=list)
    _counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _uses: int = 0
    _lock: Lock = field(default_factory=Lock)

    @property
    def metrics_port(self) -> int:
        """The port of the page of metrics."""
        return int(self.metrics_url.removesuffix("/metrics").rpartition(":")[2])

    def use(self, tenant: str) -> None:
        """Count and store a use of tea for each quantity."""
        with self._lock, sqlite3.connect(self.database) as rows:
            self._uses += 1
            for quantity in (SOUND, *FAULTS):
                fault = quantity if self._uses % USES == FAULTY else SOUND
                kind = "teas" if fault == "mislabelled" else "tea"
                self._counted[quantity, tenant, kind] += {"lost": 0, "doubled": 2}.get(fault, 1)
                stored = {"unstored": 0, "overstored": 2}.get(fault, 1)
                row = (quantity, tenant, kind)
                rows.executemany("INSERT INTO uses VALUES (?, ?, ?)", [row] * stored)

    def page(self) -> str:
        """Show the counters in the text format."""
        lines = ["# TYPE process_start_time_seconds gauge", "process_start_time_seconds 1000"]
        for quantity in (SOUND, *FAULTS):
            lines.append(f"# TYPE {quantity}_total counter")
            lines += [f'{name}_total{{tenant="{tenant}",kind="{kind}"}} {number}'
                      for (name, tenant, kind), number in self._counted.items()
                      if name == quantity]  # fmt: skip
        return "\n".join([*lines, f"# scrape {len(self.asked)}", ""])


@contextmanager
def sparse_shop(folder: Path) -> Iterator[SparseShop]:
    """Serve the shop, its metrics and its helper, each on a port of its own."""
    shop = SparseShop(folder / "uses.sqlite")
    with sqlite3.connect(shop.database) as rows:
        rows.execute("CREATE TABLE uses (quantity TEXT, tenant TEXT, kind TEXT)")

    def of_shop(method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
        shop.asked.append(path)
        if (method, path) == ("POST", "/use"):
            shop.use(headers["X-Tenant-ID"])
            return 200, "{}"
        return (200, "{}") if path == "/health" else (404, "{}")

    def of_metrics(_method: str, path: str, _headers: Mapping[str, str]) -> tuple[int, str]:
        shop.asked.append(path)
        return 200, shop.page()

    def of_helper(method: str, path: str, _headers: Mapping[str, str]) -> tuple[int, str]:
        shop.helper_asked.append(path)
        return (200, "{}") if method == "POST" else (404, "{}")

    with ExitStack() as held:
        shop.url = held.enter_context(_served(of_shop))
        shop.metrics_url = f"{held.enter_context(_served(of_metrics))}/metrics"
        shop.helper_url = held.enter_context(_served(of_helper))
        yield shop


@contextmanager
def _served(respond: Any) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._respond("GET")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._respond("POST")

        def _respond(self, method: str) -> None:
            status, body = respond(method, self.path, self.headers)
            self.send_response(status)
            kind = "application/json" if body.startswith("{") else "text/plain; version=0.0.4"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Write no log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, in_background(server):
        yield f"http://127.0.0.1:{server.server_port}"


def scenario_of(quantities: Mapping[str, tuple[str, ...]], *, has_helper: bool = False) -> str:
    """Return a scenario whose quantities name these witnesses: `prometheus` or `database`."""

    def source(key: str, name: str) -> object:
        if key == "prometheus":
            return f'{name}_total{{tenant="{{{{ tenant }}}}"}}'
        query = f"SELECT kind, count(*) FROM uses WHERE quantity = '{name}'"
        return {"main": f"{query} AND tenant = :tenant GROUP BY kind"}

    steps: list[dict[str, Any]] = [
        {"step": "use", "request": "POST shop /use", "counts": {
            name: {"tea": 1} for name in quantities}},
    ]  # fmt: skip
    steps += [{"step": "note", "request": "POST helper /note"}] if has_helper else []
    document = {
        "scenario": "sparse-shop",
        "quantities": {
            name: {"by": ["kind"], **{key: source(key, name) for key in keys}}
            for name, keys in quantities.items()
        },
        "flow": steps,
        "profiles": {"load": {"users": 1, "iterations": USES}},
    }
    return json.dumps(document, indent=1)
