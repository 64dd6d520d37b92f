"""Compute the share within a limit from the histogram of each witness, with its bounds."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from checks.balance.figures import read_figures
from checks.balance.preconditions import Doubt, Precondition, cast_doubts, doubts_on
from checks.case import Case
from checks.server_latency.requests import StepRequests
from checks.service_levels import Gap, ServerShare
from scenarios.language.histograms import BUCKET, EDGE
from scenarios.language.objectives import ServerLatencyObjective
from witnesses.figure import ZERO, Figure, Labels, sum_by_labels
from witnesses.histograms import Histogram, histograms_of
from witnesses.model import CountedQuantity
from witnesses.prometheus.native_histograms import edges_for
from witnesses.prometheus.reading import NAME as PROMETHEUS
from witnesses.service.reading import NAME as SERVICE
from witnesses.service.reading import ServiceReading

_SUMMARY = "summary"


@dataclass(frozen=True)
class WitnessHistograms:
    """What one witness has of a histogram, by the values of the labels that it is judged by.

    `absent` is the figure of what it does not show, and `gap` why it shows nothing.
    """

    by_labels: Mapping[Labels, Histogram]
    absent: Figure
    gap: Gap | None = None

    @property
    def total(self) -> Figure:
        """How many values it has in all."""
        counts = (((), each.count or ZERO) for each in self.by_labels.values())
        return sum_by_labels(counts).get((), self.absent)


def read_histograms(
    case: Case, number: int, objective: ServerLatencyObjective,
    preconditions: Iterable[Precondition],
) -> dict[str, WitnessHistograms]:  # fmt: skip
    """Return what each witness has of the histogram of an objective."""
    buckets = case.quantity(f"server_latency.{number}")
    doubts = doubts_on(case, buckets, preconditions)
    figures = cast_doubts(read_figures(case, [buckets.name])[buckets.name], doubts)
    per_second = objective.per_second(case.run.tenant) or 1.0
    edges = {
        SERVICE: list(_edges(_labels_on_pages(case.services, buckets))),
        PROMETHEUS: list(_edges(case.prometheus.labels_of(buckets))),
    }
    gap = Gap.SUMMARY if _is_summary(case.services, buckets) else Gap.NO_SERIES
    read = {}
    for witness, of_witness in figures.items():
        by_labels = histograms_of(of_witness, edges[witness], per_second)
        read[witness] = WitnessHistograms(by_labels, of_witness.absent, None if by_labels else gap)
    if PROMETHEUS in read and not _has_edges(read[PROMETHEUS], objective):
        native = _native(case, f"{buckets.name}.native", objective, doubts)
        read[PROMETHEUS] = native if native.by_labels else read[PROMETHEUS]
    return read


def _has_edges(witness: WitnessHistograms, objective: ServerLatencyObjective) -> bool:
    """Return whether a classic histogram has an edge at each limit."""
    around = [
        histogram.edges_around(limit_s)
        for histogram in witness.by_labels.values()
        for limit_s in objective.limits().values()
    ]
    return bool(around) and all(below == above for below, above in around)


def _native(
    case: Case, name: str, objective: ServerLatencyObjective, doubts: Iterable[Doubt]
) -> WitnessHistograms:
    """Return what Prometheus has of a native histogram, at the edges around the limits."""
    native, per_second = case.quantity(name), objective.per_second(case.run.tenant) or 1.0
    buckets = case.prometheus.native_buckets(native)
    limits = (limit_s * per_second for limit_s in objective.limits().values())
    edges = sorted({edge for limit in limits for edge in edges_for(buckets, limit)})
    reading = replace(case.prometheus, native_edges=tuple(edges))
    figures = cast_doubts({PROMETHEUS: reading.figures(native)}, doubts)[PROMETHEUS]
    written = [{repr(edge) for edge in (*edges, math.inf)}]
    by_labels = histograms_of(figures, written, per_second) if buckets else {}
    return WitnessHistograms(by_labels, figures.absent, None if by_labels else Gap.NO_SERIES)


def _labels_on_pages(
    services: ServiceReading, buckets: CountedQuantity
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the address and the labels of each bucket on the pages."""
    for replica, of_target in services.replicas_of(buckets):
        for labels in replica.labels_of(buckets.selector.metric):
            if not of_target.failed_matchers(buckets.selector, labels):
                yield replica.url, labels


def _edges(buckets: Iterable[tuple[str, dict[str, str]]]) -> Collection[set[str]]:
    """Return the edges of each series, given the place and the labels of each bucket."""
    edges: dict[tuple[object, ...], set[str]] = {}
    for place, labels in buckets:
        others = sorted(each for each in labels.items() if each[0] != EDGE)
        edges.setdefault((place, *others), set()).add(labels.get(EDGE, ""))
    return edges.values()


def _is_summary(services: ServiceReading, buckets: CountedQuantity) -> bool:
    metric = buckets.selector.metric.removesuffix(BUCKET)
    return any(
        exposition.types.get(metric) == _SUMMARY
        for replica in services.replicas.values()
        for exposition in (replica.before, replica.after)
    )


def share_of(
    histogram: Histogram, limit_s: float, requests: StepRequests | None, total: Figure
) -> ServerShare:
    """Return the share of one histogram; `total` is the count of all that times the step.

    Where what its service timed has no upper bound, as after a restart, it is at most what was
    sent.
    """
    timed = histogram.count
    if timed is None:
        return ServerShare(ZERO, edges_s=histogram.edges_s, gap=Gap.NO_TOTAL)
    below_s, above_s = histogram.edges_around(limit_s)
    most, foreign = _bounds_of(timed, total, requests)
    within_low, within_high = histogram.within(limit_s)
    gap = _gap_of(histogram, total, requests, most)
    count = 0 if gap else max(0, math.floor(most - min(foreign, most)))
    over_low = max(0.0, float(timed.low or 0) - within_high - foreign)
    over_high = 0.0 if gap else min(count, most - within_low)
    return ServerShare(
        timed, count, math.ceil(over_low) if count else 0, math.floor(max(0.0, over_high)),
        below_s, None if above_s == math.inf else above_s, histogram.edges_s,
        gap or (None if count else Gap.UNBOUNDED),
    )  # fmt: skip


def _bounds_of(
    timed: Figure, total: Figure, requests: StepRequests | None
) -> tuple[float, float]:  # fmt: skip
    """Return how many values it has at most, and how many of them may be of other requests."""
    if requests is None:
        return math.inf if timed.high is None else float(timed.high), 0.0
    low = float(total.low or 0)
    all_most = max(requests.most, low) if total.high is None else float(total.high)
    unseen = all_most - low if total.high is None else 0.0
    most = float(timed.low or 0) + unseen if timed.high is None else float(timed.high)
    return most, requests.foreign_most(all_most)


def _gap_of(
    histogram: Histogram, total: Figure, requests: StepRequests | None, most: float
) -> Gap | None:
    if histogram.falling_edge_s is not None:
        return Gap.NOT_CUMULATIVE
    counts = total, histogram.count or total
    is_void = any(each.low is None and each.high is None for each in counts)
    if is_void or math.isinf(most):
        return Gap.UNBOUNDED
    if not most:
        return Gap.NOTHING_TIMED
    if requests and total.high is not None and total.high < requests.least:
        return Gap.NOT_ALL_TIMED
    return None
