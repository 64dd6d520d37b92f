"""Replicas as the API of a Prometheus, or of a backend that others write to, knows them."""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest

from config.prometheus import Prometheus
from tests.tiny_server import Canned, serving
from witnesses.prometheus.client import PrometheusClient, PrometheusDown
from witnesses.prometheus.discovery import DiscoveredReplica, discover_replicas

_MATCHED = '{job=~"shop", env="staging"}'


def discovering(
    targets: Sequence[Mapping[str, Any]] | None,
    ups: Mapping[str, float],
    start_times: Mapping[str, float] = {},
) -> dict[str, Canned]:
    """Return the responses of an API; without targets, it does not report them."""
    answers = {
        f"/api/v1/query?up{_MATCHED}": _vector(ups),
        f"/api/v1/query?process_start_time_seconds{_MATCHED}": _vector(start_times),
    }
    if targets is not None:
        body = {"status": "success", "data": {"activeTargets": list(targets)}}
        answers["/api/v1/targets"] = Canned(json.dumps(body))
    return answers


def target(instance: str, url: str = "", **labels: str) -> dict[str, Any]:
    """Return a target of /api/v1/targets."""
    own = {"job": "shop", "env": "staging", "instance": instance, **labels}
    return {"labels": own, "scrapeUrl": url or f"http://{instance}/metrics"}


def _vector(values: Mapping[str, float]) -> Canned:
    result = [
        {"metric": {"job": "shop", "instance": instance}, "value": [0, str(value)]}
        for instance, value in values.items()
    ]
    data = {"resultType": "vector", "result": result}
    return Canned(json.dumps({"status": "success", "data": data}))


def _discovered(answers: Mapping[str, Canned]) -> list[DiscoveredReplica]:
    with serving(answers) as server:
        settings = Prometheus(url=server.url, match={"env": "staging"})
        with closing(PrometheusClient(settings)) as client:
            return discover_replicas(client, "shop")


def test_the_targets_of_a_job_are_its_replicas_at_the_addresses_that_are_scraped() -> None:
    targets = [
        target("pod-1", "https://10.0.0.1:8443/metrics?format=prometheus"),
        target("10.0.0.2:80"),
        target("pod-3", job="till"),
        target("pod-4", env="prod"),
    ]
    assert _discovered(discovering(targets, {"10.0.0.2:80": 0}, {"10.0.0.2:80": 500.5})) == [
        DiscoveredReplica("10.0.0.2:80", "http://10.0.0.2:80/metrics", start_time=500.5),
        DiscoveredReplica("pod-1", "https://10.0.0.1:8443/metrics?format=prometheus"),
    ]


@pytest.mark.parametrize("targets", [None, [], [target("10.0.0.1:80", job="other")]])
def test_a_backend_that_reports_no_target_of_the_job_is_asked_for_up(targets: Any) -> None:
    assert _discovered(discovering(targets, {"10.0.0.1:80": 1, "pod-2": 1})) == [
        DiscoveredReplica("10.0.0.1:80", "http://10.0.0.1:80/metrics", is_guessed=True),
        DiscoveredReplica("pod-2", "http://pod-2/metrics", is_guessed=True),
    ]


def test_what_only_up_has_stands_beside_what_is_reported() -> None:
    replicas = _discovered(discovering([target("a:80")], {"a:80": 1, "b:80": 1}))
    assert [(each.instance, each.is_guessed) for each in replicas] == [
        ("a:80", False),
        ("b:80", True),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://me:secret@a:80/metrics",
        "http://a:80/metrics?token=abc",
        "http://a:80/metrics?key=abc",
        "http://a:80/metrics#x",
        "ftp://a/metrics",
        "file:///etc/passwd",
        "http://a b/metrics",
        "http://[::1/metrics",
        "http://a/" + "m" * 3_000,
    ],
)
def test_an_address_that_is_none_or_may_hold_a_secret_is_not_kept(url: str) -> None:
    (replica,) = _discovered(discovering([target("a:80", url)], {}))
    assert replica == DiscoveredReplica("a:80", "")


@pytest.mark.parametrize(
    "body",
    [
        '{"status": "success", "data": {"result": [{"metric": 5, "value": [0, "1"]}]}}',
        '{"status": "success", "data": {"result": [{"metric": {}}]}}',
        '{"status": "success", "data": {"result": [{"metric": {}, "value": [0, "x"]}]}}',
        '{"status": "success", "data": {"result": 5}}',
        "<html>",
    ],
)
def test_a_response_that_is_no_vector_is_that_of_no_prometheus(body: str) -> None:
    answers = {**discovering([target("a:80")], {}), f"/api/v1/query?up{_MATCHED}": Canned(body)}
    with pytest.raises(PrometheusDown):
        _discovered(answers)


@pytest.mark.parametrize("targets", ["null", "5", '[{"labels": null}]', '[{"labels": {"a": 5}}]'])
def test_targets_that_are_none_leave_what_up_has(targets: str) -> None:
    answers = discovering(None, {"a:80": 1})
    answers["/api/v1/targets"] = Canned(
        f'{{"status": "success", "data": {{"activeTargets": {targets}}}}}'
    )
    assert [each.instance for each in _discovered(answers)] == ["a:80"]
