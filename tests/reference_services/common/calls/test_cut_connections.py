"""Tests that a cut connection, at any point of a request, neither loses nor repeats work."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from threading import Lock
from uuid import uuid4

import httpx
import pytest

from tests.reference_services.conftest import NewDatabases
from tests.reference_services.cutting_proxy import Cut, Proxy, proxied
from tests.reference_services.services import (
    SNAPSHOT,
    Service,
    as_tenant,
    cards_service,
    make_cards,
    onboarding_service,
    workflow_service,
)

pytestmark = pytest.mark.long

SESSIONS = "/api/v1/onboarding/sessions"
EXECUTE = "/api/v1/workflows/execute"
ANSWERS = {"answers": [{"question_id": "q1", "answer": "We automate rockets"}]}
SOON_S = 60

PLANS = [[cut] for cut in Cut] + [
    [Cut.BEHIND, Cut.BEHIND],
    [Cut.DURING, Cut.IN_BODY],
    [Cut.BEFORE, Cut.BEHIND],
]
EACH_PLAN = pytest.mark.parametrize(
    "plan", PLANS, ids=lambda plan: "-".join(cut.name.lower() for cut in plan)
)


@dataclass(frozen=True)
class Lines:
    """The services, with a cutting proxy before Cards and one before Onboarding."""

    onboarding: Service
    cards: Service
    workflow: Service
    to_cards: Proxy
    to_onboarding: Proxy


@dataclass(frozen=True)
class TenantState:
    """Rows and counters of one tenant."""

    cards: object = 0
    keys: object = 0
    uses: object = 0
    usage_counts: object = 0
    created_total: float = 0
    used_total: float = 0
    onboarded_total: float = 0
    fetched_total: float = 0
    executed_total: float = 0


@pytest.fixture(scope="module")
def lines(new_databases: NewDatabases) -> Iterator[Lines]:
    calm = {"CIRCUIT_FAILURES": "1000"}
    with (
        new_databases() as databases,
        cards_service(databases) as cards,
        proxied(cards.url) as to_cards,
        onboarding_service(databases, None, CARDS_URL=to_cards.url, **calm) as onboarding,
        workflow_service(databases, None, CARDS_URL=to_cards.url, **calm) as workflow,
        proxied(onboarding.url) as to_onboarding,
    ):
        yield Lines(onboarding, cards, workflow, to_cards, to_onboarding)


def books_of(lines: Lines, tenant: str) -> TenantState:
    sql = """
        SELECT (SELECT count(*) FROM cards WHERE tenant_id = :tenant),
               (SELECT count(*) FROM idempotency_keys WHERE tenant_id = :tenant),
               (SELECT count(*) FROM card_usage WHERE tenant_id = :tenant),
               (SELECT coalesce(sum(usage_count), 0) FROM cards WHERE tenant_id = :tenant)
    """
    cards, keys, uses, usage_counts = lines.cards.rows(sql, tenant=tenant)[0]
    at_cards, at_workflow = lines.cards.scrape(), lines.workflow.scrape()
    return TenantState(
        cards=cards,
        keys=keys,
        uses=uses,
        usage_counts=usage_counts,
        created_total=at_cards.total("cards_created_total", tenant_id=tenant),
        used_total=at_cards.total("cards_api_usage_total", tenant_id=tenant),
        onboarded_total=lines.onboarding.scrape().total(
            "onboarding_cards_created_total", tenant_id=tenant
        ),
        fetched_total=at_workflow.total("workflow_cards_fetched_total", tenant_id=tenant),
        executed_total=at_workflow.total("workflow_executions_total", tenant_id=tenant),
    )


def assert_soon(is_so: Callable[[], bool], otherwise: Callable[[], object]) -> None:
    ends_at = time.monotonic() + SOON_S
    while not is_so():
        assert time.monotonic() < ends_at, otherwise()
        time.sleep(0.02)


def assert_books(lines: Lines, tenant: str, expected: TenantState) -> None:
    """Wait for a request that outlives its connection: its count may still be missing."""
    assert_soon(lambda: books_of(lines, tenant) == expected, lambda: books_of(lines, tenant))


def until_answered(send: Callable[[], httpx.Response]) -> httpx.Response:
    """Repeat a request until it is answered, as a client does after a lost connection."""
    for _ in range(9):
        try:
            return send()
        except httpx.TransportError:
            continue
    raise AssertionError("it was never answered")


def open_session(lines: Lines, tenant: str) -> str:
    body = {"company_domain": "acme.example", "user_email": "ada@acme.example"}
    answer = lines.onboarding.http.post(SESSIONS, json=body, headers=as_tenant(tenant))
    return f"{SESSIONS}/{answer.json()['session_id']}/answers"


def execute(lines: Lines, tenant: str, card_ids: list[str]) -> httpx.Response:
    body = {"workflow_type": "linkedin_post", "card_ids": card_ids}
    return lines.workflow.http.post(EXECUTE, json=body, headers=as_tenant(tenant))


ONBOARDED = TenantState(cards=4, keys=1, created_total=4, onboarded_total=4)


@EACH_PLAN
def test_an_onboarding_whose_line_to_cards_is_cut_makes_its_cards_once(
    lines: Lines, tenant: str, plan: list[Cut]
) -> None:
    url = open_session(lines, tenant)
    lines.to_cards.cuts.extend(plan)
    with lines.onboarding.increases() as increase, lines.cards.increases() as at_cards:
        answer = lines.onboarding.http.post(url, json=ANSWERS, headers=as_tenant(tenant))
    assert answer.status_code == 200
    assert increase("onboarding_cards_retries_total", reason="connection") == len(plan)
    assert increase("onboarding_cards_failures_total") == 0
    assert at_cards("cards_api_requests_total", status="500") == 0
    assert_books(lines, tenant, ONBOARDED)


@EACH_PLAN
def test_a_workflow_whose_line_to_cards_is_cut_uses_its_cards_once(
    lines: Lines, tenant: str, plan: list[Cut]
) -> None:
    card_ids = make_cards(lines.cards, tenant)
    lines.to_cards.cuts.extend(plan)
    with lines.workflow.increases() as increase, lines.cards.increases() as at_cards:
        answer = execute(lines, tenant, card_ids)
    assert (answer.status_code, answer.headers["X-Cards-Source"]) == (200, "cards")
    assert answer.json()["cards_used"] == card_ids
    assert increase("workflow_cards_retries_total", reason="connection") == len(plan)
    assert at_cards("cards_api_requests_total", status="500") == 0
    expected = TenantState(
        cards=4,
        uses=4,
        usage_counts=4,
        created_total=4,
        used_total=4,
        fetched_total=4,
        executed_total=1,
    )
    assert_books(lines, tenant, expected)


@EACH_PLAN
def test_answers_submitted_again_after_a_cut_make_the_cards_once(
    lines: Lines, tenant: str, plan: list[Cut]
) -> None:
    url = open_session(lines, tenant)
    lines.to_onboarding.cuts.extend(plan)
    with httpx.Client(base_url=lines.to_onboarding.url, timeout=60) as client:

        def submit() -> httpx.Response:
            return client.post(url, json=ANSWERS, headers=as_tenant(tenant))

        answer = until_answered(submit)
        assert not lines.to_onboarding.cuts
        assert answer.status_code == 200
        assert submit().json() == answer.json()
    assert_books(lines, tenant, ONBOARDED)


@EACH_PLAN
def test_a_batch_sent_again_under_its_key_after_a_cut_is_stored_once(
    lines: Lines, tenant: str, plan: list[Cut]
) -> None:
    lines.to_cards.cuts.extend(plan)
    headers = as_tenant(tenant, idempotency_key="k")
    with httpx.Client(base_url=lines.to_cards.url, timeout=60) as client:
        answer = until_answered(
            lambda: client.post("/api/v1/cards/batch", json=SNAPSHOT, headers=headers)
        )
    assert answer.status_code == 201
    if Cut.DURING not in plan:
        was_stored_before = bool({Cut.BEHIND, Cut.IN_HEAD, Cut.IN_BODY} & set(plan))
        assert answer.json()["created_count"] == (0 if was_stored_before else 4)
        assert answer.headers.get("X-Idempotency-Cache") == ("HIT" if was_stored_before else None)
    listed = lines.cards.http.get("/api/v1/cards", headers=as_tenant(tenant)).json()["cards"]
    ids = {card["card_id"] for card in answer.json()["cards"]}
    assert {card["card_id"] for card in listed} == ids
    assert_books(lines, tenant, TenantState(cards=4, keys=1, created_total=4))


@EACH_PLAN
def test_a_use_sent_again_after_a_cut_is_recorded_once(
    lines: Lines, tenant: str, plan: list[Cut]
) -> None:
    card_id = make_cards(lines.cards, tenant)[0]
    lines.to_cards.cuts.extend(plan)
    body = {"workflow_id": str(uuid4()), "workflow_type": "linkedin_post"}
    url = f"/api/v1/cards/{card_id}/usage"
    with httpx.Client(base_url=lines.to_cards.url, timeout=60) as client:
        answer = until_answered(lambda: client.post(url, json=body, headers=as_tenant(tenant)))
    assert (answer.status_code, answer.json()["usage_count"]) == (200, 1)
    expected = TenantState(cards=4, uses=1, usage_counts=1, created_total=4, used_total=1)
    assert_books(lines, tenant, expected)


class RandomCuts:
    """Seeded random cuts of a given percentage of all requests."""

    def __init__(self, percent: int) -> None:
        self._random = Random(20)
        self._percent = percent
        self._lock = Lock()

    def __call__(self) -> Cut | None:
        with self._lock:
            is_bad = self._random.randrange(100) < self._percent
            return self._random.choice(list(Cut)) if is_bad else None


@pytest.fixture
def random_cuts(lines: Lines) -> Iterator[None]:
    """Cut more than a third of all requests to Cards during the test."""
    fair = lines.to_cards.next_cut
    lines.to_cards.next_cut = RandomCuts(40)
    yield
    lines.to_cards.next_cut = fair


@pytest.mark.usefixtures("random_cuts")
def test_many_workflows_over_a_bad_line_use_their_cards_once_each(
    lines: Lines, tenant: str
) -> None:
    """Executions that use up their attempts run on cached cards; the delivery counts them once."""
    runs = 60
    card_ids = make_cards(lines.cards, tenant)
    failed = 0
    while execute(lines, tenant, card_ids).status_code != 200:
        failed += 1
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: execute(lines, tenant, card_ids), range(runs)))
    assert {answer.status_code for answer in answers} == {200}
    assert "cache" in {answer.headers["X-Cards-Source"] for answer in answers}
    workflow_ids = {answer.json()["workflow_id"] for answer in answers}
    sql = "SELECT workflow_id, count(*) FROM card_usage WHERE tenant_id = :tenant GROUP BY 1"

    def all_are_recorded() -> bool:
        rows = lines.cards.rows(sql, tenant=tenant)
        recorded = {workflow_id for workflow_id, _ in rows}
        return workflow_ids <= recorded and {uses for _, uses in rows} == {4}

    assert_soon(all_are_recorded, lambda: lines.cards.rows(sql, tenant=tenant))
    assert_soon(
        lambda: lines.workflow.rows("SELECT count(*) FROM owed_uses") == [(0,)],
        lambda: lines.workflow.rows("SELECT * FROM owed_uses"),
    )

    def counts_are_right() -> bool:
        books = books_of(lines, tenant)
        fetched = books.fetched_total == 4 * (runs + 1)
        return fetched and books.uses == books.usage_counts == books.used_total

    assert_soon(counts_are_right, lambda: books_of(lines, tenant))
    assert books_of(lines, tenant).uses in range(4 * (runs + 1), 4 * (runs + 1 + failed) + 1)


@pytest.mark.usefixtures("random_cuts")
def test_many_onboardings_over_a_bad_line_make_four_cards_each(lines: Lines, tenant: str) -> None:
    runs = 30
    urls = [open_session(lines, tenant) for _ in range(runs)]

    def submit(url: str) -> set[str]:
        for _ in range(20):
            answer = lines.onboarding.http.post(url, json=ANSWERS, headers=as_tenant(tenant))
            if answer.status_code == 200:
                return set(answer.json()["card_ids"])
            assert answer.status_code == 502
        raise AssertionError("it was never completed")

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(submit, urls))
    assert len(set.union(*made)) == 4 * runs
    count = 4 * runs
    expected = TenantState(cards=count, keys=runs, created_total=count, onboarded_total=count)
    assert_books(lines, tenant, expected)
