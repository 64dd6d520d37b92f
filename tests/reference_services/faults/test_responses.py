"""Tests that a fault of responses changes or delays exactly what it describes."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any
from uuid import uuid4

import httpx
import pytest

from reference_services.faults.responses import constant_delay, slow_tail, stall
from reference_services.faults.seams import FOREIGN_TENANT
from reference_services.workflow.app import create_app as create_workflow
from tests.reference_services.databases import Databases
from tests.reference_services.faults.faulty import (
    CONTEXT,
    counted_uses,
    execute,
    faulty,
    use_often,
    written_uses,
)
from tests.reference_services.services import (
    Service,
    as_tenant,
    cards_service,
    make_cards,
    onboarding_service,
    workflow_service,
)

SESSION = {"company_domain": "acme.example", "user_email": "ada@acme.example"}
DURATIONS = "workflow_execution_duration_seconds_count"


def read_nothing(workflow: Service, tenant: str) -> int:
    path = f"/api/v1/workflows/{uuid4()}"
    return workflow.http.get(path, headers=as_tenant(tenant)).status_code


def stored_executions(workflow: Service) -> object:
    return workflow.rows("SELECT count(*) FROM workflow_executions")[0][0]


def test_of_twenty_executions_the_fault_reports_one_as_complete_that_lacks_its_last_card(
    databases: Databases, tenant: str
) -> None:
    with (
        cards_service(databases, FAULT="partial-said-whole") as cards,
        workflow_service(databases, FAULT="partial-said-whole", CARDS_URL=cards.url) as workflow,
    ):
        card_ids = make_cards(cards, tenant)
        body = {"workflow_type": "linkedin_post", "card_ids": card_ids}
        answers = [execute(workflow, tenant, body) for _ in range(20)]
        assert {answer.headers["X-Partial-Result"] for answer in answers} == {"false"}
        assert {answer.json()["partial_result"] for answer in answers} == {False}
        used = [answer.json()["cards_used"] for answer in answers]
        assert used == [card_ids] * 19 + [card_ids[:-1]]
        assert counted_uses(cards)[tenant, "insight"] == 19
        assert written_uses(cards) == (79, 79)
        shown = workflow.scrape()
        assert shown.total("workflow_cards_fetched_total") == 79
        assert shown.total("workflow_partial_results_total") == 0
        assert shown.total("workflow_executions_total", status="completed") == 20
        assert workflow.rows("SELECT DISTINCT partial_result FROM workflow_executions") in (
            [(False,)],
            [(0,)],
        )


def test_an_execution_of_a_single_card_is_never_cut(sqlite: Databases, tenant: str) -> None:
    with (
        cards_service(sqlite) as cards,
        workflow_service(sqlite, FAULT="partial-said-whole", CARDS_URL=cards.url) as workflow,
    ):
        card_id = make_cards(cards, tenant)[0]
        body = {"workflow_type": "linkedin_post", "card_ids": [card_id, card_id]}
        assert {execute(workflow, tenant, body).status_code for _ in range(20)} == {200}
        assert written_uses(cards) == (20, 20)


def test_of_ten_sessions_the_fault_creates_a_card_for_another_tenant(
    sqlite: Databases, tenant: str
) -> None:
    with (
        cards_service(sqlite) as cards,
        onboarding_service(sqlite, FAULT="foreign-traffic", CARDS_URL=cards.url) as onboarding,
    ):
        open_sessions(onboarding, tenant, 9)
        assert cards.rows("SELECT tenant_id FROM cards") == []
        open_sessions(onboarding, tenant, 1)
        assert cards.rows("SELECT tenant_id FROM cards") == [(FOREIGN_TENANT,)]
        assert cards.scrape().total("cards_created_total", tenant_id=FOREIGN_TENANT) == 1
        assert cards.scrape().total("cards_api_requests_total", endpoint="/batch") == 1
        shown = onboarding.scrape()
        assert shown.total("onboarding_sessions_total") == 10
        assert shown.total("onboarding_sessions_total", tenant_id=tenant) == 10
        assert shown.total("onboarding_cards_created_total") == 0


def test_foreign_traffic_that_fails_does_not_affect_onboarding(
    sqlite: Databases, tenant: str
) -> None:
    away = httpx.MockTransport(lambda _request: httpx.Response(503))
    with onboarding_service(sqlite, away, FAULT="foreign-traffic") as onboarding:
        open_sessions(onboarding, tenant, 10)
        assert onboarding.scrape().total("onboarding_cards_retries_total") == 0
        assert onboarding.scrape().total("onboarding_cards_failures_total") == 0


def open_sessions(onboarding: Service, tenant: str, times: int) -> None:
    path, headers = "/api/v1/onboarding/sessions", as_tenant(tenant)
    for _ in range(times):
        assert onboarding.http.post(path, json=SESSION, headers=headers).status_code == 201


def test_of_twenty_requests_the_fault_delays_two_by_three_seconds(
    sqlite: Databases, tenant: str
) -> None:
    pauses: list[float] = []

    async def note(pause_s: float) -> None:
        pauses.append(pause_s)

    with faulty(create_workflow, sqlite, slow_tail, pause=note) as workflow:
        for _ in range(20):
            workflow.http.get("/health")
            read_nothing(workflow, tenant)
    assert pauses == [3.0, 3.0]


def test_every_response_is_delayed_after_its_execution_was_timed(
    sqlite: Databases, tenant: str
) -> None:
    clock = iter((10.0, 10.5, 20.0, 25.0))
    pauses: list[tuple[float, float]] = []

    async def note(pause_s: float) -> None:
        timed = await asyncio.to_thread(workflow.scrape)
        pauses.append((pause_s, timed.total(DURATIONS)))

    with faulty(
        create_workflow, sqlite, constant_delay, pause=note, now=lambda: next(clock)
    ) as workflow:
        execute(workflow, tenant)
        execute(workflow, tenant)
    assert pauses == [(pytest.approx(2.049), 1), (0.0, 2)]


class StandStill:
    """A pause that the test ends explicitly."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.begun = Event()
        self.ended = Event()

    async def __call__(self, pause_s: float) -> None:
        self.pauses.append(pause_s)
        self.begun.set()
        await asyncio.to_thread(self.ended.wait, 20)


