"""A shop that counts its orders and pushes its metrics at intervals, with one fault if asked."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

import httpx

from tests.integration.otlp_receiver import CUMULATIVE
from tests.tiny_server import in_background

# What the shop knows at one export: its orders by kind, and how many exports it has made.
Export = Callable[["Metrics"], None]
_WRONG_ORDER = 7  # of a run


class Fault(StrEnum):
    """What is wrong with the count of one order, or with how the shop exports.

    A shop that is `replaced` at one order goes on as another instance, with counters at zero.
    """

    NONE = "none"
    LOST = "lost"
    DOUBLED = "doubled"
    WRONG_LABEL = "wrong label"
    REPLACED = "replaced"
    CHANGES_ONLY = "changes only"


class Metrics:
    """The cumulative counters of the shop's process, and when they were collected."""

    def __init__(self, instance: str, orders: Mapping[str, int], exports: int) -> None:
        self.instance, self.orders, self.exports = instance, dict(orders), exports
        self.at = time.time()


class Shop:
    """The shop; `orders` is what it counted by kind, which is not always what was ordered."""

    def __init__(self, export: Export, every_s: float, fault: Fault) -> None:
        self._export, self._every_s, self._fault = export, every_s, fault
        self.orders = Counter({"tea": 1_000, "coffee": 17})
        self._exported: dict[str, int] = {}
        self._instance, self._served, self._exports = "a", 0, 0
        self._lock, self._over = Lock(), Event()

    def order(self, kind: str) -> None:
        with self._lock:
            self._served += 1
            is_wrong = self._served == _WRONG_ORDER
            if is_wrong and self._fault is Fault.LOST:
                return
            if is_wrong and self._fault is Fault.REPLACED:
                self._instance, self.orders = "b", Counter()
            counted = "milk" if is_wrong and self._fault is Fault.WRONG_LABEL else kind
            self.orders[counted] += 2 if is_wrong and self._fault is Fault.DOUBLED else 1

    def push(self) -> None:
        """Export once, and then at each interval, until the shop closes."""
        while True:
            self._export(self._metrics())
            self._exports += 1
            if self._over.wait(self._every_s):
                return

    def close(self) -> None:
        self._over.set()

    def _metrics(self) -> Metrics:
        with self._lock:
            known = self._exported if self._fault is Fault.CHANGES_ONLY else {}
            orders = {kind: n for kind, n in self.orders.items() if n != known.get(kind)}
            self._exported = dict(self.orders)
            return Metrics(self._instance, orders, self._exports)


@contextmanager
def pushing_shop(export: Export, every_s: float, fault: Fault) -> Iterator[str]:
    """Serve a shop within the block, and have it push its metrics; yield its URL."""
    shop = Shop(export, every_s, fault)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say()

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            shop.order(asked["kind"])
            self._say()

        def _say(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Write no log into the output of the test."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, in_background(server):
        pushing = Thread(target=shop.push)
        pushing.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            shop.close()
            pushing.join()


def import_text(victoria: str) -> Export:
    """Return an exporter to VictoriaMetrics' import of expositions, stamped on arrival."""

    def export(metrics: Metrics) -> None:
        lines = [
            f'orders_total{{job="shop",instance="{metrics.instance}",kind="{kind}"}} {number}'
            for kind, number in metrics.orders.items()
        ]
        lines.append(f'exports_total{{job="shop",instance="{metrics.instance}"}} {metrics.exports}')
        content = "\n".join(lines) + "\n"
        httpx.post(f"{victoria}/api/v1/import/prometheus", content=content).raise_for_status()

    return export


def import_lines(victoria: str) -> Export:
    """Return an exporter to VictoriaMetrics' import of JSON lines, stamped when collected."""

    def export(metrics: Metrics) -> None:
        values = {("orders_total", kind): number for kind, number in metrics.orders.items()}
        lines = [
            json.dumps({
                "metric": {"__name__": name, "service_name": "shop", "kind": kind,
                           "service_instance_id": metrics.instance},
                "values": [value], "timestamps": [round(metrics.at * 1000)],
            })
            for (name, kind), value in {**values, ("exports_total", ""): metrics.exports}.items()
        ]  # fmt: skip
        content = "\n".join(lines) + "\n"
        httpx.post(f"{victoria}/api/v1/import", content=content).raise_for_status()

    return export


def export_otlp(endpoint: str, temporality: int = CUMULATIVE) -> Export:
    """Return an exporter of OTLP/JSON, as an SDK of OpenTelemetry exports it."""

    def export(metrics: Metrics) -> None:
        points = [
            _point(metrics, {"kind": kind}, number) for kind, number in metrics.orders.items()
        ]
        exports = [_point(metrics, {}, metrics.exports)]
        content = {"resourceMetrics": [{
            "resource": {"attributes": _attributes({
                "service.name": "shop", "service.instance.id": metrics.instance,
                "telemetry.sdk.language": "python"})},
            "scopeMetrics": [{"metrics": [
                {"name": name, "sum": {"isMonotonic": True, "aggregationTemporality": temporality,
                                       "dataPoints": of_metric}}
                for name, of_metric in (("orders", points), ("exports", exports))
            ]}],
        }]}  # fmt: skip
        httpx.post(endpoint, json=content)  # an exporter goes on where one export is refused

    return export


def _point(metrics: Metrics, attributes: Mapping[str, str], value: int) -> dict[str, object]:
    stamp = str(round(metrics.at * 1e9))
    return {"asInt": str(value), "timeUnixNano": stamp, "attributes": _attributes(attributes)}


def _attributes(values: Mapping[str, str]) -> list[dict[str, object]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]
