"""Requests that are sent at once find races that requests one after the other do not.

The service below reads a value, and writes it back only when a second request has read it, too, or
after a while: a race that is lost whenever two requests overlap.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition
from typing import Any

import pytest

from config.environment import Environment
from config.services import Service
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.iteration import run_iteration
from scenarios.evidence.recording import Recorder
from scenarios.http.client import HttpClient
from scenarios.language.model import Scenario
from tests.tiny_server import in_background

_OVERLAP_S = 0.5  # how long a request waits for another one


@dataclass
class RacyService:
    """Counts by reading and writing, and keeps idempotency keys without a lock."""

    counter: int = 0
    charges: int = 0
    keys: set[str] = field(default_factory=set)
    _arrived: int = 0
    _changed: Condition = field(default_factory=Condition)

    def count(self) -> None:
        read = self.counter
        self._wait_for_another()
        self.counter = read + 1

    def charge(self, key: str) -> None:
        if key in self.keys:
            return
        self._wait_for_another()
        self.keys.add(key)
        self.charges += 1

    def _wait_for_another(self) -> None:
        with self._changed:
            self._arrived += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._arrived >= 2, _OVERLAP_S)


@contextmanager
def served(service: RacyService) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            if self.path == "/count":
                service.count()
            else:
                service.charge(self.headers["Idempotency-Key"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, in_background(server):
        yield f"http://127.0.0.1:{server.server_port}"


def drive(folder: Path, url: str, flow: list[dict[str, Any]]) -> bool:
    profiles = {"once": {"users": 1, "iterations": 1}}
    scenario = Scenario.model_validate({"scenario": "s", "flow": flow, "profiles": profiles})
    environment = Environment(environment="test", services={"shop": Service(url=url)})
    compiled = compile_flow(scenario, environment, "run-1", "tenant-1")
    recorder = Recorder(folder / "a.jsonl", "a", "once", 1, 1, compiled.step_names)
    with HttpClient(compiled.network) as client:
        is_ok = run_iteration(compiled, 1, 0.0, client, recorder)
    recorder.close()
    return is_ok


def steps_of(path: str) -> list[dict[str, Any]]:
    headers = {"Idempotency-Key": "{{ unique }}"}
    return [
        {"step": name, "request": f"POST shop {path}", "headers": headers}
        for name in ("first", "second")
    ]


@pytest.mark.parametrize(("at_once", "counted"), [(True, 1), (False, 2)])
def test_an_update_that_is_lost_is_found_by_requests_at_once_only(
    tmp_path: Path, at_once: bool, counted: int
) -> None:
    service, steps = RacyService(), steps_of("/count")
    with served(service) as url:
        assert drive(tmp_path, url, [{"together": steps}] if at_once else steps)
    assert service.counter == counted


@pytest.mark.parametrize(("at_once", "charged"), [(True, 2), (False, 1)])
def test_a_key_that_is_used_twice_is_found_by_requests_at_once_only(
    tmp_path: Path, at_once: bool, charged: int
) -> None:
    service, steps = RacyService(), steps_of("/charge")
    with served(service) as url:
        assert drive(tmp_path, url, [{"together": steps}] if at_once else steps)
    assert service.charges == charged
