import json
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.prometheus import Prometheus
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.objectives import PromqlCheck
from tests.evidence_factory import vector
from tests.patience import HANGS_S
from tests.tiny_server import Canned, nobody_listens_at, serving
from witnesses.prometheus.client import PrometheusClient, QueryResponse
from witnesses.prometheus.collection import CollectionRecord
from witnesses.prometheus.collector import PrometheusCollector
from witnesses.prometheus.service_targets import ServiceTargets

_SHOP = ServiceTargets.of_jobs("shop")


def _collected(folder: RunFolder, url: str, query: str) -> dict[str, Any]:
    """Evaluate one check's query against a Prometheus, and return what was written."""
    check = PromqlCheck(name="few errors", query=query, expect="<= 3")
    with closing(PrometheusClient(Prometheus(url=url))) as client:
        collector = PrometheusCollector(client, _SHOP, folder, promql=[check], tenant="acme")
        collector.collection = CollectionRecord(begin=100.0, at=130.0)
        collector._collect_promql(folder)
    written: dict[str, Any] = json.loads((folder.witnesses / "promql-0.json").read_bytes())
    return written


def test_a_query_is_evaluated_with_its_tenant_and_window_and_kept(tmp_path: Path) -> None:
    query = "sum_over_time(x{tenant='{{ tenant }}'}[{{ window }}])"
    with serving({"/api/v1/query": Canned(json.dumps(vector(1)))}) as server:
        collected = _collected(RunFolder(tmp_path), server.url, query)
    assert collected["query"] == "sum_over_time(x{tenant='acme'}[30s])"
    assert collected["response"] == vector(1)


def test_a_prometheus_that_is_down_at_the_query_is_reported(tmp_path: Path) -> None:
    collected = _collected(RunFolder(tmp_path), nobody_listens_at(), "errors_total")
    assert "cannot be reached" in collected["response"]["error"]


class _Shown(PrometheusClient):
    """A client of a backend that gives one response after another, and then the last of them."""

    def __init__(self, *responses: dict[str, Any]) -> None:
        super().__init__(Prometheus(url=nobody_listens_at()))
        self._responses = list(responses)
        self.asked_at: list[float | None] = []

    def query(self, query: str, at: float | None) -> QueryResponse:
        self.asked_at.append(at)
        response = self._responses.pop(0) if len(self._responses) > 1 else self._responses[0]
        return QueryResponse(json.dumps(response).encode(), [], msgspec.Raw(b"[]"), "")


def _collected_of(folder: RunFolder, client: PrometheusClient, new_series_s: float) -> Any:
    check = PromqlCheck(name="few errors", query="errors_total", expect="<= 3")
    collector = PrometheusCollector(
        client, _SHOP, folder, promql=[check], new_series_s=new_series_s
    )
    collector.collection = CollectionRecord(begin=100.0, at=130.0)
    collector._collect_promql(folder)
    return json.loads((folder.witnesses / "promql-0.json").read_bytes())["response"]


@pytest.mark.parametrize("late", [1, 2])
def test_a_series_that_a_backend_shows_late_is_waited_for_as_of_the_same_instant(
    tmp_path: Path, late: int
) -> None:
    with closing(_Shown(*[vector()] * late, vector(2))) as client:
        assert _collected_of(RunFolder(tmp_path), client, HANGS_S) == vector(2)
    assert client.asked_at == [130.0] * (late + 1)


@pytest.mark.parametrize("new_series_s", [0.0, 0.1])
def test_a_query_that_stays_without_data_is_given_up(tmp_path: Path, new_series_s: float) -> None:
    with closing(_Shown(vector())) as client:
        assert _collected_of(RunFolder(tmp_path), client, new_series_s) == vector()


@pytest.mark.parametrize(
    "response", [vector(0), {"status": "success", "data": []}, {"status": "success"}]
)
def test_a_query_with_a_response_other_than_no_data_is_evaluated_once(
    tmp_path: Path, response: dict[str, Any]
) -> None:
    with closing(_Shown(response, vector(1))) as client:
        assert _collected_of(RunFolder(tmp_path), client, HANGS_S) == response
    assert len(client.asked_at) == 1
