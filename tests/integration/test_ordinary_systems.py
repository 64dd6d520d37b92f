"""Services of other projects balance, without a workaround in the scenario."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.command import Start
from tests.integration.foreign_services import ForeignServices, foreign_services
from tests.paths import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.long]

SCENARIO = """\
scenario: ordinary-systems
quantities:
  puts: {prometheus: etcd_debugging_mvcc_put_total}
  deletes: {prometheus: 'pushgateway_http_requests_total{handler="delete",code="202"}'}
  imports: {prometheus: 'vm_http_requests_total{path="/api/v1/import"}'}
  queries: {prometheus: 'prometheus_http_requests_total{handler="/api/v1/query",code="200"}'}
flow:
  - step: put
    request: POST etcd /v3/kv/put
    json: {key: Zm9v, value: YmFy}
    counts: {puts: 1}
  - step: delete
    request: DELETE pushgateway /metrics/job/none
    expect: {status: 202}
    counts: {deletes: 1}
  - step: import
    request: POST victoria /api/v1/import
    json: {metric: {__name__: x}, values: [1], timestamps: [1700000000000]}
    expect: {status: 204}
    counts: {imports: 1}
  - step: query
    request: GET prometheus /api/v1/query?query=up
    counts: {queries: 1}
profiles: {load: {users: 3, iterations: 17}}
"""

ENVIRONMENT = """\
environment: ordinary-systems
services:
  etcd: {{url: "http://{etcd}"}}
  pushgateway: {{url: "http://{pushgateway}", health: /-/healthy}}
  victoria: {{url: "http://{victoria}"}}
  prometheus: {{url: "http://{prometheus}", health: /-/healthy}}
prometheus: {{url: "http://{backend}"}}
exclusive: true
load: {{allowed: true}}
"""

RABBITMQ_SCENARIO = """\
scenario: rabbitmq
quantities:
  messages: {prometheus: 'rabbitmq_global_messages_received_total{protocol="amqp091"}'}
flow:
  - step: publish
    request: POST rabbitmq /api/exchanges/%2F/amq.fanout/publish
    json: {properties: {}, routing_key: x, payload: hello, payload_encoding: string}
    counts: {messages: 1}
profiles: {load: {users: 3, iterations: 17}}
"""

RABBITMQ_ENVIRONMENT = """\
environment: rabbitmq
services:
  rabbitmq:
    url: "http://{rabbitmq}"
    health: none
    metrics: ["http://{rabbitmq_metrics}/metrics"]
    probe: /api/overview
prometheus: {{url: "http://{backend}"}}
headers: {{Authorization: "Basic ${{RABBITMQ_LOGIN}}"}}
exclusive: true
load: {{allowed: true}}
"""

LOGIN = {"RABBITMQ_LOGIN": base64.b64encode(b"guest:guest").decode()}
SYSTEMS = {
    "rabbitmq": (RABBITMQ_SCENARIO, RABBITMQ_ENVIRONMENT, ["messages"]),
    "others": (SCENARIO, ENVIRONMENT, ["puts", "deletes", "imports", "queries"]),
}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForeignServices]:
    with foreign_services(tmp_path_factory.mktemp("foreign")) as running:
        yield running


@pytest.mark.parametrize("backend", ["prometheus", "victoria"])
@pytest.mark.parametrize("systems", SYSTEMS)
def test_services_of_other_projects_balance_and_the_doctor_finds_nothing(
    services: ForeignServices, start: Start, tmp_path: Path, systems: str, backend: str
) -> None:
    scenario, environment, quantities = SYSTEMS[systems]
    (tmp_path / "scenario.yaml").write_text(scenario)
    addresses = {**services.addresses, "backend": services.addresses[backend]}
    (tmp_path / "env.yaml").write_text(environment.format(**addresses))
    files = (f"--scenario={tmp_path / 'scenario.yaml'}", f"--env={tmp_path / 'env.yaml'}")
    doctor = subprocess.run(
        [sys.executable, "run.py", "doctor", *files], cwd=ROOT, env={**os.environ, **LOGIN},
        capture_output=True, check=False, text=True, timeout=240,
    )  # fmt: skip
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    ended = start("load", "--profile=load", *files, **LOGIN).wait()
    assert ended.code == 0, ended.stdout + ended.stderr
    for quantity in quantities:
        (row,) = ended.rows(quantity)
        figures = [(figure["low"], figure["high"]) for figure in row["figures"].values()]
        assert row["client"]["confirmed"] == 17
        assert figures == [(17, 17)] * 2
