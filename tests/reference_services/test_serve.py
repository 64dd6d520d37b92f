"""Tests of several workers: common counts, replacement after a kill, end with the parent."""

import os
import signal
import socket
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from reference_services.common.metrics import DURATION_BUCKETS_S
from reference_services.stack.processes import find_prometheus
from tests.reference_services.databases import SERVICES
from tests.reference_services.processes import ServiceProcess, is_alive, refusal, running
from tests.reference_services.services import Scrape, as_tenant
from tests.reference_services.waiting import wait_until

pytestmark = pytest.mark.long

BODIES: dict[str, tuple[str, dict[str, object]]] = {
    "onboarding": (
        "/api/v1/onboarding/sessions",
        {"company_domain": "acme.example", "user_email": "ada@acme.example"},
    ),
    "cards": ("/api/v1/cards", {"card_type": "voice", "content": {}}),
    "workflow": (
        "/api/v1/workflows/execute",
        {"workflow_type": "linkedin_post", "context": {"company": {"name": "Acme"}}},
    ),
}
HISTOGRAMS = {
    "onboarding": "onboarding_request_duration_seconds_bucket",
    "cards": "cards_api_request_duration_seconds_bucket",
    "workflow": "workflow_execution_duration_seconds_bucket",
}


def post(service: ServiceProcess, name: str, tenant: str) -> int:
    return post_many(service, tenant, 1, name).most_common()[0][0]


def post_many(
    service: ServiceProcess, tenant: str, times: int, name: str = "cards"
) -> Counter[int]:
    """Post on new connections, so that every worker serves some; count the statuses."""
    path, body = BODIES[name]
    one_request_each = httpx.Limits(max_keepalive_connections=0)
    with (
        httpx.Client(limits=one_request_each, headers=as_tenant(tenant), timeout=60) as http,
        ThreadPoolExecutor(8) as pool,
    ):
        responses = pool.map(lambda _: http.post(service.url + path, json=body), range(times))
        return Counter(each.status_code for each in responses)


def is_free(url: str) -> bool:
    try:
        with socket.create_server(("127.0.0.1", httpx.URL(url).port or 0)):
            return True
    except OSError:
        return False


def scrapes(service: ServiceProcess, times: int = 12) -> list[Scrape]:
    """Scrape on new connections, so that every worker serves some of the scrapes."""
    return [service.scrape() for _ in range(times)]


def check_metrics(text: str) -> str:
    """Return the problems that promtool finds in an exposition."""
    promtool = Path(find_prometheus()).resolve().with_name("promtool")
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return checked.stdout + checked.stderr + ("" if checked.returncode == 0 else "failed")


def files_of_workers(folder: Path) -> set[int]:
    return {int(file.stem.rpartition("_")[2]) for file in folder.glob("counter_*.db")}


def post_until_all_count(cards: ServiceProcess, tenant: str, folder: Path) -> int:
    """Post at least 200 cards, and until each worker has counted; return how many.

    The kernel gives no worker a share of the connections: a busy one may get none of the first.
    """
    sent = 0
    while sent < 200 or files_of_workers(folder) != {each.pid for each in cards.workers()}:
        assert sent < 20_000, "one worker serves every request"
        assert post_many(cards, tenant, 200) == {201: 200}
        sent += 200
    return sent


@pytest.mark.core
def test_two_workers_share_the_load_and_count_as_one(tmp_path: Path, tenant: str) -> None:
    folder = tmp_path / "metrics"
    with running("cards", tmp_path, {"PROMETHEUS_MULTIPROC_DIR": str(folder)}, workers=2) as cards:
        wait_until(lambda: log_says(cards, "Application startup complete.") == 2)
        sent = post_until_all_count(cards, tenant, folder)
        for scrape in scrapes(cards):
            assert scrape.total("cards_created_total", tenant_id=tenant) == sent
            counted = scrape.total("cards_api_requests_total", method="POST", status="201")
            assert counted == sent
            duration = "cards_api_request_duration_seconds_count"
            assert scrape.total(duration, method="POST") == sent
        assert "server" not in cards.get("/health").headers


