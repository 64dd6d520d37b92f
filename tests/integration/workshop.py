"""A service with tenants, logins, orders with parts, waits and charges, for every block of a flow.

It counts each request by kind in its metrics, and keeps charges in SQLite: one per idempotency key,
unless two requests race for it and the service has no lock.
"""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from tests.tiny_server import in_background

ENVIRONMENT = """
environment: workshop
services: {{shop: {{url: "http://127.0.0.1:{port}"}}}}
databases: {{billing: "sqlite:///{database}"}}
headers: {{X-Tenant-ID: "{{{{ tenant }}}}"}}
exclusive: true
load: {{allowed: true, max_users: 100}}
"""
POLLS, PARTS = 3, 2
_READ_TO_WRITE_S = 0.02


class Workshop(ThreadingHTTPServer):
    """What was asked for, by kind; the polls of each order; the charges by key."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self, database: Path, *, is_racy: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kinds: Counter[str] = Counter()
        self.tokens: set[str] = set()
        self._polls: Counter[str] = Counter()
        self._lock, self._charging = Lock(), nullcontext() if is_racy else Lock()
        self._rows = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA journal_mode=WAL")
        self._rows.execute("CREATE TABLE charges (tenant TEXT, key TEXT)")

    def count(self, kind: str) -> int:
        """Count one request of a kind, and return how many there were."""
        with self._lock:
            self.kinds[kind] += 1
            return self.kinds[kind]

    def is_done(self, order: str) -> bool:
        """Return whether an order was asked about often enough."""
        with self._lock:
            self._polls[order] += 1
            return self._polls[order] >= POLLS

    def charge(self, tenant: str, key: str) -> None:
        """Store a charge, unless its key is known."""
        with self._charging:
            with self._lock:
                found = self._rows.execute("SELECT 1 FROM charges WHERE key = ?", (key,)).fetchone()
            time.sleep(_READ_TO_WRITE_S)
            if not found:
                with self._lock:
                    self._rows.execute("INSERT INTO charges VALUES (?, ?)", (tenant, key))

    def charges(self) -> int:
        """Return the number of charges."""
        with self._lock:
            number: int = self._rows.execute("SELECT count(*) FROM charges").fetchone()[0]
        return number

    def exposition(self) -> str:
        """Render the counters."""
        with self._lock:
            lines = [f'requests_total{{kind="{kind}"}} {n}' for kind, n in self.kinds.items()]
        return "\n".join(["# TYPE requests_total counter", *lines, ""])

    def close(self) -> None:
        """Close the store."""
        self._rows.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Workshop

    def do_GET(self) -> None:
        _, kind, *rest = self.path.split("/")
        if kind == "orders":
            self.server.count("polls")
            state = "done" if self.server.is_done(rest[0]) else "running"
            self.respond(200, {"state": state})
        elif kind == "metrics":
            self.respond(200, self.server.exposition())
        else:
            if kind != "health":
                self.server.count(kind)
            self.respond(200, {})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = self.path[1:]
        number = self.server.count(kind)
        if kind == "logins":
            self.server.tokens.add(f"token-{number}")
            self.respond(200, {"token": f"token-{number}"})
        elif kind == "orders" and self.headers["X-Login"] not in self.server.tokens:
            self.respond(401, {})
        elif kind == "charges":
            self.server.charge(self.headers["X-Tenant-ID"], self.headers["Idempotency-Key"])
            self.respond(200, {})
        else:
            self.respond(201, {"id": f"{kind}-{number}", "parts": list(range(PARTS))})

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.count("parts")
        self.respond(200, {})

    def do_DELETE(self) -> None:
        self.server.count("closed")
        self.respond(200, {})

    def respond(self, status: int, content: dict[str, Any] | str) -> None:
        """Send a JSON document, or a text."""
        is_text = isinstance(content, str)
        body = (content if is_text else json.dumps(content)).encode()  # type: ignore[union-attr]
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if is_text else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write no log."""


@contextmanager
def workshop(folder: Path, scenario: str, *, is_racy: bool = False) -> Iterator[Workshop]:
    """Serve it within the block, with the files of a run beside it."""
    database = folder / "billing.sqlite"
    with closing(Workshop(database, is_racy=is_racy)) as server, in_background(server):
        environment = ENVIRONMENT.format(port=server.server_port, database=database)
        (folder / "e.yaml").write_text(environment)
        (folder / "s.yaml").write_text(scenario)
        try:
            yield server
        finally:
            server.server_close()
