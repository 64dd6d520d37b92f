"""Tests of the delivery of uses that Cards could not record."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Literal

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, delete
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from reference_services import workflow
from reference_services.cards.store import cards_table
from reference_services.common.background import BackgroundTask
from reference_services.common.json_logs import logger
from reference_services.common.migration import migrate
from reference_services.workflow.app import create_app
from reference_services.workflow.components import WorkflowComponents
from reference_services.workflow.models import CardFetch
from reference_services.workflow.store import ExecutionsStore
from reference_services.workflow.usage_delivery import BATCH_SIZE, UsageDelivery
from tests.reference_services.databases import Databases, sqlite_databases
from tests.reference_services.services import (
    Service,
    as_tenant,
    cards_service,
    make_cards,
    runtime_without_pauses,
    serving,
    settings,
    workflow_service,
)
from tests.reference_services.waiting import wait_until

EXECUTE = "/api/v1/workflows/execute"
REVISIONS = Path(workflow.__file__).parent / "migrations"
SOON_S = 60


class CuttableTransport(httpx.BaseTransport):
    """The line to Cards, which may be cut before Cards or behind it, or say no by itself."""

    def __init__(self) -> None:
        self._line = httpx.HTTPTransport()
        self.cut: Literal["before", "behind"] | None = None
        self.refusals: dict[str, int] = {}
        self.requests = 0

    def reconnect(self) -> None:
        self.cut = None
        self.refusals.clear()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        refused = self.refusals.get(request.headers["X-Tenant-ID"])
        if refused:
            return httpx.Response(refused)
        if self.cut == "before":
            raise httpx.ConnectError("cut")
        answer = self._line.handle_request(request)
        if self.cut == "behind":
            answer.read()
            answer.close()
            raise httpx.ReadError("cut")
        return answer

    def close(self) -> None:
        self._line.close()


class DeliveryWorker:
    """One worker of Workflow whose deliveries are made when the test says so, by no thread."""

    def __init__(
        self, service: Service, parts: WorkflowComponents, line: CuttableTransport
    ) -> None:
        self.service = service
        self.parts = parts
        self.line = line

    def delivery(self, store: ExecutionsStore | None = None) -> UsageDelivery:
        return UsageDelivery(store or self.parts.store, self.parts.metrics, self.parts.cards)

    def deliver(self) -> None:
        self.delivery().deliver()

    def execute(self, tenant: str, card_ids: list[str]) -> httpx.Response:
        body = {"workflow_type": "linkedin_post", "card_ids": card_ids}
        return self.service.http.post(EXECUTE, json=body, headers=as_tenant(tenant))

    def execute_on_cached(self, tenant: str, card_ids: list[str]) -> str:
        """Run once with Cards and once without; return the id of the second run."""
        assert self.execute(tenant, card_ids).headers["X-Cards-Source"] == "cards"
        self.line.cut = "before"
        answer = self.execute(tenant, card_ids)
        self.line.cut = None
        assert (answer.status_code, answer.headers["X-Cards-Source"]) == (200, "cache")
        return str(answer.json()["workflow_id"])

    def fetched(self, tenant: str) -> float:
        return self.service.scrape().total("workflow_cards_fetched_total", tenant_id=tenant)

    def owed(self) -> int:
        return self.parts.store.count_owed()


@contextmanager
def worker_of(
    databases: Databases,
    cards: Service,
    now: Callable[[], float] = time.monotonic,
    **variables: str,
) -> Iterator[DeliveryWorker]:
    """Bring up one worker; its breaker stays closed unless the variables say otherwise."""
    variables = {"CARDS_URL": cards.url, "CIRCUIT_FAILURES": "1000"} | variables
    line = CuttableTransport()
    runtime = replace(runtime_without_pauses(line), now=now)
    app = create_app(settings("workflow", databases, **variables), runtime)
    parts: WorkflowComponents = app.state.components

    @asynccontextmanager
    async def without_delivery(_app: FastAPI) -> AsyncIterator[None]:
        migrate(parts.store._database, "workflow", REVISIONS)
        yield
        parts.cards.close()
        parts.store._database.close()

    app.router.lifespan_context = without_delivery
    with serving(app, databases.url_of("workflow")) as service:
        yield DeliveryWorker(service, parts, line)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Name the databases of the tests to which the dialect does not matter."""
    return sqlite_databases(tmp_path_factory.mktemp("delivery"))


@pytest.fixture(scope="module")
def cards_alone(here: Databases) -> Iterator[Service]:
    with cards_service(here) as service:
        yield service


