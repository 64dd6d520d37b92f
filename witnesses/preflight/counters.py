"""Inspect the counter of a quantity: its name, the labels that it is counted by, its matchers."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from witnesses.model import CountedQuantity
from witnesses.preflight.inspection import Inspection, Outcome
from witnesses.preflight.metric_names import ShownMetrics, StoredMetrics
from witnesses.preflight.near_names import near_name


@dataclass(frozen=True)
class CounterSources:
    """Where a counter may be seen; `stored` is None without a Prometheus that can be asked.

    `counted` are the metrics of all quantities: none of them is a misspelling of another.
    """

    shown: ShownMetrics
    stored: StoredMetrics | None
    counted: frozenset[str]
    namespaces: Collection[str] = ()


def inspect_counter(quantity: CountedQuantity, sources: CounterSources) -> Inspection:
    """Inspect a quantity's counter. The worst of name and labels is reported."""
    metric, shown = quantity.selector.metric, sources.shown
    stored = sources.stored.labels_of(metric) if sources.stored else None
    if metric not in shown.names and stored is None:
        return _absent(quantity, sources)
    on_page = shown.labels.get(metric)
    mistakes = list(_labels(quantity, on_page, stored, has_targets=sources.stored is not None))
    wrong = [each for each in mistakes if each.outcome is Outcome.WRONG]
    observed = "the services show it" if metric in shown.names else "Prometheus has stored it"
    return next(iter([*wrong, *mistakes]), _of(quantity, Outcome.FOUND, f"{metric}: {observed}"))


def _absent(quantity: CountedQuantity, sources: CounterSources) -> Inspection:
    """Inspect a counter that nobody has seen: misspelt, or not counted yet."""
    metric, shown, stored = quantity.selector.metric, sources.shown, sources.stored
    known = (shown.names | (stored.names() if stored else frozenset())) - sources.counted
    near = near_name(metric, known, sources.namespaces)
    knows_stored = stored is not None and not stored.error
    if near and (knows_stored or not shown.errors):
        unseen = f"no service shows {metric}"
        unseen += ", and Prometheus has never seen it" if knows_stored else ""
        remedy = f"did you mean {near}? If {metric} is right, send a request that it counts first"
        return _of(quantity, Outcome.WRONG, unseen, remedy)
    if shown.errors:
        return _of(quantity, Outcome.DOWN, f"{metric}: {shown.errors[0]}")
    prometheus = "Prometheus has never seen it" if knows_stored else "no Prometheus can be asked"
    unseen = f"{metric}: no service shows it yet, and {prometheus}"
    remedy = "send a request that it counts, so that it shows, or correct its name"
    return _of(quantity, Outcome.UNSEEN, unseen, remedy)


def _labels(
    quantity: CountedQuantity,
    on_page: frozenset[str] | None,
    stored: frozenset[str] | None,
    *,
    has_targets: bool,
) -> Iterator[Inspection]:
    """Yield the labels that no series has; a counter without a series may have any."""
    if on_page is None and stored is None:
        return
    known = (on_page or frozenset()) | (stored or frozenset())
    # An exposition lacks the labels of Prometheus' targets; what is stored may lack those of a new
    # release. Without a Prometheus, there are no targets to be counted by.
    is_complete = None not in (on_page, stored)
    is_certain = {"by": is_complete or not has_targets, "prometheus": is_complete}
    wanted = dict.fromkeys(quantity.labels, "by")
    for matcher in quantity.selector.matchers:
        if not matcher.matches({}):  # it selects nothing where its label is absent
            wanted.setdefault(matcher.label, "prometheus")
    for label, key in wanted.items():
        if label in known:
            continue
        near = near_name(label, known)
        outcome = Outcome.WRONG if near or is_certain[key] else Outcome.UNSEEN
        hint = f"did you mean {near}? Its" if near else "its"
        observed = f"no series of {quantity.selector.metric} has the label {label}"
        remedy = f"{hint} labels are {', '.join(sorted(known)) or 'none'}"
        yield _of(quantity, outcome, observed, remedy, key)


def _of(
    quantity: CountedQuantity,
    outcome: Outcome,
    observed: str,
    remedy: str = "",
    key: str = "prometheus",
) -> Inspection:
    location = ("quantities", quantity.name, key)
    return Inspection(location, (quantity.name, "counter"), outcome, observed, remedy)
