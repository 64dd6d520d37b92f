"""A server that responds to range queries as Prometheus does, with scrapes that it makes up.

Its targets are scraped every few hundredths of a second, so a test need not wait.
"""

import json
import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlparse

from config.prometheus import Prometheus
from tests.tiny_server import in_background
from witnesses.prometheus.client import PrometheusClient

INTERVAL_S = 0.05

_LOOKBACK_S = 300.0
_RANGE = re.compile(r"(\w+)(?:\{[^}]*\})?\[(\d+)s\]")
_COUNT = re.compile(r"sum\(count_over_time\((.*)\)\)")
_TARGET = {"job": "shop", "instance": "shop:80"}


@dataclass
class FakePrometheus:
    """Its address, the value of a counter by time, and every query that it received.

    `is_closed` means that a range holds its first instant, as up to Prometheus 2. The counter is by
    our clock. Its own clock is moved by each of `steps`: when on our clock, and by how much. A
    sample that is not newer than all before it is refused.
    """

    counter: Callable[[float], float]
    is_closed: bool = True
    series: int = 1
    is_down: bool = False
    warnings: tuple[str, ...] = ()
    url: str = ""
    began_at: float = field(default_factory=time.time)
    asked: list[str] = field(default_factory=list)
    steps: list[tuple[float, float]] = field(default_factory=list)

    def set_clock(self, step_s: float) -> None:
        """Set its clock forward, or back."""
        self.steps.append((time.time(), step_s))

    def now(self) -> float:
        return time.time() + sum(step_s for _, step_s in self.steps)

    def answer(self, query: str, at: float) -> Any:
        if query == "time()":
            return [self.now(), str(self.now())]
        if query.startswith("max(timestamp(up"):
            stamps = [stamp for stamp, _ in self._scrapes(at - _LOOKBACK_S, at)]
            return [{"metric": {}, "value": [at, str(stamps[-1])]}] if stamps else []
        counted = _COUNT.fullmatch(query)
        if counted:
            matrix = self._matrix(counted[1], at)
            return [{"metric": {}, "value": [at, str(sum(len(s["values"]) for s in matrix))]}]
        return self._matrix(query, at)

    def _matrix(self, query: str, at: float) -> list[dict[str, Any]]:
        matched = _RANGE.fullmatch(query)
        if matched is None:
            return [{"metric": {}, "value": [at, "1"]}]
        name, since = matched[1], at - int(matched[2])
        values: dict[str, Callable[[float], float]] = {
            "up": lambda _: 1.0,
            "process_start_time_seconds": lambda _: 5.0,
            "scrape_duration_seconds": lambda _: 0.0,
            "scrape_samples_scraped": lambda _: 9.0,
            "uses_total": self.counter,
        }
        samples = [
            [stamp, str(values[name](taken_at))]
            for stamp, taken_at in self._scrapes(since, at)
            if since < stamp or self.is_closed
        ]
        kinds = range(self.series if name == "uses_total" else 1)
        return [{"metric": {**_TARGET, "kind": str(n)}, "values": samples} for n in kinds]

    def stamps(self, since: float, until: float) -> list[float]:
        """Return when it scraped, after one instant and up to another."""
        return [stamp for stamp, _ in self._scrapes(since, until) if since < stamp]

    def _scrapes(self, since: float, until: float) -> Iterator[tuple[float, float]]:
        """Yield the timestamps of its samples, and when on our clock each was taken."""
        first, newest, ahead_s = math.floor(self.began_at), -math.inf, 0.0
        begins = [(first, 0.0), *self.steps, (time.time(), 0.0)]
        for (begin, step_s), (end, _) in pairwise(begins):
            ahead_s += step_s
            low = max(begin, since - ahead_s, newest - ahead_s + 1e-6)
            high = min(end, until - ahead_s)
            for number in range(math.ceil(round((low - first) / INTERVAL_S, 6)),
                                math.floor(round((high - first) / INTERVAL_S, 6)) + 1):  # fmt: skip
                taken_at = round(first + number * INTERVAL_S, 3)
                yield round(taken_at + ahead_s, 3), taken_at
            newest = max(newest, end + ahead_s)


@contextmanager
def scraping(fake: FakePrometheus) -> Iterator[FakePrometheus]:
    """Serve it until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlparse(self.path)
            given = {name: values[0] for name, values in parse_qs(asked.query).items()}
            if fake.is_down:
                self._say(503, {})
            elif asked.path == "/api/v1/targets":
                interval = f"{INTERVAL_S * 1000:.0f}ms"
                target = {"labels": _TARGET, "scrapeInterval": interval}
                self._say(200, {"activeTargets": [target]})
            elif asked.path == "/api/v1/status/buildinfo":
                self._say(200, {"version": "3.5.0"})
            elif asked.path == "/api/v1/series":
                self._say(200, [{"__name__": "uses_total", "kind": "0", **_TARGET}])
            elif asked.path == "/api/v1/label/__name__/values":
                self._say(200, ["up", "uses_total"])
            else:
                fake.asked.append(given["query"])
                result = fake.answer(given["query"], float(given.get("time", fake.now())))
                kind = "matrix" if given["query"].endswith("]") else "vector"
                self._say(200, {"resultType": kind, "result": result})

        def _say(self, status: int, found: Any) -> None:
            warnings = {"warnings": list(fake.warnings)} if fake.warnings else {}
            content = json.dumps({"status": "success", "data": found, **warnings}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Write no log into the output of the test."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.url = f"http://127.0.0.1:{server.server_port}"
        with in_background(server):
            yield fake


def client_of(fake: FakePrometheus) -> PrometheusClient:
    """Return a client of it, to be closed by the caller."""
    return PrometheusClient(Prometheus.model_validate({"url": fake.url, "timeout": "5s"}))