@pytest.fixture(scope="module")
def shared_worker(here: Databases, cards_alone: Service) -> Iterator[DeliveryWorker]:
    with worker_of(here, cards_alone) as worker:
        yield worker


@pytest.fixture
def worker(shared_worker: DeliveryWorker) -> Iterator[DeliveryWorker]:
    """Return a worker whose line is whole, and that owes nothing."""
    yield shared_worker
    shared_worker.line.reconnect()
    shared_worker.deliver()
    assert shared_worker.owed() == 0


def uses(cards: Service, workflow_id: str) -> list[str]:
    """Return the cards that Cards wrote down as used by the workflow."""
    sql = "SELECT card_id FROM card_usage WHERE workflow_id = :workflow"
    return [str(card_id) for (card_id,) in cards.rows(sql, workflow=workflow_id)]


def usage_counts(cards: Service, tenant: str) -> set[object]:
    sql = "SELECT usage_count FROM cards WHERE tenant_id = :tenant"
    return {count for (count,) in cards.rows(sql, tenant=tenant)}


def test_an_execution_on_cached_cards_is_visible_in_response_row_and_metrics(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    card_ids = make_cards(cards_alone, tenant)
    first = worker.execute(tenant, card_ids)
    worker.line.cut = "before"
    with worker.service.increases() as increase:
        answer = worker.execute(tenant, card_ids)
    assert (answer.status_code, answer.headers["X-Cards-Source"]) == (200, "cache")
    assert answer.json()["output"] == first.json()["output"]
    assert answer.json()["metrics"]["context_source"] == "cache"
    labels = {"tenant_id": tenant, "status": "completed", "context_source": "cache"}
    assert increase("workflow_executions_total", **labels) == 1
    assert increase("workflow_executions_total") == 1
    assert increase("workflow_cards_cache_hits_total", workflow_type="linkedin_post") == 4
    assert increase("workflow_cards_retries_total", reason="connection") == 2
    assert increase("workflow_cards_failures_total", reason="connection") == 1
    assert increase("workflow_cards_fetched_total") == 0
    assert increase("workflow_partial_results_total") == 0
    assert worker.owed() == 1
    assert uses(cards_alone, answer.json()["workflow_id"]) == []


def test_owed_uses_are_delivered_once_per_card(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    card_ids = make_cards(cards_alone, tenant)
    workflow_id = worker.execute_on_cached(tenant, card_ids)
    with cards_alone.increases() as increase:
        for _ in range(3):
            worker.deliver()
    assert sorted(uses(cards_alone, workflow_id)) == sorted(card_ids)
    assert usage_counts(cards_alone, tenant) == {2}
    assert increase("cards_api_usage_total", tenant_id=tenant, source="workflow") == 4
    assert increase("cards_api_requests_total", endpoint="/retrieve") == 1
    assert worker.fetched(tenant) == 8
    assert worker.owed() == 0
    sql = "SELECT DISTINCT workflow_type FROM card_usage WHERE tenant_id = :tenant"
    assert cards_alone.rows(sql, tenant=tenant) == [("linkedin_post",)]


def test_the_gauge_shows_the_number_of_owed_executions(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    card_ids = make_cards(cards_alone, tenant)
    for _ in range(3):
        worker.execute_on_cached(tenant, card_ids)
    worker.line.cut = "before"
    worker.deliver()
    assert worker.service.scrape().total("workflow_owed_executions") == 3
    worker.line.cut = None
    worker.deliver()
    worker.deliver()
    assert worker.service.scrape().total("workflow_owed_executions") == 0


def test_nothing_is_owed_if_cards_answered(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    card_ids = make_cards(cards_alone, tenant)
    workflow_id = worker.execute(tenant, card_ids).json()["workflow_id"]
    asked = worker.line.requests
    assert worker.owed() == 0
    worker.deliver()
    assert worker.line.requests == asked
    assert len(uses(cards_alone, workflow_id)) == 4


def test_a_use_that_cards_did_record_before_its_answer_was_lost_is_recorded_once(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    card_ids = make_cards(cards_alone, tenant)
    worker.execute(tenant, card_ids)
    worker.line.cut = "behind"
    with cards_alone.increases() as increase:
        answer = worker.execute(tenant, card_ids)
        assert answer.headers["X-Cards-Source"] == "cache"
        assert worker.owed() == 1
        worker.deliver()
        assert worker.owed() == 1
        worker.line.cut = None
        worker.deliver()
    assert worker.owed() == 0
    assert sorted(uses(cards_alone, answer.json()["workflow_id"])) == sorted(card_ids)
    assert usage_counts(cards_alone, tenant) == {2}
    assert increase("cards_api_usage_total") == 4
    assert worker.fetched(tenant) == 8


def test_only_the_cards_that_were_used_are_owed(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    """Two of the four were seen before the line was cut."""
    card_ids = make_cards(cards_alone, tenant)
    worker.execute(tenant, card_ids[:2])
    worker.line.cut = "before"
    answer = worker.execute(tenant, card_ids)
    worker.line.cut = None
    assert answer.headers["X-Partial-Result"] == "true"
    assert answer.json()["cards_used"] == card_ids[:2]
    worker.deliver()
    assert sorted(uses(cards_alone, answer.json()["workflow_id"])) == sorted(card_ids[:2])


def test_a_failed_execution_owes_nothing(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    worker.line.cut = "before"
    assert worker.execute(tenant, make_cards(cards_alone, tenant)).status_code == 502
    assert worker.owed() == 0


def test_another_tenants_cached_cards_are_of_no_use(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    card_ids = make_cards(cards_alone, tenant)
    worker.execute_on_cached(tenant, card_ids)
    worker.line.cut = "before"
    other = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    assert worker.execute(other, card_ids).status_code == 502


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422])
def test_what_cards_refuses_is_not_served_from_the_cache(
    worker: DeliveryWorker, cards_alone: Service, tenant: str, status: int
) -> None:
    card_ids = make_cards(cards_alone, tenant)
    worker.execute(tenant, card_ids)
    worker.line.refusals[tenant] = status
    answer = worker.execute(tenant, card_ids)
    assert (answer.status_code, answer.headers.get("X-Cards-Source")) == (502, None)
    assert worker.owed() == 0


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_cards_cannot_answer_just_now_is_served_from_the_cache(
    worker: DeliveryWorker, cards_alone: Service, tenant: str, status: int
) -> None:
    card_ids = make_cards(cards_alone, tenant)
    worker.execute(tenant, card_ids)
    worker.line.refusals[tenant] = status
    assert worker.execute(tenant, card_ids).headers["X-Cards-Source"] == "cache"


def test_cards_that_cards_no_longer_has_are_not_served_from_the_cache(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    card_ids = make_cards(cards_alone, tenant)
    worker.execute(tenant, card_ids)
    engine = create_engine(cards_alone.database_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(delete(cards_table).where(cards_table.c.tenant_id == tenant))
    assert worker.execute(tenant, card_ids).status_code == 404
    worker.line.cut = "before"
    assert worker.execute(tenant, card_ids).status_code == 502


def test_one_delivery_that_is_refused_does_not_hold_up_the_next(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    refused = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    stays = worker.execute_on_cached(refused, make_cards(cards_alone, refused))
    goes = worker.execute_on_cached(tenant, make_cards(cards_alone, tenant))
    worker.line.refusals[refused] = 401
    worker.deliver()
    assert (len(uses(cards_alone, stays)), len(uses(cards_alone, goes))) == (0, 4)
    assert [fetch.workflow_id for fetch in worker.parts.store.read_owed(9)] == [stays]
    worker.line.refusals.clear()
    worker.deliver()
    assert (worker.owed(), len(uses(cards_alone, stays))) == (0, 4)


@pytest.mark.core
@pytest.mark.long
def test_more_refused_deliveries_than_a_batch_holds_do_not_starve_the_next(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    refused = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    theirs = make_cards(cards_alone, refused)
    for _ in range(BATCH_SIZE):
        worker.execute_on_cached(refused, theirs)
    goes = worker.execute_on_cached(tenant, make_cards(cards_alone, tenant))
    worker.line.refusals[refused] = 401
    worker.deliver()
    worker.deliver()
    assert (worker.owed(), len(uses(cards_alone, goes))) == (BATCH_SIZE, 4)


def has_delivered_all(worker: DeliveryWorker) -> bool:
    worker.deliver()
    return worker.owed() == 0


def test_a_delivery_returns_whether_to_continue_at_once(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    delivery = worker.delivery()
    assert not delivery.deliver()
    worker.execute_on_cached(tenant, make_cards(cards_alone, tenant))
    worker.line.cut = "before"
    assert not delivery.deliver()
    worker.line.cut = None
    assert delivery.deliver()
    assert not delivery.deliver()


def test_an_open_breaker_ends_the_batch_at_once(
    here: Databases, cards_alone: Service, tenant: str, caplog: pytest.LogCaptureFixture
) -> None:
    variables = {"CIRCUIT_FAILURES": "3", "CIRCUIT_OPEN_S": "30"}
    now_s = [100.0]
    with worker_of(here, cards_alone, now=lambda: now_s[0], **variables) as worker:
        card_ids = make_cards(cards_alone, tenant)
        worker.execute(tenant, card_ids)
        worker.line.cut = "before"
        for _ in range(4):
            worker.execute(tenant, card_ids)
        asked = worker.line.requests
        logger.addHandler(caplog.handler)
        worker.deliver()
        logger.removeHandler(caplog.handler)
        assert (worker.line.requests, worker.owed()) == (asked, 4)
        # No line is logged for a fetch that was not attempted.
        assert "delivery failed" not in caplog.messages
        worker.line.cut = None
        now_s[0] += 30
        worker.deliver()
        assert worker.owed() == 0
        assert worker.line.requests == asked + 4


def test_two_workers_that_deliver_the_same_at_once_count_it_once(
    databases: Databases, tenant: str
) -> None:
    runs, deliverers = 5, 4
    with (
        cards_service(databases) as cards,
        worker_of(databases, cards) as one,
        worker_of(databases, cards) as other,
        ThreadPoolExecutor(deliverers) as pool,
    ):
        card_ids = make_cards(cards, tenant)
        workflow_ids = [one.execute_on_cached(tenant, card_ids) for _ in range(runs)]
        start = Barrier(deliverers)

        def deliver(worker: DeliveryWorker) -> None:
            start.wait(SOON_S)
            worker.deliver()

        before = one.fetched(tenant) + other.fetched(tenant)
        with cards.increases() as increase:
            list(pool.map(deliver, [one, other] * (deliverers // 2)))
        assert one.fetched(tenant) + other.fetched(tenant) - before == 4 * runs
        assert one.owed() == 0
        assert increase("cards_api_usage_total") == 4 * runs
        assert [len(uses(cards, each)) for each in workflow_ids] == [4] * runs
        assert usage_counts(cards, tenant) == {2 * runs}


class FlakyStore(ExecutionsStore):
    """A store whose database fails once at each of these calls."""

    def __init__(self, worker: DeliveryWorker, *failing: str) -> None:
        super().__init__(worker.parts.store._database)
        self.failing = list(failing)

    def _fail_once(self, call: str) -> None:
        if call in self.failing:
            self.failing.remove(call)
            raise OperationalError("", {}, Exception("the database is down"))

    def count_owed(self) -> int:
        self._fail_once("count_owed")
        return super().count_owed()

    def read_owed(self, limit: int) -> list[CardFetch]:
        self._fail_once("read_owed")
        return super().read_owed(limit)

    def mark_delivered(self, fetch: CardFetch) -> bool:
        self._fail_once("mark_delivered")
        return super().mark_delivered(fetch)


def test_a_fetch_that_could_not_be_marked_as_delivered_is_delivered_again_and_counted_once(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    workflow_id = worker.execute_on_cached(tenant, make_cards(cards_alone, tenant))
    delivery = worker.delivery(FlakyStore(worker, "mark_delivered"))
    with cards_alone.increases() as increase:
        with pytest.raises(OperationalError):
            delivery.deliver()
        assert worker.owed() == 1
        delivery.deliver()
    assert worker.owed() == 0
    assert increase("cards_api_usage_total") == 4
    assert (len(uses(cards_alone, workflow_id)), worker.fetched(tenant)) == (4, 8)


def test_the_thread_survives_a_database_outage(
    worker: DeliveryWorker, cards_alone: Service, tenant: str
) -> None:
    workflow_id = worker.execute_on_cached(tenant, make_cards(cards_alone, tenant))
    store = FlakyStore(worker, "count_owed", "read_owed", "mark_delivered")
    with BackgroundTask("delivery", worker.delivery(store).deliver, 0.05):
        wait_until(lambda: worker.owed() == 0)
    assert store.failing == []
    assert len(uses(cards_alone, workflow_id)) == 4


def test_a_restarted_service_delivers_what_the_one_before_owed(
    here: Databases, cards_alone: Service, tenant: str
) -> None:
    with worker_of(here, cards_alone) as before:
        workflow_id = before.execute_on_cached(tenant, make_cards(cards_alone, tenant))
    with workflow_service(here, CARDS_URL=cards_alone.url) as after:
        wait_until(lambda: after.rows("SELECT count(*) FROM owed_uses") == [(0,)])
        fetched = "workflow_cards_fetched_total"
        wait_until(lambda: after.scrape().total(fetched, tenant_id=tenant) == 4)
    assert len(uses(cards_alone, workflow_id)) == 4
    assert usage_counts(cards_alone, tenant) == {2}
