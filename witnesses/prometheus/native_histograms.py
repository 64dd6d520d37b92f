"""Read native histograms as cumulative counts at chosen edges, as classic ones have them.

    boundaries of schema 1   1       1.41       2         2.83        4
    buckets with values      │   7    │    2    │          3           │
                             edges around a limit of 2.5:  2 and 4, unless that bucket stays empty

A bucket that holds no value does not bound a limit within it. The resolution may change during a
run: an edge is then one that no bucket of any sample has within it.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from scenarios.language.histograms import EDGE, is_at
from witnesses.prometheus.samples import NativeHistogram, RawSeries

# From one boundary to another.
Bucket = tuple[float, float]


def buckets_in(series: RawSeries) -> set[Bucket]:
    """Return the buckets of a series that had any value."""
    return {
        (float(left), float(right))
        for _, histogram in series.histograms
        for _, left, right, _ in histogram.buckets
    }


def edges_for(buckets: Collection[Bucket], limit: float) -> tuple[float, float]:
    """Return the nearest edges around a limit; both are the limit where no bucket contains it.

    >>> edges_for([(1.0, 2.0), (2.0, 4.0)], 2.5), edges_for([(1.0, 2.0), (2.0, 4.0)], 2.0)
    ((2.0, 4.0), (2.0, 2.0))
    >>> edges_for([(1.0, 2.0)], 2.5), edges_for([(2.0, 4.0), (1.0, 16.0)], 2.5)
    ((2.5, 2.5), (1.0, 16.0))
    """
    below = above = limit
    while wider := [each for each in buckets if _is_within(below, each)]:
        below = min(left for left, _ in wider)
    while wider := [each for each in buckets if _is_within(above, each)]:
        above = max(right for _, right in wider)
    return below, above


def _is_within(edge: float, bucket: Bucket) -> bool:
    left, right = bucket
    return left < edge < right and not (is_at(left, edge) or is_at(right, edge))


def at_edges(series: Iterable[RawSeries], edges: Sequence[float]) -> Iterator[RawSeries]:
    """Yield the cumulative counts of each native histogram, a series per edge and for all."""
    for each in series:
        labels = each.labels if each.histograms else {}
        for edge in (*edges, math.inf) if each.histograms else ():
            samples = [(at, _count(histogram, edge)) for at, histogram in each.histograms]
            metric = msgspec.json.encode({**labels, EDGE: repr(edge)}, order="sorted")
            yield RawSeries(metric, samples)


def _count(histogram: NativeHistogram, edge: float) -> float:
    """Return how many values are at most an edge, or in all."""
    if math.isinf(edge):
        return histogram.count
    return math.fsum(
        count
        for _, _, right, count in histogram.buckets
        if float(right) <= edge or is_at(float(right), edge)
    )