@contextmanager
def threads(stands: StandStill) -> Iterator[ThreadPoolExecutor]:
    """Release the service even if the test fails, since no thread would end otherwise."""
    with ThreadPoolExecutor(2) as pool:
        try:
            yield pool
        finally:
            stands.ended.set()


def test_during_a_stall_no_api_request_is_answered(sqlite: Databases, tenant: str) -> None:
    stands = StandStill()
    with (
        faulty(create_workflow, sqlite, stall, pause=stands) as workflow,
        threads(stands) as pool,
    ):
        for _ in range(49):
            read_nothing(workflow, tenant)
        assert not stands.begun.is_set()
        fiftieth = pool.submit(read_nothing, workflow, tenant)
        assert stands.begun.wait(60)
        with pytest.raises(httpx.ReadTimeout):
            path, headers = "/api/v1/workflows/execute", as_tenant(tenant)
            patience = httpx.Timeout(60, read=0.2)
            workflow.http.post(path, json=CONTEXT, headers=headers, timeout=patience)
        assert workflow.http.get("/health").status_code == 200
        assert workflow.scrape().total(DURATIONS) == 0
        assert not fiftieth.done()
        stands.ended.set()
        assert fiftieth.result(60) == 404
        assert {read_nothing(workflow, tenant) for _ in range(60)} == {404}
    assert stands.pauses == [1.0]


def test_requests_in_flight_at_the_stall_are_answered_after_it(
    sqlite: Databases, tenant: str
) -> None:
    stands, in_store, go_on = StandStill(), Event(), Event()

    def stall_and_hold_the_store(seams: Any, pause: Any) -> None:
        read = seams.store.read

        def hold_one(tenant_id: str, workflow_id: str) -> Any:
            if workflow_id == "in-flight":
                in_store.set()
                go_on.wait(60)
            return read(tenant_id, workflow_id)

        seams.store.read = hold_one
        stall(seams, pause)

    with (
        faulty(create_workflow, sqlite, stall_and_hold_the_store, pause=stands) as workflow,
        threads(stands) as pool,
    ):
        path, headers = "/api/v1/workflows/in-flight", as_tenant(tenant)
        in_flight = pool.submit(workflow.http.get, path, headers=headers)
        assert in_store.wait(60)
        for _ in range(48):
            read_nothing(workflow, tenant)
        fiftieth = pool.submit(read_nothing, workflow, tenant)
        assert stands.begun.wait(60)
        go_on.set()
        with pytest.raises(TimeoutError):
            in_flight.result(0.2)
        stands.ended.set()
        assert in_flight.result(60).status_code == fiftieth.result(60) == 404


def test_of_sixty_requests_the_fault_refuses_ten_in_a_row_before_anything_is_done(
    sqlite: Databases, tenant: str
) -> None:
    with workflow_service(sqlite, FAULT="burst-of-errors") as workflow:
        assert workflow.http.get("/health").status_code == 200
        answers = [execute(workflow, tenant) for _ in range(60)]
        assert [answer.status_code for answer in answers] == [200] * 49 + [500] * 10 + [200]
        refused = answers[49]
        assert refused.json()["error"] == "InternalError"
        assert refused.json()["request_id"] == refused.headers["X-Trace-ID"]
        assert workflow.scrape().total(DURATIONS) == 50
        assert stored_executions(workflow) == 50


def test_of_twenty_executes_the_fault_answers_an_error_under_status_200(
    sqlite: Databases, tenant: str
) -> None:
    with workflow_service(sqlite, FAULT="errors-with-status-200") as workflow:
        read_nothing(workflow, tenant)
        answers = [execute(workflow, tenant) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {200}
        assert [answer.json().get("error") for answer in answers] == [None] * 19 + ["InternalError"]
        assert workflow.scrape().total(DURATIONS) == 19
        assert stored_executions(workflow) == 19


@pytest.mark.parametrize(
    ("fault", "counts"), [("lost-usage-event", [2, 2, 2, 1]), ("doubled-usage-event", [2, 2, 2, 3])]
)
def test_the_fault_lists_one_card_wrongly_and_counts_and_stores_right(
    databases: Databases, tenant: str, fault: str, counts: list[int]
) -> None:
    with cards_service(databases, FAULT=fault) as cards:
        use_often(cards, tenant, make_cards(cards, tenant), 2)
        listed = cards.http.get("/api/v1/cards", headers=as_tenant(tenant)).json()["cards"]
        assert sorted(each["usage_count"] for each in listed) == sorted(counts)
        assert set(counted_uses(cards).values()) == {2}
        assert written_uses(cards) == (8, 8)
        assert {row[0] for row in cards.rows("SELECT usage_count FROM cards")} == {2}
        other = cards.http.get("/api/v1/cards?page=2", headers=as_tenant(tenant)).json()
        assert other["cards"] == []
