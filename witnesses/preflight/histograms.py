"""Inspect a histogram that limits are on: its name, its labels, and its edges at the limits."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from scenarios.language.histograms import BUCKET, EDGE, edge_s, is_at
from scenarios.language.objectives import ServerLatencyObjective
from witnesses.histograms import edges_around
from witnesses.model import CountedQuantity
from witnesses.preflight.counters import CounterSources, inspect_counter
from witnesses.preflight.inspection import Inspection, Outcome
from witnesses.preflight.metric_names import ShownMetrics, StoredMetrics

_QUANTILE = "quantile"


@dataclass(frozen=True)
class HistogramSources:
    """The pages of a histogram's service, for its edges, and where its series may be seen."""

    pages: Sequence[str]
    series: CounterSources


class _StoredHistograms(StoredMetrics):
    """The histograms among what is stored, by their own names: classic ones, and native ones."""

    def __init__(self, stored: StoredMetrics) -> None:
        self._stored = stored
        self.error = stored.error

    def labels_of(self, metric: str) -> frozenset[str] | None:
        labels = self._stored.labels_of(f"{metric}{BUCKET}")
        if labels is None:
            labels = self._stored.labels_of(metric)
            labels = None if labels is None or _QUANTILE in labels else labels
        self.error = self._stored.error
        return labels

    def names(self) -> frozenset[str]:
        return _histograms_among(self._stored.names())


def inspect_histogram(
    number: int, objective: ServerLatencyObjective, buckets: CountedQuantity,
    sources: HistogramSources,
) -> Inspection:  # fmt: skip
    """Inspect the histogram of an objective; its first flaw is reported."""
    settings = {"prometheus": objective.histogram, "by": objective.by}
    histogram = replace(buckets, settings=buckets.settings.model_copy(update=settings))
    metric = histogram.selector.metric
    shown, stored = sources.series.shown, sources.series.stored
    of_histograms = ShownMetrics(
        {name.removesuffix(BUCKET): labels - {EDGE} for name, labels in shown.labels.items()
         if name.endswith(BUCKET)},
        _histograms_among(shown.declared), shown.errors,
    )  # fmt: skip
    places = replace(
        sources.series, shown=of_histograms, counted=frozenset({metric}),
        stored=_StoredHistograms(stored) if stored else None,
    )  # fmt: skip
    found = inspect_counter(histogram, places)
    if metric in shown.names and metric not in of_histograms.names:
        observed = f"{metric} has no buckets: it is a summary, or no histogram"
        found = replace(found, outcome=Outcome.WRONG, observed=observed,
                        remedy="expose a histogram, and name it")  # fmt: skip
    elif found.outcome is Outcome.FOUND:
        found = _edges(found, objective, buckets, sources) or found
    return place_of(number, buckets, found, objective.name_in(buckets.tenant))


def place_of(
    number: int, buckets: CountedQuantity, inspection: Inspection, name: str = ""
) -> Inspection:
    """Return an inspection of an objective with its place in the scenario, and its name."""
    location = ("checks", "server_latency", number, "histogram")
    named = name or buckets.selector.metric.removesuffix(BUCKET)
    return replace(inspection, location=location, subject=(named, "histogram"))


def _histograms_among(names: Iterable[str]) -> frozenset[str]:
    return frozenset(each.removesuffix(BUCKET) for each in names if each.endswith(BUCKET))


def _edges(
    found: Inspection, objective: ServerLatencyObjective, buckets: CountedQuantity,
    sources: HistogramSources,
) -> Inspection | None:  # fmt: skip
    """Return which limits are at no edge; None where each is at one, or no edge is known."""
    metric, per_second = buckets.selector.metric, objective.per_second(buckets.tenant) or 1.0
    written = edges_on(sources.pages, metric)
    if not written and (stored := sources.series.stored):
        written = stored.values_of(metric, EDGE)
    edges = sorted(edge_s(each, per_second) for each in written)
    limits = sorted(set(objective.limits().values()))
    missing = [each for each in limits if not any(is_at(edge, each) for edge in edges)]
    if not edges or not missing:
        return None
    below, above = edges_around(edges, missing[0])
    nearest = f"{below:g} s and {above:g} s" if above < float("inf") else f"{below:g} s"
    observed = f"the histogram has no edge at {missing[0]:g} s; nearest {nearest}"
    remedy = f"add an edge at {missing[0]:g}: without one, the share within the limit is a range"
    return replace(found, outcome=Outcome.UNSEEN, observed=observed, remedy=remedy)


def edges_on(pages: Iterable[str], metric: str) -> frozenset[str]:
    """Return the edges of a metric's buckets that are on each page that has any."""
    name = re.escape(metric)
    pattern = re.compile(
        rf'^(?:{name}\{{|\{{\s*"{name}"\s*,)(?:.*,)?\s*{EDGE}="([^"]*)"', re.MULTILINE
    )
    of_pages = [set(pattern.findall(page)) for page in pages]
    return frozenset(set.intersection(*filter(None, of_pages)) if any(of_pages) else ())
