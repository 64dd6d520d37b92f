"""VictoriaMetrics gives the same figures as Prometheus."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from config.prometheus import Prometheus
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.quantities import Quantity
from tests.integration.command import Start
from tests.integration.real_prometheus import real_victoria
from witnesses.figure import Figure
from witnesses.model import CountedQuantity
from witnesses.prometheus.client import PrometheusClient
from witnesses.prometheus.collector import PrometheusCollector
from witnesses.prometheus.reading import read_prometheus
from witnesses.prometheus.service_targets import ServiceTargets

pytestmark = pytest.mark.stack

JOBS = ("cards", "onboarding", "workflow")
TARGETS = ServiceTargets.of_jobs(*JOBS)
TENANT = "5f0c0000-0000-4000-8000-000000000001"
FLOWS = 20
OURS = 'tenant_id="{{ tenant }}"'
SELECTORS = {
    "created": ("card_type", f"cards_created_total{{{OURS}}}"),
    "used": ("card_type", f'cards_api_usage_total{{{OURS},source="workflow"}}'),
    "executed": ("workflow_type", f"workflow_execution_duration_seconds_count{{{OURS}}}"),
    "batches": ("status", 'cards_api_requests_total{endpoint="/batch"}'),
    "never": ("card_type", f'cards_api_usage_total{{{OURS},source="nobody"}}'),
}
QUANTITIES = [
    CountedQuantity(name, Quantity(by=[label], prometheus=selector), TENANT, is_exclusive=True)
    for name, (label, selector) in SELECTORS.items()
]


@dataclass(frozen=True)
class Stack:
    """A local stack that stays up, and a VictoriaMetrics that scrapes its services too."""

    addresses: dict[str, str]
    environment: Path
    victoria_url: str


@contextmanager
def victoria_metrics(folder: Path, targets: dict[str, str]) -> Iterator[str]:
    scraping = folder / "scrape.json"
    jobs = [{"job_name": job, "static_configs": [{"targets": [target]}]}
            for job, target in targets.items()]  # fmt: skip
    document = {"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}
    scraping.write_text(json.dumps(document))
    with real_victoria(folder, f"-promscrape.config={scraping}") as url:
        yield url


@pytest.fixture
def stack(start: Start, tmp_path: Path) -> Iterator[Stack]:
    up = start("up", "--json")
    assert up.process.stdout
    addresses = json.loads(up.process.stdout.readline())
    targets = {job: addresses[f"{job.upper()}_URL"].removeprefix("http://") for job in JOBS}
    with victoria_metrics(tmp_path, targets) as url:
        yield Stack(addresses, Path(addresses["environment"]), url)


def _drive(addresses: dict[str, str]) -> None:
    with httpx.Client(headers={"X-Tenant-ID": TENANT}, timeout=60) as client:
        sessions = f"{addresses['ONBOARDING_URL']}/api/v1/onboarding/sessions"
        execute = f"{addresses['WORKFLOW_URL']}/api/v1/workflows/execute"
        for number in range(FLOWS):
            body = {"company_domain": f"{number}.example", "user_email": f"a@{number}.example"}
            session_id = client.post(sessions, json=body).json()["session_id"]
            answers = {"answers": [{"question_id": "q1", "answer": "We automate"}]}
            made = client.post(f"{sessions}/{session_id}/answers", json=answers).json()
            wanted = {"workflow_type": "linkedin_post", "card_ids": made["card_ids"]}
            assert client.post(execute, json=wanted).status_code == 200


def _figures(folder: RunFolder) -> dict[str, dict[tuple[str, ...], Figure]]:
    reading = read_prometheus(folder)
    return {each.name: dict(reading.figures(each).by_labels) for each in QUANTITIES}


@pytest.mark.core
@pytest.mark.long
def test_prometheus_and_victoria_metrics_give_the_same_figures_of_the_same_run(
    stack: Stack, tmp_path: Path
) -> None:
    urls = {"prometheus": stack.addresses["PROMETHEUS_URL"], "victoria": stack.victoria_url}
    folders = {name: RunFolder(tmp_path / name) for name in urls}
    with ExitStack() as held:
        collectors = [
            PrometheusCollector(
                held.enter_context(closing(PrometheusClient(Prometheus(url=url)))),
                TARGETS, folders[name], QUANTITIES,
            )
            for name, url in urls.items()
        ]  # fmt: skip
        for collector in collectors:
            collector.wait_for_baseline()
        _drive(stack.addresses)
        last_response_at = time.time()
        for collector in collectors:
            collector.collect_samples(last_response_at)
    figures = {name: _figures(folder) for name, folder in folders.items()}
    assert figures["victoria"] == figures["prometheus"]
    types = ("audience", "company", "insight", "voice")
    assert figures["prometheus"]["used"] == {(each,): Figure.exact(float(FLOWS)) for each in types}
    assert figures["prometheus"]["batches"] == {("201",): Figure.exact(float(FLOWS))}


@pytest.mark.long
def test_a_run_balances_against_victoria_metrics_alone(
    stack: Stack, start: Start, tmp_path: Path
) -> None:
    text = stack.environment.read_text()
    environment = tmp_path / "victoria.yaml"
    environment.write_text(text.replace(stack.addresses["PROMETHEUS_URL"], stack.victoria_url))
    assert stack.victoria_url in environment.read_text()
    ended = start("e2e", "--env", str(environment)).wait()
    assert ended.code == 0, ended.stdout
    rows = [row for row in ended.result["usage"] if "prometheus" in row["figures"]]
    assert rows
    for row in rows:
        figure, confirmed = row["figures"]["prometheus"], row["client"]["confirmed"]
        assert (figure["low"], figure["high"], figure["reason"]) == (confirmed, confirmed, None)
