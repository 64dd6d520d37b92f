"""What is a metric made of here? The registry, the buckets of every duration, one scrape's text.

A service with several workers keeps its counts in files that all of them share; the folder is
named by `PROMETHEUS_MULTIPROC_DIR`, which the metrics library reads when it is imported.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
STARTED_AT = "SERVICE_STARTED_AT"

# 0.5, 2.5 and 5 seconds are the latency targets: each must be an edge, to need no interpolation.
DURATION_EDGES_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def create_registry() -> CollectorRegistry:
    """Create the registry of one service, with the figures of its process if it is a single one."""
    # A _created series is not a count, and doubles what a scrape has to carry.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library lacks the type
    registry = CollectorRegistry(auto_describe=True)
    if SHARED_FOLDER not in os.environ:
        ProcessCollector(registry=registry)
    return registry


def duration_histogram(
    name: str, what: str, labels: tuple[str, ...], registry: CollectorRegistry
) -> Histogram:
    """Declare a histogram of seconds with the buckets that the targets need."""
    return Histogram(name, what, labels, registry=registry, buckets=DURATION_EDGES_S)


def circuit_gauge(name: str, registry: CollectorRegistry) -> Gauge:
    """Declare the state of a circuit breaker before Cards: of several workers, the worst."""
    what = "The circuit breaker before Cards: 0 closed, 1 half-open, 2 open."
    return Gauge(name, what, registry=registry, multiprocess_mode="livemax")


def render_metrics(registry: CollectorRegistry) -> bytes:
    """Render every metric in Prometheus' text format: of all workers, whichever is asked."""
    folder = os.environ.get(SHARED_FOLDER)
    if folder is None:
        return generate_latest(registry)
    _forget_dead_workers(Path(folder))
    shared = CollectorRegistry()
    MultiProcessCollector(shared, folder)  # type: ignore[no-untyped-call]  # likewise
    shared.register(_StartTime())
    return generate_latest(shared)


class _StartTime(Collector):
    """When the service began to count: no worker's own start, which may be a later one."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "process_start_time_seconds",
            "Start time of the service since unix epoch in seconds.",
            value=float(os.environ[STARTED_AT]),
        )


def _forget_dead_workers(folder: Path) -> None:
    # Their counts stay; what they said of the present moment does not.
    for path in folder.glob("gauge_live*.db"):
        pid = int(path.stem.rpartition("_")[2])
        if not _is_alive(pid):
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]  # likewise


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
