"""What is a metric made of here? The registry, and the buckets of every duration."""

from prometheus_client import (
    CollectorRegistry,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

# 0.5, 2.5 and 5 seconds are the latency targets: each must be an edge, to need no interpolation.
DURATION_EDGES_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def create_registry() -> CollectorRegistry:
    """Create the registry of one service, with the figures of its process."""
    # A _created series is not a count, and doubles what a scrape has to carry.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library lacks the type
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    return registry


def duration_histogram(
    name: str, what: str, labels: tuple[str, ...], registry: CollectorRegistry
) -> Histogram:
    """Declare a histogram of seconds with the buckets that the targets need."""
    return Histogram(name, what, labels, registry=registry, buckets=DURATION_EDGES_S)
