"""Data rows of a load over three workers, against a server that notes which rows came."""

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT
from tests.speed import unproven

pytestmark = pytest.mark.long

SCENARIO = """
scenario: rows
data: {{customers: {{file: data/customers.csv, {keys}}}}}
quantities: {{asked: {{prometheus: asked_total}}}}
flow:
  - step: ask
    request: GET shop /{{{{ customers.id }}}}
    counts: {{asked: 1}}
profiles: {{e2e: {{users: 1, iterations: 1}}, benchmark: {{users: 6, iterations: {iterations}}}}}
"""
SHARES = """
scenario: shares
quantities: {{asked: {{prometheus: asked_total}}}}
flows:
  buy: {{share: 3, steps: [{{step: buy, request: GET shop /cbuy, counts: {{asked: 1}}}}]}}
  browse: {{share: 1, steps: [{{step: browse, request: GET shop /cbrowse, counts: {{asked: 1}}}}]}}
profiles: {{benchmark: {{users: 6, iterations: {iterations}}}}}
"""
LOAD = ("load", "--profile", "benchmark", "--workers", "3")
ENVIRONMENT = """
environment: rows
services: {{shop: {{url: "http://127.0.0.1:{port}"}}}}
exclusive: true
load: {{allowed: true, max_users: 100, max_iterations: 20000}}
"""


class Notes(ThreadingHTTPServer):
    """A server that notes each path, and counts them on its page of metrics."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ids: Counter[str] = Counter()
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Notes

    def do_GET(self) -> None:
        body, kind = b"{}", "application/json"
        if self.path == "/metrics":
            total = sum(self.server.ids.values())
            body, kind = f"# TYPE asked_total counter\nasked_total {total}\n".encode(), "text/plain"
        elif self.path.startswith("/c"):
            with self.server.lock:
                self.server.ids[self.path[1:]] += 1
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def noting() -> Iterator[Notes]:
    with Notes() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def driven(
    folder: Path, count: int, keys: str, iterations: int, command: Sequence[str] = LOAD,
    scenario: str = SCENARIO,
) -> tuple[Counter[str], dict[str, Any], str]:  # fmt: skip
    """Drive a load by three workers; return the rows that came, the result, and its output."""
    (folder / "data").mkdir()
    rows = "".join(f"c{number}\n" for number in range(count))
    (folder / "data" / "customers.csv").write_text(f"id\n{rows}")
    (folder / "s.yaml").write_text(scenario.format(keys=keys, iterations=iterations))
    with noting() as server:
        (folder / "e.yaml").write_text(ENVIRONMENT.format(port=server.server_port))
        ran = subprocess.run(
            [sys.executable, "run.py", *command, "--env", str(folder / "e.yaml"), "--scenario",
             str(folder / "s.yaml"), "--runs", str(folder / "runs")],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
    output = ran.stdout + ran.stderr
    result = folder / "runs" / "latest" / "result.json"
    assert result.is_file(), output
    return server.ids, json.loads(result.read_text()), output


def test_cyclic_rows_are_used_equally_over_three_workers(tmp_path: Path) -> None:
    ids, result, output = driven(tmp_path, 7, "order: cyclic", 10_001)
    assert ids == {f"c{row}": 10_001 // 7 + (row < 10_001 % 7) for row in range(7)}, output
    assert unproven(result) == {}, output
    assert result["versions"]["data customers"].startswith("7 rows, SHA-256 ")


def test_unique_rows_are_each_used_once_and_end_the_load_without_a_failure(
    tmp_path: Path,
) -> None:
    ids, result, output = driven(tmp_path, 1_000, "order: unique", 10_001)
    assert ids == {f"c{row}": 1 for row in range(1_000)}, output
    assert unproven(result) == {}, output
    (finding,) = (each for each in result["findings"]
                  if each["id"] == "validity/iterations-add-up/benchmark")  # fmt: skip
    assert finding["observed"].endswith("every row of customers has been used: 1,000, each once")


def test_the_profiles_of_a_nightly_use_no_unique_row_twice(tmp_path: Path) -> None:
    ids, result, output = driven(tmp_path, 300, "order: unique", 100, command=["nightly"])
    assert ids == {f"c{row}": 1 for row in range(101)}, output
    assert unproven(result) == {}, output


def test_shares_of_flows_are_exact_over_three_workers(tmp_path: Path) -> None:
    ids, result, output = driven(tmp_path, 1, "", 10_001, scenario=SHARES)
    assert ids == {"cbuy": 7_501, "cbrowse": 2_500}, output
    assert unproven(result) == {}, output
