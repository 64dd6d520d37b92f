"""A stand-in of Prometheus' OTLP receiver, which the packaged Prometheus is too old for.

It takes OTLP/JSON at `/api/v1/otlp/v1/metrics` and writes it by remote write, named and labelled as
Prometheus does since 2.47: `job` and `instance` from the resource, `_total` for monotonic sums, and
`target_info` for the other attributes. Delta temporality is refused, as it is by default there.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.integration.remote_write import WrittenSample, write_samples
from tests.tiny_server import in_background

CUMULATIVE = 2
_PATH = "/api/v1/otlp/v1/metrics"
_OF_TARGET = ("service.name", "service.namespace", "service.instance.id")
_REFUSAL = b'invalid temporality and type combination for metric "%s"'


class DeltaTemporality(ValueError):
    """A sum that is not cumulative."""


@contextmanager
def otlp_receiver(prometheus: str) -> Iterator[str]:
    """Receive within the block, and write to a Prometheus; yield the endpoint."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            status, body = 200, b"{}"
            try:
                write_samples(prometheus, samples_of(json.loads(content)))
            except DeltaTemporality as error:
                status, body = 400, _REFUSAL % str(error).encode()
            self.send_response(status if self.path == _PATH else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Write no log into the output of the test."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, in_background(server):
        yield f"http://127.0.0.1:{server.server_port}{_PATH}"


def samples_of(request: Mapping[str, Any]) -> list[WrittenSample]:
    """Translate an ExportMetricsServiceRequest. Raises DeltaTemporality."""
    samples: list[WrittenSample] = []
    for resource_metrics in request["resourceMetrics"]:
        resource = _attributes(resource_metrics["resource"])
        target = _target(resource)
        stamps = set()
        for scope in resource_metrics["scopeMetrics"]:
            for metric in scope["metrics"]:
                for each in _of_metric(metric, target):
                    samples.append(each)
                    stamps.add(each.at)
        own = {
            name.replace(".", "_"): value
            for name, value in resource.items()
            if name not in _OF_TARGET
        }
        if own:
            labels = {"__name__": "target_info", **target, **own}
            samples.append(WrittenSample(labels, max(stamps), 1.0))
    return samples


def _of_metric(metric: Mapping[str, Any], target: Mapping[str, str]) -> Iterator[WrittenSample]:
    kind = "sum" if "sum" in metric else "gauge"
    if kind == "sum" and metric["sum"]["aggregationTemporality"] != CUMULATIVE:
        raise DeltaTemporality(metric["name"])
    is_counter = kind == "sum" and metric["sum"]["isMonotonic"]
    name = metric["name"].replace(".", "_") + ("_total" if is_counter else "")
    for point in metric[kind]["dataPoints"]:
        value = float(point.get("asInt", point.get("asDouble")))
        labels = {each.replace(".", "_"): text for each, text in _attributes(point).items()}
        at = int(point["timeUnixNano"]) // 1_000_000 / 1000
        yield WrittenSample({"__name__": name, **target, **labels}, at, value)


def _target(resource: Mapping[str, str]) -> dict[str, str]:
    names = (resource.get("service.namespace"), resource.get("service.name"))
    labels = {"job": "/".join(filter(None, names)), "instance": resource.get("service.instance.id")}
    return {name: value for name, value in labels.items() if value}


def _attributes(having: Mapping[str, Any]) -> dict[str, str]:
    attributes = having.get("attributes", ())
    return {each["key"]: str(next(iter(each["value"].values()))) for each in attributes}
