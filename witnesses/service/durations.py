"""Read how long requests took as the services measured it: the duration histograms of their pages.

    before   le="0.5" 10   le="2.5" 12   le="+Inf" 12
    after    le="0.5" 90   le="2.5" 108  le="+Inf" 112
    grown           80            96            100      96 % took at most 2.5 s

The type and the unit are those that the page declares: a metric of type histogram whose name ends
with its unit, as the conventions of Prometheus and OpenTelemetry have it.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scenarios.language.histograms import BUCKET, EDGE, edge_s, units_per_second
from witnesses.histograms import edges_around
from witnesses.service.exposition import LabelPairs
from witnesses.service.reading import ServiceReading
from witnesses.service.replica import Replica

Key = tuple[str, str, LabelPairs]
_Buckets = dict[float, float]


@dataclass(frozen=True, slots=True)
class DurationSeries:
    """How one series of a histogram grew, over all replicas of a service.

    `counts` are cumulative, by ascending upper edges in seconds, of which the last is infinite.
    """

    service: str
    metric: str
    labels: Mapping[str, str]
    edges_s: tuple[float, ...]
    counts: tuple[float, ...]

    @property
    def count(self) -> float:
        """How many requests it timed."""
        return self.counts[-1]

    def within(self, limit_s: float) -> tuple[float, float]:
        """Return how many took at most `limit_s`: at least, and at most. Equal at an edge."""
        counts = {0.0: 0.0, **dict(zip(self.edges_s, self.counts, strict=True))}
        below_s, above_s = edges_around(self.edges_s, limit_s)
        return counts[below_s], counts[above_s]


def read_durations(services: ServiceReading) -> list[DurationSeries]:
    """Return the series that grew; none of a service of which a replica is in doubt."""
    replicas = {(each.service, each.url): each for each in services.replicas.values()}
    doubtful = {each.service for each in replicas.values() if each.doubt}
    grown: dict[Key, list[_Buckets]] = {}
    for replica in replicas.values():
        if replica.service not in doubtful:
            for metric, labels, buckets in _growth(replica):
                grown.setdefault((replica.service, metric, labels), []).append(buckets)
    series = (_sum(key, parts) for key, parts in sorted(grown.items()))
    return [each for each in series if each is not None]


def _growth(replica: Replica) -> Iterator[tuple[str, LabelPairs, _Buckets]]:
    for metric, kind in replica.after.types.items():
        unit = units_per_second(metric)
        if kind != "histogram" or unit is None:
            continue
        series: dict[LabelPairs, _Buckets] = {}
        before = replica.before.values.get(metric + BUCKET, {})
        for pairs, value in replica.after.values.get(metric + BUCKET, {}).items():
            labels = tuple(each for each in pairs if each[0] != EDGE)
            edge = edge_s(dict(pairs).get(EDGE, ""), unit)
            series.setdefault(labels, {})[edge] = value - before.get(pairs, 0.0)
        yield from ((metric, labels, buckets) for labels, buckets in series.items())


def _sum(key: Key, parts: list[_Buckets]) -> DurationSeries | None:
    """Add up the replicas; return None unless all have the same edges and the counts grew."""
    edges_s = tuple(sorted(parts[0]))
    is_torn = any(math.isnan(edge) for edge in edges_s)
    if is_torn or any(tuple(sorted(each)) != edges_s for each in parts):
        return None
    counts = tuple(math.fsum(each[edge] for each in parts) for edge in edges_s)
    # nothing follows from a count that fell
    ascending = all(low <= high for low, high in zip((0.0, *counts), counts, strict=False))
    if not ascending or edges_s[-1] != math.inf or counts[-1] <= 0:
        return None
    service, metric, labels = key
    return DurationSeries(service, metric, dict(labels), edges_s, counts)
