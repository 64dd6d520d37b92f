import json
from contextlib import closing

from config.environment import Environment
from config.prometheus import Prometheus
from config.services import Service
from tests.tiny_server import Canned, nobody_listens_at, serving
from witnesses.preflight.metric_names import (
    StoredMetrics,
    fetch_shown_pages,
    read_shown_metrics,
)
from witnesses.prometheus.client import PrometheusClient

PAGE = r"""# HELP uses_total Uses.
# TYPE uses_total counter
uses_total{kind="tea",note="a=\"b\",c"} 3
uses_total{kind="milk",size="big"} 1
# TYPE lost_total counter
# TYPE took_seconds histogram
# TYPE up_now gauge
plain 5
"""


def test_samples_have_their_labels_and_declared_families_their_names() -> None:
    shown = read_shown_metrics([PAGE])
    assert shown.labels["uses_total"] == {"kind", "note", "size"}
    assert shown.labels["plain"] == frozenset()
    assert shown.names == {
        "uses_total", "lost_total", "took_seconds_bucket", "took_seconds_count",
        "took_seconds_sum", "up_now", "plain",
    }  # fmt: skip


def test_a_counter_of_openmetrics_is_declared_without_its_suffix() -> None:
    assert read_shown_metrics(["# TYPE uses counter\n# EOF\n"]).names == {"uses_total"}
    assert read_shown_metrics(["# TYPE uses counter\n"]).names == {"uses"}


def test_names_of_other_characters_are_read_without_their_quotes() -> None:
    page = '# TYPE "shop.orders" counter\n{"shop.orders","order.kind"="tea, \\"x\\"",b="c"} 3\n'
    shown = read_shown_metrics([page, '# TYPE "shop.lost" gauge\nm_total{"a.b"="c"} 1\n'])
    assert shown.labels == {"shop.orders": {"order.kind", "b"}, "m_total": {"a.b"}}
    assert shown.names == {"shop.orders", "m_total", "shop.lost"}


def test_every_replica_is_scraped_and_what_cannot_be_read_is_reported() -> None:
    answers = {"/a": Canned("a_total 1\n"), "/b": Canned("b_total 1\n"), "/c": Canned("no", 500)}
    with serving(answers) as server:
        urls = [f"{server.url}/{path}" for path in "abc"]
        environment = Environment(
            environment="test", services={"shop": Service(url=server.url, metrics=urls)}
        )
        shown = fetch_shown_pages(environment).of()
    assert shown.names == {"a_total", "b_total"}
    assert shown.errors == (f"{urls[2]} responded 500",)


def test_the_metrics_of_one_service_are_those_of_its_own_pages() -> None:
    with serving({"/a": Canned("a_total 1\n"), "/b": Canned("no", 500)}) as server:
        a, b = (Service(url=server.url, metrics=[f"{server.url}/{path}"]) for path in "ab")
        none = Service(url=server.url, metrics="none")
        services = {"a": a, "b": b, "both": a, "none": none}
        pages = fetch_shown_pages(Environment(environment="test", services=services))
        assert sorted(server.asked) == ["/a", "/b"]
    assert pages.of("a").names == pages.of("both").names == {"a_total"}
    assert not pages.of("a").errors and not pages.of("none").errors
    assert len(pages.of("b").errors) == 1
    assert not pages.of("b").names and not pages.of("none").names


def _stored(url: str) -> StoredMetrics:
    return StoredMetrics(PrometheusClient(Prometheus(url=url)), ["shop"])


def test_stored_metrics_have_the_labels_of_all_their_series() -> None:
    series = [{"__name__": "uses_total", "kind": "tea"}, {"__name__": "uses_total", "pod": "p"}]
    answers = {
        "/api/v1/series": Canned(json.dumps({"status": "success", "data": series})),
        "/api/v1/label/__name__/values": Canned('{"status": "success", "data": ["uses_total"]}'),
    }
    with serving(answers) as server:
        stored = _stored(server.url)
        assert stored.labels_of("uses_total") == frozenset({"kind", "pod"})
        assert stored.names() == {"uses_total"}


def test_a_metric_without_series_is_not_stored() -> None:
    with serving({"/api/v1/series": Canned('{"status": "success", "data": []}')}) as server:
        assert _stored(server.url).labels_of("uses_total") is None


def test_after_an_error_prometheus_is_not_asked_again() -> None:
    with serving({}) as server:
        stored = _stored(server.url)
        assert stored.labels_of("uses_total") is None
        assert stored.names() == frozenset()
        assert "404" in stored.error
    assert server.asked == ["/api/v1/series"]


def test_a_prometheus_that_is_down_is_an_error() -> None:
    with closing(PrometheusClient(Prometheus(url=nobody_listens_at()))) as client:
        stored = StoredMetrics(client, ["shop"])
        assert stored.names() == frozenset()
    assert "cannot be reached" in stored.error
