"""Test of an outage of Cards for three seconds, as users of Workflow notice it."""

import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.reference_services.databases import Databases, read_rows
from tests.reference_services.restarts import Restartable, restartable
from tests.reference_services.services import SNAPSHOT, Scrape, as_tenant
from tests.reference_services.waiting import wait_until

USERS = 6
OUTAGE_S = 3.0
SERVED_TIMES = 5
PATIENCE_S = 240
CLOSED, OPEN = 0.0, 2.0


@dataclass(frozen=True)
class TimedResponse:
    """One response to a user, with the time of its request and its duration."""

    user: int
    asked_at: float
    duration_s: float
    answer: httpx.Response

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def source(self) -> str | None:
        source: str | None = self.answer.headers.get("X-Cards-Source")
        return source


@dataclass
class SteadyLoad:
    """Users who execute workflows without a pause: some on cards that Workflow knows, one not."""

    responses: list[TimedResponse] = field(default_factory=list)
    scrapes: list[Scrape] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def execute(self, user: int, url: str, tenant: str, card_ids: list[str]) -> None:
        body = {"workflow_type": "linkedin_post", "card_ids": card_ids}
        with httpx.Client(base_url=url, timeout=60) as http:
            while not self.is_over.wait(0.01):
                asked_at = time.monotonic()
                answer = http.post(
                    "/api/v1/workflows/execute", json=body, headers=as_tenant(tenant)
                )
                duration_s = time.monotonic() - asked_at
                self.responses.append(TimedResponse(user, asked_at, duration_s, answer))

    def watch(self, workflow: Restartable) -> None:
        while not self.is_over.wait(0.05):
            self.scrapes.append(workflow.scrape())


@contextmanager
def load(workflow: Restartable, tenant: str, batches: list[list[str]]) -> Iterator[SteadyLoad]:
    """Keep the users busy within the block."""
    it = SteadyLoad()
    threads = [
        threading.Thread(target=it.execute, args=(user, workflow.url, tenant, card_ids))
        for user, card_ids in enumerate(batches)
    ]
    threads.append(threading.Thread(target=it.watch, args=(workflow,)))
    for thread in threads:
        thread.start()
    try:
        yield it
    finally:
        it.is_over.set()
        for thread in threads:
            thread.join(60)


def p95_s(responses: list[TimedResponse]) -> float:
    """Return the 95th percentile of the durations, in seconds."""
    return statistics.quantiles([each.duration_s for each in responses], n=20)[-1]


def wait_until_every_user_was_served(it: SteadyLoad, since: float = 0.0) -> None:
    """Wait until each user has several responses to requests sent after this moment."""

    def served() -> bool:
        users = Counter(each.user for each in [*it.responses] if each.asked_at > since)
        return all(users[user] >= SERVED_TIMES for user in range(USERS))

    wait_until(served, "a user is not served", PATIENCE_S)


def wait_until_the_breaker_is_open(it: SteadyLoad) -> None:
    wait_until(lambda: states_of(it.scrapes[-1:]) == [OPEN], "the breaker stays closed", PATIENCE_S)


def wait_until_cards_answers(it: SteadyLoad) -> None:
    """Wait until every user's cards come from Cards again and the breaker is closed."""
    wait_until(
        lambda: (
            {each.source for each in it.responses[-USERS:]} == {"cards"}
            and states_of(it.scrapes[-1:]) == [CLOSED]
        ),
        "Cards is not asked again",
        PATIENCE_S,
    )


def make_cards(cards: Restartable, tenant: str) -> list[str]:
    answer = httpx.post(f"{cards.url}/api/v1/cards/batch", json=SNAPSHOT, headers=as_tenant(tenant))
    return [card["card_id"] for card in answer.json()["cards"]]


def wait_until_nothing_is_owed(workflow: Restartable) -> None:
    wait_until(lambda: read_owed(workflow.scrape()) == 0, "uses are still owed", PATIENCE_S)


def read_owed(scrape: Scrape) -> float:
    return scrape.total("workflow_owed_executions")


