from typing import Any

import pytest

from tests.witnesses.counted_quantities import counted
from witnesses.preflight.counters import CounterSources, inspect_counter
from witnesses.preflight.inspection import Inspection, Outcome
from witnesses.preflight.metric_names import ShownMetrics, StoredMetrics, read_shown_metrics


class Stored(StoredMetrics):
    """What Prometheus has stored, without one."""

    def __init__(self, error: str = "", **labels: set[str]) -> None:
        self._labels = labels
        self.error = error

    def labels_of(self, metric: str) -> frozenset[str] | None:
        labels = self._labels.get(metric)
        return None if labels is None else frozenset(labels)

    def values_of(self, metric: str, label: str) -> frozenset[str]:
        return frozenset()

    def names(self) -> frozenset[str]:
        return frozenset(self._labels)


SHOWN = read_shown_metrics(['uses_total{kind="tea",tenant="acme"} 1\n'])
EMPTY = read_shown_metrics([])


def inspected(
    selector: str,
    shown: ShownMetrics = SHOWN,
    stored: StoredMetrics | None = None,
    counts: frozenset[str] = frozenset(),
    **settings: Any,
) -> Inspection:
    quantity = counted(prometheus=selector, **settings)
    return inspect_counter(quantity, CounterSources(shown, stored, counts))


def test_a_counter_that_a_service_shows_is_found() -> None:
    inspection = inspected('uses_total{tenant="{{ tenant }}"}', by=["kind"])
    assert (inspection.outcome, inspection.location) == (
        Outcome.FOUND,
        ("quantities", "uses", "prometheus"),
    )


def test_a_counter_that_only_prometheus_has_seen_is_found() -> None:
    assert inspected("uses_total", EMPTY, Stored(uses_total={"job"})).outcome is Outcome.FOUND


def test_a_counter_that_is_declared_without_a_series_is_found_with_any_labels() -> None:
    shown = read_shown_metrics(["# TYPE uses_total counter\n"])
    assert inspected('uses_total{a="b"}', shown, Stored(), by=["kind"]).outcome is Outcome.FOUND


@pytest.mark.parametrize(
    ("shown", "stored"),
    [(SHOWN, None), (SHOWN, Stored()), (EMPTY, Stored(uses_total={"kind"}))],
)
def test_a_misspelt_counter_is_wrong(shown: ShownMetrics, stored: StoredMetrics | None) -> None:
    inspection = inspected("usess_total", shown, stored)
    assert inspection.outcome is Outcome.WRONG
    assert inspection.remedy.startswith("did you mean uses_total? If usess_total is right, ")


@pytest.mark.parametrize("shown", [EMPTY, SHOWN])
def test_a_counter_that_nobody_has_seen_is_not_known(shown: ShownMetrics) -> None:
    inspection = inspected("refunds_total", shown, Stored(uses_total=set()))
    assert inspection.outcome is Outcome.UNSEEN
    assert "no service shows it yet, and Prometheus has never seen it" in inspection.observed


def test_a_counter_of_another_quantity_is_no_misspelling() -> None:
    counts = frozenset({"usess_total", "uses_total"})
    assert inspected("usess_total", counts=counts).outcome is Outcome.UNSEEN


@pytest.mark.parametrize("stored", [None, Stored(error="Prometheus is down")])
def test_a_counter_may_be_on_a_page_that_cannot_be_read(stored: StoredMetrics | None) -> None:
    shown = read_shown_metrics(["uses_total 1\n"], ["http://shop/2 responded 500"])
    inspection = inspected("usess_total", shown, stored)
    assert inspection.outcome is Outcome.DOWN
    assert "responded 500" in inspection.observed


@pytest.mark.parametrize(
    ("by", "remedy"),
    [
        ("kinds", "did you mean kind? Its labels are kind, tenant"),
        ("type", "its labels are kind, tenant"),
    ],
)
def test_a_label_that_no_series_has_is_wrong(by: str, remedy: str) -> None:
    inspection = inspected("uses_total", by=[by])
    assert (inspection.outcome, inspection.remedy) == (Outcome.WRONG, remedy)
    assert inspection.observed == f"no series of uses_total has the label {by}"
    assert inspection.location == ("quantities", "uses", "by")


@pytest.mark.parametrize(
    ("selector", "outcome"),
    [
        ('uses_total{tennant="acme"}', Outcome.WRONG),
        ('uses_total{region="eu"}', Outcome.WRONG),
        ('uses_total{region=~".+"}', Outcome.WRONG),
        ('uses_total{region!=""}', Outcome.WRONG),
        ('uses_total{job="shop"}', Outcome.FOUND),
        ('uses_total{region!="eu"}', Outcome.FOUND),
        ('uses_total{region=""}', Outcome.FOUND),
        ('uses_total{region=~"eu|"}', Outcome.FOUND),
    ],
)
def test_a_matcher_needs_its_label_on_the_page_or_in_prometheus(
    selector: str, outcome: Outcome
) -> None:
    stored = Stored(uses_total={"job", "instance", "kind", "tenant"})
    assert inspected(selector, SHOWN, stored).outcome is outcome


def test_a_label_that_prometheus_may_add_is_not_known_before_it_has_scraped() -> None:
    assert inspected('uses_total{namespace="eu"}', SHOWN, Stored()).outcome is Outcome.UNSEEN


@pytest.mark.parametrize("stored", [Stored(), Stored(error="Prometheus is down")])
def test_a_label_to_count_by_may_be_that_of_a_target_not_yet_scraped(stored: Stored) -> None:
    assert inspected("uses_total", stored=stored, by=["namespace"]).outcome is Outcome.UNSEEN
    assert inspected("uses_total", stored=None, by=["namespace"]).outcome is Outcome.WRONG
    known = Stored(uses_total={"kind", "job"})
    assert inspected("uses_total", stored=known, by=["namespace"]).outcome is Outcome.WRONG
