"""A service that times its requests in a histogram, as prometheus_client and FastAPI have it.

The durations are those that a request asks for: nothing waits. A Prometheus that takes protobuf is
shown a native histogram of the same durations, which the text format cannot hold.
"""

import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable

from fastapi import FastAPI, Header, Request, Response
from prometheus_client import REGISTRY, Histogram
from prometheus_client.exposition import choose_encoder

from tests.integration.protobuf import delimited, double, message, number, text

PROTOBUF = (
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)
_SCHEMA = 0  # boundaries at the powers of 2
_START_TIME = "process_start_time_seconds"
_GAUGE, _HISTOGRAM = 1, 4

took = Histogram(
    "shop_request_duration_seconds", "Durations.", ["tenant"],
    buckets=[float(each) for each in os.environ.get("EDGES", "0.5 1 2.5 5").split()],
)  # fmt: skip
_durations: dict[str, list[float]] = defaultdict(list)

app = FastAPI()


@app.get("/health")
def health() -> str:
    return "ok"


@app.post("/use")
def use(seconds: float, x_tenant_id: str = Header()) -> str:
    took.labels(x_tenant_id).observe(seconds)
    _durations[x_tenant_id].append(seconds)
    return "done"


@app.get("/metrics")
def metrics(request: Request) -> Response:
    accept = request.headers.get("Accept", "")
    if "protobuf" in accept:
        return Response(b"".join(map(delimited, _families())), media_type=PROTOBUF)
    encode, content_type = choose_encoder(accept)
    return Response(encode(REGISTRY), media_type=content_type)


def _families() -> Iterable[bytes]:
    started = REGISTRY.get_sample_value(_START_TIME) or 0.0
    yield _family(_START_TIME, _GAUGE, [message(2, double(1, started))])
    histograms = [_metric(tenant, each) for tenant, each in sorted(_durations.items())]
    yield _family("shop_request_duration_seconds", _HISTOGRAM, histograms)


def _family(name: str, kind: int, metrics: Iterable[bytes]) -> bytes:
    return text(1, name) + number(3, kind) + b"".join(message(4, each) for each in metrics)


def _metric(tenant: str, durations: list[float]) -> bytes:
    counts = Counter(math.ceil(math.log2(each) * 2**_SCHEMA) for each in durations)
    first, last = min(counts), max(counts)
    in_order = [counts[index] for index in range(first, last + 1)]
    deltas = [after - before for before, after in zip([0, *in_order], in_order, strict=False)]
    histogram = b"".join([
        number(1, len(durations)), double(2, sum(durations)), number(5, _zigzag(_SCHEMA)),
        double(6, 2.0**-128), number(7, 0),
        message(12, number(1, _zigzag(first)) + number(2, len(in_order))),
        *(number(13, _zigzag(each)) for each in deltas),
    ])  # fmt: skip
    label = message(1, text(1, "tenant") + text(2, tenant))
    return label + message(7, histogram)


def _zigzag(number: int) -> int:
    return number * 2 if number >= 0 else -number * 2 - 1