def states_of(scrapes: list[Scrape]) -> list[float]:
    """Return the states of the breaker in order."""
    seen = [scrape.total("workflow_cards_circuit_state") for scrape in scrapes]
    return [state for state, before in zip(seen, [None, *seen], strict=False) if state != before]


@pytest.mark.core
@pytest.mark.long
def test_an_outage_of_three_seconds_loses_no_use_and_is_visible(
    databases: Databases, tmp_path: Path, tenant: str
) -> None:
    cards_url = databases.url_of("cards")
    with (
        restartable("cards", tmp_path, DATABASE_URL=cards_url) as cards,
        restartable(
            "workflow",
            tmp_path,
            DATABASE_URL=databases.url_of("workflow"),
            CARDS_URL=cards.url,
        ) as workflow,
    ):
        known = [make_cards(cards, tenant) for _ in range(USERS)]
        with load(workflow, tenant, known) as it:
            wait_until_every_user_was_served(it)
            killed_at = time.monotonic()
            cards.kill()
            wait_until_the_breaker_is_open(it)
            opened_at = time.monotonic()
            strangers = ask_for_unknown_cards(workflow, tenant, until=killed_at + OUTAGE_S)
            wait_until_every_user_was_served(it, since=opened_at)
            back_at = time.monotonic()
            cards.start()
            wait_until_cards_answers(it)
        wait_until_nothing_is_owed(workflow)
        after = workflow.scrape()

    before = [each for each in it.responses if each.asked_at + each.duration_s < killed_at]
    during = [each for each in it.responses if opened_at < each.asked_at < back_at]
    assert {each.source for each in during} == {"cache"}
    assert p95_s(during) < 10 * p95_s(before)
    assert {each.status for each in it.responses} == {200}
    assert it.responses[-1].source == "cards"

    assert {answer.status_code for answer in strangers} <= {502, 503}
    refused = [answer for answer in strangers if answer.status_code == 503]
    assert refused
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)

    states = states_of(it.scrapes)
    assert (states[0], states[-1]) == (CLOSED, CLOSED)
    assert OPEN in states
    assert max(read_owed(scrape) for scrape in it.scrapes) > 0
    assert_counted_once(cards_url, it.responses)
    assert_visible(after, it.responses)


def ask_for_unknown_cards(workflow: Restartable, tenant: str, until: float) -> list[httpx.Response]:
    """Ask, again and again, for cards that Workflow has never seen; at least once."""
    body = {"workflow_type": "linkedin_post", "card_ids": ["never-seen"]}
    answers: list[httpx.Response] = []
    while not answers or time.monotonic() < until:
        answers.append(
            httpx.post(
                f"{workflow.url}/api/v1/workflows/execute",
                json=body,
                headers=as_tenant(tenant),
                timeout=60,
            )
        )
        time.sleep(0.1)
    return answers


def assert_counted_once(cards_url: str, responses: list[TimedResponse]) -> None:
    used = {
        (each.answer.json()["workflow_id"], card_id)
        for each in responses
        for card_id in each.answer.json()["cards_used"]
    }
    assert len(used) == 4 * len(responses)
    rows = read_rows(cards_url, "SELECT workflow_id, card_id FROM card_usage")
    assert len(rows) == len(set(rows))
    assert set(rows) == used
    counted = read_rows(cards_url, "SELECT sum(usage_count) FROM cards")
    assert counted == [(len(used),)]


def assert_visible(scrape: Scrape, responses: list[TimedResponse]) -> None:
    from_cache = sum(each.source == "cache" for each in responses)
    assert scrape.total("workflow_cards_cache_hits_total") == 4 * from_cache
    assert scrape.total("workflow_executions_total", context_source="cache") == from_cache
    assert scrape.total("workflow_cards_fetched_total") == 4 * len(responses)
    assert scrape.total("workflow_cards_retries_total", reason="connection") > 0
    assert scrape.total("workflow_cards_failures_total", reason="circuit_open") > 0
