"""A race on one customer's counter is found with `contention`, and missed without it."""

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

pytestmark = pytest.mark.long

SCENARIO = """
scenario: charges
data: {{customers: {{file: customers.csv, contention: {contention}}}}}
quantities:
  charged: {{by: [customer], database: {{shop: "SELECT customer, times FROM charges"}}}}
flow:
  - step: charge
    request: POST shop /{{{{ customers.id }}}}
    counts: {{charged: {{"{{{{ customers.id }}}}": 1}}}}
profiles: {{load: {{users: 8, iterations: 200}}}}
"""
ENVIRONMENT = """
environment: charges
services: {{shop: {{url: "http://127.0.0.1:{port}", metrics: none}}}}
databases: {{shop: "sqlite:///{database}"}}
exclusive: true
load: {{allowed: true, max_users: 100, max_iterations: 20000}}
"""
READ_TO_WRITE_S = 0.02


class Racing(ThreadingHTTPServer):
    """A service that reads a customer's row, works, and writes it: without a transaction."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self, database: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()  # of one statement
        self.rows = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self.execute("PRAGMA journal_mode=WAL")
        self.execute("CREATE TABLE charges (customer TEXT PRIMARY KEY, times INTEGER)")

    def execute(self, statement: str, *values: object) -> int:
        """Execute a statement, and return the number that it finds, or 0."""
        with self.lock:
            found = self.rows.execute(statement, values).fetchone()
        return found[0] if found and isinstance(found[0], int) else 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Racing

    def do_POST(self) -> None:
        customer = self.path[1:]
        before = self.server.execute("SELECT times FROM charges WHERE customer = ?", customer)
        time.sleep(READ_TO_WRITE_S)
        write = "INSERT OR REPLACE INTO charges VALUES (?, ?)"
        self.server.execute(write, customer, before + 1)
        self.do_GET()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def racing(database: Path) -> Iterator[Racing]:
    with Racing(database) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
        server.rows.close()


def judged(folder: Path, contention: int) -> tuple[dict[str, Any], int]:
    """Drive 200 charges of 100 customers; return the finding on usage, and what was charged."""
    rows = "".join(f"c{number}\n" for number in range(100))
    (folder / "customers.csv").write_text(f"id\n{rows}")
    (folder / "s.yaml").write_text(SCENARIO.format(contention=contention))
    database = folder / "charges.sqlite"
    with racing(database) as server:
        environment = ENVIRONMENT.format(port=server.server_port, database=database)
        (folder / "e.yaml").write_text(environment)
        ran = subprocess.run(
            [sys.executable, "run.py", "load", "--env", str(folder / "e.yaml"), "--scenario",
             str(folder / "s.yaml"), "--profile", "load", "--runs", str(folder / "runs")],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        charged = server.execute("SELECT sum(times) FROM charges")
    result = folder / "runs" / "latest" / "result.json"
    assert result.is_file(), ran.stdout + ran.stderr
    findings = json.loads(result.read_text())["findings"]
    finding = next(each for each in findings if each["id"] == "usage/charged")
    return finding, charged


def test_a_race_on_one_customer_is_found_with_contention(tmp_path: Path) -> None:
    finding, charged = judged(tmp_path, 8)
    assert charged < 200
    assert (finding["verdict"], finding["code"]) == ("fail", "LOST_ROW"), finding


def test_the_same_race_is_missed_by_users_who_have_customers_of_their_own(tmp_path: Path) -> None:
    finding, charged = judged(tmp_path, 1)
    assert charged == 200
    assert finding["verdict"] == "pass", finding
