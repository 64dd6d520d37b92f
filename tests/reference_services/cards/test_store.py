"""Tests of the SQL store of Cards: idempotency, concurrency and tenants."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from tests.reference_services.api_requests import post_batch, usage_counts, usage_rows
from tests.reference_services.services import (
    Service,
    make_cards,
    use_cards,
)


def test_two_tenants_may_use_the_same_key(cards: Service, tenant: str) -> None:
    post_batch(cards, tenant, "key")
    assert post_batch(cards, str(uuid4()), "key").json()["created_count"] == 4


def test_fifty_identical_batches_at_once_create_four_cards(cards: Service, tenant: str) -> None:
    with cards.increases() as increase, ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: post_batch(cards, tenant, "key"), range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert all(answer.json()["cards"] == answers[0].json()["cards"] for answer in answers)
    assert sum(answer.json()["created_count"] for answer in answers) == 4
    assert increase("cards_created_total", tenant_id=tenant) == 4
    sql = "SELECT count(*) FROM cards WHERE tenant_id = :tenant"
    assert cards.rows(sql, tenant=tenant) == [(4,)]


def test_fifty_retrieves_by_one_workflow_at_once_count_each_card_once(
    cards: Service, tenant: str
) -> None:
    wanted, workflow_id = make_cards(cards, tenant), str(uuid4())
    with cards.increases() as increase, ThreadPoolExecutor(50) as threads:
        answers = list(
            threads.map(lambda _: use_cards(cards, tenant, wanted, workflow_id), range(50))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert increase("cards_api_usage_total", tenant_id=tenant) == 4
    assert usage_rows(cards, tenant) == 4
    assert usage_counts(cards, tenant) == [1, 1, 1, 1]


def test_fifty_workflows_at_once_count_fifty_uses_of_each_card(cards: Service, tenant: str) -> None:
    wanted = make_cards(cards, tenant)
    with cards.increases() as increase, ThreadPoolExecutor(50) as threads:
        list(threads.map(lambda _: use_cards(cards, tenant, wanted, str(uuid4())), range(50)))
    assert increase("cards_api_usage_total", tenant_id=tenant) == 200
    assert usage_counts(cards, tenant) == [50, 50, 50, 50]
