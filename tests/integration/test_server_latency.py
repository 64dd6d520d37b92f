"""Limits on a histogram of a real service, which a real Prometheus scrapes."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.command import Ended, Start
from tests.integration.real_prometheus import real_prometheus
from tests.secured_servers import free_port, running

pytestmark = [pytest.mark.stack, pytest.mark.long]

QUANTITY = """\
quantities:
  uses: {prometheus: 'shop_request_duration_seconds_count{tenant="{{ tenant }}"}'}
"""
# 2 of 40 take longer than 2.5 s, and one of them longer than 4 s
SCENARIO = """\
scenario: timed
data:
  durations: {rows: [ROWS], order: cyclic}
QUANTITY
flow:
  - step: use
    request: POST shop /use?seconds={{ durations.seconds }}
    counts: {uses: 1}
profiles: {load: {users: 2, iterations: 40}}
checks:
  server_latency:
    - step: use
      histogram: 'shop_request_duration_seconds{tenant="{{ tenant }}"}'
      p95: 2.5s
"""
SCENARIO = SCENARIO.replace("QUANTITY\n", QUANTITY).replace(
    "ROWS", ", ".join(["{seconds: 0.2}"] * 38 + ["{seconds: 3.0}", "{seconds: 9.0}"])
)

ENVIRONMENT = """\
environment: timed
services: {{shop: {{url: "http://{shop}"}}}}
prometheus: {{url: "{prometheus}"}}
headers: {{X-Tenant-ID: "{{{{ tenant }}}}"}}
exclusive: true
load: {{allowed: true}}
"""


def run(
    start: Start, place: Path, *options: str, scenario: str = SCENARIO, edges: str = "0.5 1 2.5 5"
) -> Ended:
    """Drive the scenario against the service; `options` are those of Prometheus."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.integration.timed_service:app",
               "--port", str(port), "--log-level", "warning"]  # fmt: skip
    (place / "service").mkdir()
    address = f"127.0.0.1:{port}"
    with (
        running(["env", f"EDGES={edges}", *command], address, place / "service"),
        real_prometheus(place, "shop", port, *options) as prometheus,
    ):
        (place / "scenario.yaml").write_text(scenario)
        (place / "e.yaml").write_text(ENVIRONMENT.format(shop=address, prometheus=prometheus))
        files = "--scenario", str(place / "scenario.yaml"), "--env", str(place / "e.yaml")
        return start("load", *files, "--profile", "load").wait()


def shares_of(ended: Ended) -> Mapping[str, Any]:
    """Return how many of how many were over the limit, by witness."""
    (row,) = ended.result["server_latency"]
    return {
        witness: (share["over_low"], share["over_high"], share["count"])
        for witness, share in row["shares"].items()
    }


def test_an_edge_at_the_limit_gives_the_exact_share_in_each_witness(
    start: Start, tmp_path: Path
) -> None:
    ended = run(start, tmp_path)
    assert ended.code == 0, ended.stdout + ended.stderr
    assert shares_of(ended) == {"service": (2, 2, 40), "prometheus": (2, 2, 40)}
    (row,) = ended.rows("uses")
    assert {figure["low"] for figure in row["figures"].values()} == {40}


def test_one_slow_request_more_fails(start: Start, tmp_path: Path) -> None:
    ended = run(start, tmp_path, scenario=SCENARIO.replace("0.2}, {seconds: 3", "4}, {seconds: 3"))
    assert ended.code == 1, ended.stdout + ended.stderr
    assert ended.finding("server_latency/use/p95")["verdict"] == "fail"
    assert shares_of(ended) == {"service": (3, 3, 40), "prometheus": (3, 3, 40)}


def test_without_an_edge_at_the_limit_the_share_is_open(start: Start, tmp_path: Path) -> None:
    scenario = SCENARIO.replace("0.2}, {seconds: 3", "1.5}, {seconds: 3")
    ended = run(start, tmp_path, scenario=scenario, edges="1 5")
    assert ended.code == 3, ended.stdout + ended.stderr
    assert shares_of(ended) == {"service": (1, 3, 40), "prometheus": (1, 3, 40)}
    shown = " ".join(ended.stdout.split())
    assert "service between 92.5 % and 97.5 % of 40 (edges 1 s and 5 s)" in shown


def test_a_native_histogram_of_prometheus_bounds_the_share_where_the_page_does_not(
    start: Start, tmp_path: Path
) -> None:
    native = "--enable-feature=native-histograms"
    uncounted = SCENARIO.replace(QUANTITY, "").replace("    counts: {uses: 1}\n", "")
    ended = run(start, tmp_path, native, scenario=uncounted.replace("p95", "p90"), edges="0.1")
    assert ended.code == 0, ended.stdout + ended.stderr
    # its boundaries are 2 and 4: of 2.5, the one of 3 s lies in the same bucket
    assert shares_of(ended) == {"service": (0, 40, 40), "prometheus": (1, 2, 40)}
