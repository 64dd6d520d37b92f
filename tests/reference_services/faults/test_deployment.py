"""Tests of the faults of the deployment, on real local stacks."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from reference_services.faults.catalog import FAULTS
from reference_services.faults.deployment import DEPLOYMENTS
from reference_services.stack.local import local_stack
from tests.reference_services.databases import read_rows
from tests.reference_services.processes import is_alive, running
from tests.reference_services.services import Scrape, as_tenant
from tests.reference_services.test_serve import post_many
from tests.reference_services.waiting import wait_until

WORKFLOW = {"workflow_type": "linkedin_post", "context": {"company": {"name": "Acme"}}}


def scraped(url: str) -> Scrape:
    return Scrape(httpx.get(f"{url}/metrics", timeout=60).text)


def create_card(url: str, tenant: str) -> int:
    body = {"card_type": "voice", "content": {}}
    path = f"{url}/api/v1/cards"
    return httpx.post(path, json=body, headers=as_tenant(tenant), timeout=60).status_code


def created(scrape: Scrape) -> float:
    return scrape.total("cards_created_total")


def process_start_times(scrape: Scrape) -> float:
    return scrape.total("process_start_time_seconds")


def at_prometheus(url: str, query: str) -> dict[str, float]:
    """Return the value of a query by job."""
    answer = httpx.get(f"{url}/api/v1/query", params={"query": query}, timeout=60).json()
    return {each["metric"]["job"]: float(each["value"][1]) for each in answer["data"]["result"]}


def test_the_catalog_lists_exactly_the_deployment_faults_under_stack() -> None:
    of_the_stack = {name for name, fault in FAULTS.items() if fault.service == "stack"}
    assert of_the_stack == set(DEPLOYMENTS)
    for deployment in DEPLOYMENTS.values():
        assert re.fullmatch(r"[A-Z][^.]+\.", deployment.sentence)


@pytest.mark.core
@pytest.mark.long
def test_separate_workers_expose_only_their_own_counts(tmp_path: Path, tenant: str) -> None:
    shared = tmp_path / "shared"
    variables = {"FAULT": "workers-apart", "PROMETHEUS_MULTIPROC_DIR": str(shared)}
    with running("cards", tmp_path, variables, workers=2) as cards:
        wait_until(lambda: cards.log.read_text().count("startup complete") == 2)
        assert post_many(cards, tenant, 60) == {201: 60}
        shown: set[float] = set()

        def are_all_shown() -> bool:
            shown.add(created(cards.scrape()))
            return shown == {30} or (len(shown) == 2 and sum(shown) == 60)

        wait_until(are_all_shown)
    assert not shared.exists()


@pytest.mark.core
@pytest.mark.long
def test_workers_apart_does_not_affect_another_service(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    variables = {"FAULT": "workers-apart", "PROMETHEUS_MULTIPROC_DIR": str(shared)}
    with running("onboarding", tmp_path, variables):
        assert shared.exists()


@pytest.mark.long
@pytest.mark.stack
def test_the_sixtieth_execution_is_done_and_its_connection_cut(tmp_path: Path, tenant: str) -> None:
    with local_stack(tmp_path, "connection-cut") as variables, httpx.Client(timeout=60) as client:
        cut = []
        for turn in range(1, 102):
            client.get(f"{variables['WORKFLOW_URL']}/health")
            try:
                url = f"{variables['WORKFLOW_URL']}/api/v1/workflows/execute"
                assert client.post(url, json=WORKFLOW, headers=as_tenant(tenant)).is_success
            except httpx.ReadError:
                cut.append(turn)
    assert cut == [60]
    rows = read_rows(variables["WORKFLOW_DATABASE_URL"], "SELECT count(*) FROM workflow_executions")
    assert rows == [(101,)]


@pytest.mark.long
@pytest.mark.stack
@pytest.mark.parametrize(
    ("fault", "switched_after"),
    [
        ("visible-restart", 162),
        pytest.param("hidden-restart", 12, marks=pytest.mark.core),
    ],
)
def test_a_restart_loses_the_counts_and_no_request(
    tmp_path: Path, tenant: str, fault: str, switched_after: int
) -> None:
    with local_stack(tmp_path, fault) as variables:
        baseline = at_prometheus(variables["PROMETHEUS_URL"], "sum_over_time(up[1m]) >= 2")
        assert set(baseline) == {"cards", "onboarding", "workflow"}
        first = psutil.Process(int(variables["CARDS_PID"]))
        began_at = process_start_times(scraped(variables["CARDS_URL"]))
        with ThreadPoolExecutor(10) as pool:
            answers = list(
                pool.map(lambda _: create_card(variables["CARDS_URL"], tenant), range(202))
            )
        wait_until(lambda: not is_alive(first))
        after = scraped(variables["CARDS_URL"])
    assert answers == [201] * 202
    assert created(after) == 202 - switched_after
    assert process_start_times(after) > began_at + 1
    rows = read_rows(variables["CARDS_DATABASE_URL"], "SELECT count(*) FROM cards")
    assert rows == [(202,)]


@pytest.mark.long
@pytest.mark.stack
def test_onboarding_and_workflow_call_two_replicas_of_which_one_is_scraped(
    tmp_path: Path, tenant: str
) -> None:
    with local_stack(tmp_path, "replica-not-scraped") as variables:
        first, second = variables["CARDS_METRICS"].split()
        wait_until(lambda: len(targets_of(variables["PROMETHEUS_URL"])) == 3)
        addresses = targets_of(variables["PROMETHEUS_URL"])
        card_ids = onboard(variables["ONBOARDING_URL"], tenant)
        url = f"{variables['WORKFLOW_URL']}/api/v1/workflows/execute"
        body = {"workflow_type": "linkedin_post", "card_ids": card_ids}
        assert httpx.post(url, json=body, headers=as_tenant(tenant), timeout=60).is_success
        totals = [
            (created(scrape), scrape.total("cards_api_usage_total"))
            for scrape in (Scrape(httpx.get(each).text) for each in (first, second))
        ]
    assert first == f"{variables['CARDS_URL']}/metrics"
    assert first in addresses
    assert second not in addresses
    assert totals == [(4, 0), (0, 4)]


def targets_of(url: str) -> set[str]:
    targets = httpx.get(f"{url}/api/v1/targets", timeout=60).json()["data"]["activeTargets"]
    return {each["scrapeUrl"] for each in targets}


def onboard(url: str, tenant: str) -> list[str]:
    """Complete one session and return the ids of its cards."""
    sessions = f"{url}/api/v1/onboarding/sessions"
    body = {"company_domain": "acme.example", "user_email": "ada@acme.example"}
    headers = as_tenant(tenant)
    session = httpx.post(sessions, json=body, headers=headers, timeout=60).json()["session_id"]
    answers = {"answers": [{"question_id": "q1", "answer": "We automate rockets"}]}
    answer = httpx.post(f"{sessions}/{session}/answers", json=answers, headers=headers, timeout=60)
    card_ids: list[str] = answer.json()["card_ids"]
    return card_ids
