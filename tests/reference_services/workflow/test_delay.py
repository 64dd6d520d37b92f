"""Tests of the artificial delay of generation."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import median, quantiles
from threading import Barrier

import httpx
import pytest
from fastapi import FastAPI

from reference_services.common.service import THREADS
from reference_services.common.settings import read_settings
from reference_services.workflow.app import create_app
from reference_services.workflow.delay import GenerationDelay, read_delay
from tests.reference_services.databases import Databases
from tests.reference_services.services import (
    Service,
    as_tenant,
    runtime_without_pauses,
    serving,
    settings,
    workflow_service,
)

DELAY = {
    "GENERATION_DELAY_MEDIAN_S": "0.8",
    "GENERATION_DELAY_P95_S": "2",
    "GENERATION_DELAY_SEED": "7",
}
BODY = {"workflow_type": "linkedin_post", "context": {"company": {"name": "Acme"}}}


def delay_of(**variables: str) -> GenerationDelay:
    delay = read_delay(read_settings("workflow", DELAY | variables))
    assert delay
    return delay


def draws(delay: GenerationDelay, times: int = 50) -> list[float]:
    return [delay.draw_s() for _ in range(times)]


def test_the_same_seed_draws_the_same_durations() -> None:
    assert draws(delay_of()) == draws(delay_of())


def test_another_seed_draws_others() -> None:
    assert not set(draws(delay_of())) & set(draws(delay_of(GENERATION_DELAY_SEED="8")))


@pytest.mark.parametrize(("median_s", "p95_s"), [(0.8, 2.0), (0.05, 0.06), (1.0, 30.0)])
def test_half_of_the_durations_are_below_the_median_and_95_percent_below_the_p95(
    median_s: float, p95_s: float
) -> None:
    """20 000 draws of one seed: both ratios are within a few standard errors."""
    durations = draws(GenerationDelay(median_s, p95_s, seed=1), 20_000)
    below_median = sum(each < median_s for each in durations) / len(durations)
    below_p95 = sum(each < p95_s for each in durations) / len(durations)
    assert below_median == pytest.approx(0.5, abs=0.012)
    assert below_p95 == pytest.approx(0.95, abs=0.006)
    # Log-normal: the 5th percentile is as far below the median as the 95th is above, by ratio.
    fifth = quantiles(durations, n=20)[0]
    assert median(durations) / fifth == pytest.approx(p95_s / median_s, rel=0.08)
    assert min(durations) > 0


def test_generation_is_not_delayed_by_default() -> None:
    assert read_delay(read_settings("workflow", {})) is None


def test_health_notes_the_parameters_of_the_delay(sqlite: Databases) -> None:
    with workflow_service(sqlite, None, **DELAY) as workflow:
        (note,) = workflow.http.get("/health").json()["notes"]
    for part in ("delay", "0.8 s", "2 s", "log-normal", "seed 7"):
        assert part in note


def test_health_notes_nothing_without_a_delay(sqlite: Databases) -> None:
    with workflow_service(sqlite) as workflow:
        assert workflow.http.get("/health").json()["notes"] == []


def delay_with(app: FastAPI, pause: Callable[[float], None]) -> None:
    """Replace the sleep of the app's delay."""
    delay = GenerationDelay(0.8, 2.0, 7, pause)
    app.state.components = replace(app.state.components, delay=delay)


def execute(workflow: Service, tenant: str, body: object = BODY) -> httpx.Response:
    url = "/api/v1/workflows/execute"
    return workflow.http.post(url, json=body, headers=as_tenant(tenant))


def test_each_execution_takes_the_next_duration_once(sqlite: Databases, tenant: str) -> None:
    app = create_app(settings("workflow", sqlite, **DELAY))
    pauses: list[float] = []
    delay_with(app, pauses.append)
    with serving(app, sqlite.url_of("workflow")) as workflow:
        for _ in range(5):
            assert execute(workflow, tenant).is_success
    assert pauses == draws(delay_of(), 5)


def test_an_execution_without_cards_takes_no_time(sqlite: Databases, tenant: str) -> None:
    """A failed execution generates nothing, so it is not delayed."""

    def no_cards(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"cards": []})

    app = create_app(
        settings("workflow", sqlite, **DELAY), runtime_without_pauses(httpx.MockTransport(no_cards))
    )
    pauses: list[float] = []
    delay_with(app, pauses.append)
    with serving(app, sqlite.url_of("workflow")) as workflow:
        body = {"workflow_type": "linkedin_post", "card_ids": ["gone"]}
        assert execute(workflow, tenant, body).status_code == 404
    assert pauses == []


def test_the_wait_itself_is_part_of_the_execution_and_of_its_metric(
    sqlite: Databases, tenant: str
) -> None:
    """Milliseconds instead of seconds, but real ones."""
    delay = {"GENERATION_DELAY_MEDIAN_S": "0.05", "GENERATION_DELAY_P95_S": "0.06"}
    with workflow_service(sqlite, None, **delay) as workflow:
        answer = execute(workflow, tenant).json()
        counted = workflow.scrape().total("workflow_execution_duration_seconds_sum")
    drawn_s = draws(GenerationDelay(0.05, 0.06, seed=0), 1)[0]
    assert answer["metrics"]["execution_time_ms"] >= drawn_s * 1000
    assert counted >= drawn_s


def test_many_delayed_executions_wait_side_by_side(sqlite: Databases, tenant: str) -> None:
    """Twice as many as a service without delay has threads; each waits for all others."""
    at_once = 2 * THREADS
    everybody = Barrier(at_once, timeout=60)
    app = create_app(settings("workflow", sqlite, **DELAY))

    def wait_for_everybody(_seconds: float) -> None:
        everybody.wait()

    delay_with(app, wait_for_everybody)
    with (
        serving(app, sqlite.url_of("workflow")) as workflow,
        ThreadPoolExecutor(at_once) as pool,
    ):
        statuses = set(pool.map(lambda _: execute(workflow, tenant).status_code, range(at_once)))
    assert statuses == {200}
