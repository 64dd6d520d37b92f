"""Read a histogram as counters: one cumulative count per upper edge, each by its exact increase.

    edges of the buckets      0.5        1                  5       +Inf
    cumulative figures         80       93                 98        100
                                         │   limit 2.5      │
    within 2.5 s                         └ 93 … 98, of 100 ─┘

Its buckets are collected like the counter of a quantity, so that each figure knows how it can be
wrong. A native histogram has no buckets of its own in Prometheus: it is read at the edges around
the limits.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from scenarios.language.histograms import EDGE, bucket_selector, edge_s, is_at
from scenarios.language.model import Scenario
from scenarios.language.objectives import ServerLatencyObjective
from scenarios.language.quantities import Quantity
from witnesses.figure import ZERO, Figure, Figures, Labels
from witnesses.model import CountedQuantity


@dataclass(frozen=True, slots=True)
class Histogram:
    """How a histogram grew: cumulative figures by upper edge in seconds, in ascending order."""

    counts: Mapping[float, Figure]

    @property
    def edges_s(self) -> tuple[float, ...]:
        """Its finite edges."""
        return tuple(edge for edge in self.counts if edge < math.inf)

    @property
    def count(self) -> Figure | None:
        """How many values it has; None without a bucket that holds all of them."""
        return self.counts.get(math.inf)

    @property
    def falling_edge_s(self) -> float | None:
        """An edge below which more was counted than below the next one, or None."""
        return next(
            (
                edge
                for (edge, figure), (_, above) in pairwise(self.counts.items())
                if (figure.low or 0) > (math.inf if above.high is None else above.high)
            ),
            None,
        )

    def edges_around(self, limit_s: float) -> tuple[float, float]:
        """Return the nearest edges, equal where one is at the limit."""
        return edges_around(self.edges_s, limit_s)

    def within(self, limit_s: float) -> tuple[float, float]:
        """Return how many values are at most the limit: at least, and at most."""
        below, above = (self.counts.get(edge, ZERO) for edge in self.edges_around(limit_s))
        return float(below.low or 0), math.inf if above.high is None else float(above.high)


def edges_around(edges_s: Iterable[float], limit_s: float) -> tuple[float, float]:
    """Return the nearest edges, equal where one is at the limit; 0 and infinity are edges.

    >>> edges_around([1.0, 5.0], 2.5), edges_around([2.5], 2.5), edges_around([], 2.5)
    ((1.0, 5.0), (2.5, 2.5), (0.0, inf))
    """
    edges = [0.0, *edges_s, math.inf]
    at = next((edge for edge in edges if is_at(edge, limit_s)), None)
    if at is not None:
        return at, at
    return max(e for e in edges if e < limit_s), min(e for e in edges if e > limit_s)


def buckets_of(
    scenario: Scenario, tenant: str, *, is_exclusive: bool
) -> tuple[CountedQuantity, ...]:
    """Return what is collected for the objectives on histograms: their buckets as quantities."""
    objectives = enumerate(scenario.checks.server_latency)
    return tuple(buckets(scenario, number, each, tenant, is_exclusive=is_exclusive)
                 for number, each in objectives)  # fmt: skip


def buckets(
    scenario: Scenario, number: int, objective: ServerLatencyObjective, tenant: str, *,
    is_exclusive: bool,
) -> CountedQuantity:  # fmt: skip
    """Return the buckets of one objective; no quantity of a scenario has a name with a dot."""
    of_step = (each.request_parts()[1] for each in scenario.flow_steps
               if each.step == objective.step)  # fmt: skip
    settings = Quantity(
        by=[EDGE, *objective.by], prometheus=bucket_selector(objective.histogram),
        service=objective.service or next(of_step, None), shared=not objective.is_per_tenant,
    )  # fmt: skip
    return CountedQuantity(f"server_latency.{number}", settings, tenant, is_exclusive)


def natives_of(
    scenario: Scenario, tenant: str, *, is_exclusive: bool
) -> tuple[CountedQuantity, ...]:
    """Return the same histograms as Prometheus has native ones, under their own names."""
    classic = buckets_of(scenario, tenant, is_exclusive=is_exclusive)
    objectives = scenario.checks.server_latency
    return tuple(
        replace(
            each, name=f"{each.name}.native", is_native=True,
            settings=each.settings.model_copy(update={"prometheus": objective.histogram}),
        )
        for each, objective in zip(classic, objectives, strict=True)
    )  # fmt: skip


def histograms_of(
    figures: Figures, edges: Iterable[Collection[str]], per_second: float
) -> dict[Labels, Histogram]:
    """Return the histograms of a witness by the values of their labels beside the edge.

    `edges` are those of each series, as they are written. Series of different edges are added up
    at those that all of them have.
    """
    shared = _shared(edges, per_second)
    counts: dict[Labels, dict[float, Figure]] = {}
    for (written, *labels), figure in figures.by_labels.items():
        edge = edge_s(written, per_second)
        if edge in shared:
            of_labels = counts.setdefault(tuple(labels), {})
            of_labels[edge] = of_labels.get(edge, ZERO) + figure
    return {labels: Histogram(dict(sorted(each.items()))) for labels, each in counts.items()}


def _shared(edges: Iterable[Collection[str]], per_second: float) -> set[float]:
    sets = [{edge_s(each, per_second) for each in of_series} for of_series in edges]
    shared = set.intersection(*sets) if sets else set()
    return {edge for edge in shared if not math.isnan(edge)}
