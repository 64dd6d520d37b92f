"""What the doctor says of pushes, and of how long settling takes."""

import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest

from checks.result import Finding
from checks.verdict import Verdict
from commands.shared.settling_check import check_settling
from config.clock import CLOCK
from config.environment import Environment
from tests.tiny_server import Canned, serving
from witnesses.prometheus.client import PrometheusClient

_LATEST = 'max by (instance, service_instance_id) (timestamp({job=~"shop"}))'


def _targets(*intervals: tuple[str, str]) -> Canned:
    targets = [{"labels": {"job": job}, "scrapeInterval": each} for job, each in intervals]
    return Canned(json.dumps({"status": "success", "data": {"activeTargets": targets}}))


def _latest(*ages_s: float) -> Canned:
    result = [
        {"metric": {"instance": str(number)}, "value": [0, str(CLOCK.now_at() - each)]}
        for number, each in enumerate(ages_s)
    ]
    data = {"resultType": "vector", "result": result}
    return Canned(json.dumps({"status": "success", "data": data}))


def _examined(services: Mapping[str, Any], answers: Mapping[str, Canned]) -> dict[str, Finding]:
    with serving(answers) as server:
        document = {
            "environment": "test",
            "services": {name: {"url": server.url, **each} for name, each in services.items()},
            "prometheus": {"url": server.url},
        }
        environment = Environment.model_validate(document)
        assert environment.prometheus
        with closing(PrometheusClient(environment.prometheus)) as client:
            return {each.id: each for each in check_settling(environment, client, 0.0)}


def test_the_longest_interval_of_the_services_that_are_scraped_is_named() -> None:
    answers = {"/api/v1/targets": _targets(("shop", "15s"), ("cart", "5s"), ("node", "60s"))}
    findings = _examined({"shop": {}, "cart": {}}, answers)
    assert list(findings) == ["settling/prometheus"]
    observed = findings["settling/prometheus"].observed
    assert "Prometheus scrapes every 15 s: settling takes about 45 s" in observed


def test_a_service_that_pushes_has_a_finding_and_its_interval_counts_if_it_is_longer() -> None:
    answers = {
        "/api/v1/targets": _targets(("cart", "5s")),
        f"/api/v1/query?{_LATEST}": _latest(2.0, 3.0),
    }
    findings = _examined({"shop": {"pushed": {"every": "60s"}}, "cart": {}}, answers)
    pushing = findings["precondition/pushed/shop"]
    assert pushing.verdict is Verdict.PASS
    assert pushing.observed == "2 of 2 instances pushed within three intervals, every 60 s"
    settling = findings["settling/prometheus"].observed
    assert "shop pushes its metrics every 60 s: settling takes about 3 min" in settling


@pytest.mark.parametrize("ages_s", [(), (250.0,)], ids=["never", "long ago"])
def test_a_service_that_pushes_nothing_is_inconclusive(ages_s: tuple[float, ...]) -> None:
    answers = {f"/api/v1/query?{_LATEST}": _latest(*ages_s)}
    findings = _examined({"shop": {"pushed": {"every": "60s"}}}, answers)
    assert findings["precondition/pushed/shop"].verdict is Verdict.INCONCLUSIVE


def test_where_no_interval_is_known_nothing_is_claimed() -> None:
    answers = {f"/api/v1/query?{_LATEST}": _latest()}
    findings = _examined({"shop": {"pushed": True}}, answers)
    assert findings["settling/prometheus"].observed == "no interval is known yet"


def test_replicas_that_are_discovered_are_waited_for_as_long_as_prometheus_learns_of_one() -> None:
    answers = {"/api/v1/targets": _targets(("shop", "1s"))}
    for service, duration in (({}, "3 s"), ({"replicas": "discovered"}, "8 s")):
        findings = _examined({"shop": service}, answers)
        assert f"settling takes about {duration}" in findings["settling/prometheus"].observed
