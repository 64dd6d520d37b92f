import json
from contextlib import closing
from pathlib import Path
from typing import Any

from config.prometheus import Prometheus
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.model import PromqlCheck
from tests.evidence_factory import vector
from tests.tiny_server import Says, nobody_listens_at, serving
from witnesses.prometheus.client import PrometheusClient
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
    with serving({"/api/v1/query": Says(json.dumps(vector(1)))}) as server:
        collected = _collected(RunFolder(tmp_path), server.url, query)
    assert collected["query"] == "sum_over_time(x{tenant='acme'}[30s])"
    assert collected["response"] == vector(1)


def test_a_prometheus_that_is_down_at_the_query_is_reported(tmp_path: Path) -> None:
    collected = _collected(RunFolder(tmp_path), nobody_listens_at(), "errors_total")
    assert "cannot be reached" in collected["response"]["error"]
