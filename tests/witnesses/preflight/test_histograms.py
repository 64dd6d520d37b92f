"""What can be wrong with a histogram before a run: its name, its kind, its labels, its edges."""

from typing import Any

import pytest

from scenarios.language.model import Scenario
from tests.witnesses.preflight.test_counters import Stored
from witnesses.histograms import buckets_of
from witnesses.preflight.counters import CounterSources
from witnesses.preflight.histograms import HistogramSources, edges_on, inspect_histogram
from witnesses.preflight.inspection import Inspection, Outcome
from witnesses.preflight.metric_names import StoredMetrics, read_shown_metrics

PAGE = """\
# TYPE took_seconds histogram
took_seconds_bucket{route="/a",le="1.0"} 3
took_seconds_bucket{route="/a",le="5"} 3
took_seconds_bucket{route="/a",le="+Inf"} 3
"""
SUMMARY = '# TYPE took_seconds summary\ntook_seconds{quantile="0.5"} 3\ntook_seconds_count 3\n'
LABELS = {"route", "le", "job"}


class StoredEdges(Stored):
    """A Prometheus that also knows edges."""

    def values_of(self, metric: str, label: str) -> frozenset[str]:
        return frozenset({"2500", "+Inf"})


def inspected(*pages: str, stored: StoredMetrics | None = None, **objective: Any) -> Inspection:
    written = {"histogram": "took_seconds", "p95": "1s", **objective}
    scenario = Scenario.model_validate({
        "scenario": "shop", "flow": [{"step": "use", "request": "GET shop /"}],
        "profiles": {"e2e": {"users": 1, "iterations": 1}},
        "checks": {"server_latency": [written]},
    })  # fmt: skip
    (buckets,) = buckets_of(scenario, "acme", is_exclusive=True)
    series = CounterSources(read_shown_metrics(pages), stored, frozenset())
    sources = HistogramSources(pages, series)
    return inspect_histogram(0, scenario.checks.server_latency[0], buckets, sources)


@pytest.mark.parametrize("limit", ["1s", "5s"])
def test_a_histogram_with_an_edge_at_the_limit_is_found(limit: str) -> None:
    inspection = inspected(PAGE, p95=limit)
    assert (inspection.outcome, inspection.location, inspection.subject) == (
        Outcome.FOUND, ("checks", "server_latency", 0, "histogram"), ("took_seconds", "histogram"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "nearest"), [("2.5s", "1 s and 5 s"), ("9s", "5 s"), ("500ms", "0 s and 1 s")]
)
def test_a_limit_at_no_edge_is_reported_with_the_nearest(limit: str, nearest: str) -> None:
    inspection = inspected(PAGE, p95=limit)
    assert inspection.outcome is Outcome.UNSEEN
    assert inspection.observed.endswith(f"; nearest {nearest}")
    assert inspection.remedy.startswith("add an edge at ")


def test_an_edge_that_one_replica_lacks_is_none() -> None:
    assert inspected(PAGE, PAGE.replace("1.0", "2"), p95="1s").outcome is Outcome.UNSEEN


def test_a_histogram_that_is_only_declared_has_edges_that_nobody_knows() -> None:
    assert inspected("# TYPE took_seconds histogram\n").outcome is Outcome.FOUND


def test_the_edges_that_only_prometheus_knows_are_in_the_unit_of_the_histogram() -> None:
    stored = StoredEdges(took_bucket=LABELS)
    settings = {"histogram": "took", "unit": "ms"}
    assert inspected(stored=stored, p95="2.5s", **settings).outcome is Outcome.FOUND
    assert inspected(stored=stored, p95="1s", **settings).outcome is Outcome.UNSEEN


def test_a_native_histogram_has_no_edges_to_compare() -> None:
    assert inspected(stored=Stored(took_seconds={"route", "job"})).outcome is Outcome.FOUND


@pytest.mark.parametrize("page", [SUMMARY, "# TYPE took_seconds gauge\ntook_seconds 3\n"])
def test_what_has_no_buckets_is_no_histogram(page: str) -> None:
    inspection = inspected(page)
    assert (inspection.outcome, inspection.observed) == (
        Outcome.WRONG, "took_seconds has no buckets: it is a summary, or no histogram",
    )  # fmt: skip


def test_a_misspelt_histogram_is_wrong_and_named_without_its_buckets() -> None:
    inspection = inspected(PAGE, histogram="tooks_seconds")
    assert inspection.outcome is Outcome.WRONG
    assert inspection.remedy.startswith("did you mean took_seconds?")


def test_a_histogram_that_nobody_has_seen_is_not_known() -> None:
    assert inspected(PAGE, histogram="paid_ms").outcome is Outcome.UNSEEN


def test_a_label_that_no_series_has_is_wrong() -> None:
    inspection = inspected(PAGE, stored=Stored(took_seconds_bucket=LABELS), by=["rout"])
    assert (inspection.outcome, "did you mean route?" in inspection.remedy) == (Outcome.WRONG, True)


@pytest.mark.parametrize(
    "line",
    ['a.b_bucket{le="1"} 3', '{"a.b_bucket",le="1"} 3', '{"a.b_bucket", x="y", le="1"} 3'],
)
def test_edges_are_read_of_names_in_quotes_too(line: str) -> None:
    assert edges_on([line], "a.b_bucket") == {"1"}


def test_the_edges_of_another_metric_or_label_are_not_read() -> None:
    page = 'aa_bucket{le="1"} 3\na_bucket{title="2"} 3\na_bucket_x{le="3"} 1\n'
    assert edges_on([page], "a_bucket") == frozenset()
