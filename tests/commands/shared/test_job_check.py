import json
import time
from contextlib import closing
from typing import Any

import pytest

from checks.result import Finding
from checks.verdict import Verdict
from commands.shared.job_check import JobCheck
from config.prometheus import Prometheus
from tests.tiny_server import Canned, serving
from witnesses.prometheus.client import PrometheusClient, PrometheusDown

_MATCHED = 'up{job=~"shop", env="staging"}'


def _series(*labels: dict[str, str], up: int = 1) -> Canned:
    result: list[Any] = [{"metric": each, "value": [0, str(up)]} for each in labels]
    data = {"resultType": "vector", "result": result}
    return Canned(json.dumps({"status": "success", "data": data}))


def _judged(answers: dict[str, Canned], is_discovered: bool = False) -> Finding:
    prefixed = {f"/api/v1/query?{query}": answer for query, answer in answers.items()}
    target = {"labels": {"job": "shop", "env": "staging"}, "scrapeInterval": "5s"}
    body = json.dumps({"status": "success", "data": {"activeTargets": [target]}})
    with serving({**prefixed, "/api/v1/targets": Canned(body)}) as server:
        settings = Prometheus(url=server.url, match={"env": "staging"})
        with closing(PrometheusClient(settings)) as client:
            job = JobCheck(client, "shop", match=settings.match)
            if is_discovered:
                return job.judge_discovered("shop", time.monotonic())
            return job.judge("shop", 1, time.monotonic())


def test_a_match_that_selects_no_target_is_reported_with_the_values_there_are() -> None:
    finding = _judged(
        {
            _MATCHED: _series(),
            'count by (env) (up{job=~"shop"})': _series({"env": "stage"}, {}),
        }
    )
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.observed == (
        "no target of its job has env: staging; there are env: stage; env: none"
    )
    assert finding.detail == "Correct prometheus.match in the environment's file."


def test_a_job_without_any_target_is_not_blamed_on_the_match() -> None:
    finding = _judged(
        {
            _MATCHED: _series(),
            'count by (env) (up{job=~"shop"})': _series(),
            f"count(count by (instance) ({_MATCHED}) > 1)": _series(),
        }
    )
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "job_name: shop" in finding.detail


def test_targets_of_another_environment_are_not_counted() -> None:
    finding = _judged(
        {
            'up{job=~"shop"}': _series({"env": "staging"}, {"env": "prod"}),
            _MATCHED: _series({"env": "staging"}),
            f"count(count by (instance) ({_MATCHED}) > 1)": _series(),
        }
    )
    assert (finding.verdict, finding.observed) == (Verdict.PASS, "1 of 1 targets up, every 5 s")


_TWICE = f"count(count by (instance) ({_MATCHED}) > 1)"


def test_replicas_that_are_discovered_are_listed() -> None:
    ups = _series({"instance": "b:80"}, {"instance": "a:80"})
    finding = _judged({_MATCHED: ups, _TWICE: _series()}, is_discovered=True)
    assert finding.id == "precondition/scraped/shop"
    assert (finding.verdict, finding.detail) == (Verdict.PASS, "")
    assert finding.observed == "2 discovered: a:80, b:80, every 5 s"


def test_discovered_replicas_that_are_all_down_are_inconclusive_with_a_remedy() -> None:
    ups = _series({"instance": "a:80"}, up=0)
    finding = _judged({_MATCHED: ups, _TWICE: _series()}, is_discovered=True)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.observed == "1 discovered: a:80 (down), every 5 s"
    assert "job_name: shop" in finding.detail


def test_no_more_than_twenty_of_many_replicas_are_listed() -> None:
    ups = _series(*({"instance": f"{n:03}"} for n in range(100)))
    finding = _judged({_MATCHED: ups, _TWICE: _series()}, is_discovered=True)
    assert "100 discovered: 000, 001" in finding.observed
    assert "019, …, every 5 s" in finding.observed


def test_a_match_that_selects_no_replica_to_discover_is_reported() -> None:
    answers = {
        _MATCHED: _series(),
        'count by (env) (up{job=~"shop"})': _series({"env": "prod"}),
    }
    finding = _judged(answers, is_discovered=True)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.observed == "no target of its job has env: staging; there are env: prod"


def test_replicas_that_seem_to_be_of_several_environments_are_reported() -> None:
    ups = _series({"instance": "a", "region": "eu"}, {"instance": "b", "region": "us"})
    assert "region" not in _judged({_MATCHED: ups, _TWICE: _series()}, is_discovered=True).observed
    ups = _series({"instance": "a", "namespace": "prod"}, {"instance": "b", "namespace": "test"})
    finding = _judged({_MATCHED: ups, _TWICE: _series()}, is_discovered=True)
    assert finding.verdict is Verdict.PASS
    assert finding.observed.endswith("; targets with namespace: prod, test")
    assert "prometheus.match" in finding.detail


@pytest.mark.parametrize("series", ['[{"metric": 5, "value": [0, "1"]}]', '[{"metric": {}}]'])
def test_a_response_that_is_no_vector_is_that_of_no_prometheus(series: str) -> None:
    body = f'{{"status": "success", "data": {{"resultType": "vector", "result": {series}}}}}'
    with pytest.raises(PrometheusDown):
        _judged({_MATCHED: Canned(body), _TWICE: _series()}, is_discovered=True)