def test_a_killed_worker_is_replaced_and_no_count_is_lost(tmp_path: Path, tenant: str) -> None:
    with running("cards", tmp_path, workers=2) as cards:
        wait_until(lambda: len(cards.workers()) == 2)
        assert post_many(cards, tenant, 60) == {201: 60}
        first = {worker.pid for worker in cards.workers()}
        started_at = cards.scrape().total("process_start_time_seconds")
        victim = cards.workers()[0]
        victim.kill()
        wait_until(lambda: len({each.pid for each in cards.workers()} - {victim.pid}) == 2)
        second = {worker.pid for worker in cards.workers()}
        assert len(first & second) == 1
        assert post_many(cards, tenant, 60) == {201: 60}
        for scrape in scrapes(cards):
            assert scrape.total("cards_created_total", tenant_id=tenant) == 120
            assert scrape.total("process_start_time_seconds") == started_at


def test_workers_end_soon_after_their_parent_was_killed(tmp_path: Path) -> None:
    with running("cards", tmp_path, workers=2) as cards:
        wait_until(lambda: len(cards.workers()) == 2)
        workers = cards.workers()
        wait_until(lambda: log_says(cards, "Application startup complete.") == 2)
        os.kill(cards.process.pid, signal.SIGKILL)
        cards.process.wait()
        wait_until(lambda: not any(map(is_alive, workers)))
        wait_until(lambda: is_free(cards.url))


def test_a_signal_to_the_parent_ends_every_worker(tmp_path: Path) -> None:
    with running("cards", tmp_path, workers=2) as cards:
        wait_until(lambda: log_says(cards, "Application startup complete.") == 2)
        workers = cards.workers()
        assert cards.stop() == 0
        assert not any(map(is_alive, workers))
        wait_until(lambda: is_free(cards.url))


def log_says(service: ServiceProcess, event: str) -> int:
    return service.log.read_text().count(event)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_start_counts_from_zero_and_deletes_only_metric_files(
    tmp_path: Path, tenant: str, workers: str
) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    variables = {"PROMETHEUS_MULTIPROC_DIR": str(folder), "WORKERS": workers}
    with running("cards", tmp_path, variables) as cards:
        post(cards, "cards", tenant)
        assert cards.scrape().total("cards_created_total") == 1
    stale = set(folder.glob("*.db"))
    assert stale
    (folder / "gauge_livemax_999999.db").write_bytes(b"")
    (folder / "notes.txt").write_text("mine")
    with running("cards", tmp_path, variables) as cards:
        assert cards.scrape().total("cards_created_total") == 0
        assert not stale & set(folder.iterdir())
        assert not (folder / "gauge_livemax_999999.db").exists()
        assert (folder / "notes.txt").read_text() == "mine"


def test_a_folder_that_holds_a_database_is_rejected_and_not_changed(tmp_path: Path) -> None:
    (tmp_path / "counter_1.db").write_bytes(b"")
    with running("cards", tmp_path):
        pass
    ended = refusal(
        tmp_path, "cards", "--port", "0", PROMETHEUS_MULTIPROC_DIR=str(tmp_path), WORKERS="2"
    )
    assert ended.returncode == 2
    assert "cards: PROMETHEUS_MULTIPROC_DIR: the folder holds other .db files" in ended.stderr
    assert {"cards.db", "counter_1.db"} <= {file.name for file in tmp_path.iterdir()}


@pytest.mark.parametrize("workers", [1, 2])
def test_every_worker_reports_a_start_before_the_first_request(
    tmp_path: Path, workers: int
) -> None:
    began_at = time.time()
    with running("cards", tmp_path, workers=workers) as cards:
        served_at = time.time()
        starts = {scrape.total("process_start_time_seconds") for scrape in scrapes(cards)}
    assert len(starts) == 1
    # The start time of a process derives from the boot time, which has a resolution of 1 s.
    assert began_at - 1 <= starts.pop() <= served_at


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", SERVICES)
def test_promtool_finds_nothing_wrong_with_the_metrics(
    tmp_path: Path, name: str, workers: int
) -> None:
    with running(name, tmp_path, workers=workers) as service:
        assert post(service, name, str(uuid4())) in (200, 201)
        text = service.get("/metrics").text
    assert check_metrics(text) == ""
    edges = {
        sample.labels["le"] for sample in Scrape(text).samples if sample.name == HISTOGRAMS[name]
    }
    assert edges == {str(edge) for edge in DURATION_BUCKETS_S} | {"+Inf"}
    assert {"0.5", "2.5", "5.0"} <= edges


def test_promtool_does_find_what_is_wrong() -> None:
    assert "no help text" in check_metrics("# TYPE uses counter\nuses 1\n")
