"""Prometheus registry, histogram buckets and exposition of a service.

Several workers share their counts through files in `PROMETHEUS_MULTIPROC_DIR`. `prometheus_client`
reads that variable at import, so it has to be set before a worker starts.
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

# The latency targets 0.5, 2.5 and 5 s must be bucket bounds: a ratio then needs no interpolation.
DURATION_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def create_registry() -> CollectorRegistry:
    """Create the registry of a service; a single process also exposes its `process_*` metrics."""
    # The _created series would double the size of a scrape.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library lacks the type
    registry = CollectorRegistry(auto_describe=True)
    if SHARED_FOLDER not in os.environ:
        ProcessCollector(registry=registry)
    return registry


def duration_histogram(
    name: str, description: str, labels: tuple[str, ...], registry: CollectorRegistry
) -> Histogram:
    """Declare a histogram in seconds with the buckets `DURATION_BUCKETS_S`."""
    return Histogram(name, description, labels, registry=registry, buckets=DURATION_BUCKETS_S)


def circuit_gauge(name: str, registry: CollectorRegistry) -> Gauge:
    """Declare the state of the circuit breaker for Cards; the worst of several workers counts."""
    description = "State of the circuit breaker for Cards: 0 closed, 1 half-open, 2 open."
    return Gauge(name, description, registry=registry, multiprocess_mode="livemax")


def render_metrics(registry: CollectorRegistry) -> bytes:
    """Render every metric in the Prometheus text format, summed over all workers."""
    folder = os.environ.get(SHARED_FOLDER)
    if folder is None:
        return generate_latest(registry)
    _drop_gauges_of_dead_workers(Path(folder))
    shared = CollectorRegistry()
    MultiProcessCollector(shared, folder)  # type: ignore[no-untyped-call]  # likewise
    shared.register(_StartTime())
    return generate_latest(shared)


class _StartTime(Collector):
    """Start time of the parent process, when counting began; a worker may have started later."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "process_start_time_seconds",
            "Start time of the service since unix epoch in seconds.",
            value=float(os.environ[STARTED_AT]),
        )


def _drop_gauges_of_dead_workers(folder: Path) -> None:
    # Counters of dead workers stay in the sum; their gauges no longer apply.
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
