"""Tests that a fault of counters corrupts exactly the counts that it describes, and no row."""

from collections.abc import Callable
from threading import Event, current_thread
from typing import Any

import pytest

from reference_services.cards.app import create_app as create_cards
from reference_services.faults.counters import call_after, counted_late
from reference_services.faults.seams import FOREIGN_TENANT
from tests.reference_services.databases import Databases
from tests.reference_services.faults.faulty import (
    counted_uses,
    execute,
    faulty,
    use_often,
    written_uses,
)
from tests.reference_services.services import (
    cards_service,
    make_cards,
    use_cards,
    workflow_service,
)

Counts = dict[tuple[str, str], float]


def thirteen_per_type(tenant: str) -> Counts:
    return {(tenant, card_type): 13 for card_type in ("company", "audience", "voice", "insight")}


def with_insights_as(tenant: str, name: str) -> Counts:
    expected = thirteen_per_type(tenant)
    expected[tenant, name] = expected.pop((tenant, "insight"))
    return expected


def insights_plural(tenant: str, _card_ids: list[str]) -> Counts:
    return with_insights_as(tenant, "insights")


def insights_by_card(tenant: str, card_ids: list[str]) -> Counts:
    return with_insights_as(tenant, f"insight-{card_ids[3]}")


def one_elsewhere(tenant: str, _card_ids: list[str]) -> Counts:
    # The fiftieth use is the thirteenth of an audience card.
    return thirteen_per_type(tenant) | {(tenant, "audience"): 12, (FOREIGN_TENANT, "audience"): 1}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("wrong-label-value", insights_plural),
        ("unbounded-label", insights_by_card),
        ("wrong-tenant", one_elsewhere),
    ],
)
def test_of_52_uses_the_fault_miscounts_only_those_it_describes(
    sqlite: Databases, tenant: str, fault: str, expected: Callable[[str, list[str]], Counts]
) -> None:
    with cards_service(sqlite, FAULT=fault) as cards:
        card_ids = make_cards(cards, tenant)
        use_often(cards, tenant, card_ids, 13)
        assert counted_uses(cards) == expected(tenant, card_ids)
        assert written_uses(cards) == (52, 52)
        rows = cards.rows("SELECT DISTINCT tenant_id, card_type FROM card_usage")
        assert set(rows) == thirteen_per_type(tenant).keys()


def test_of_a_hundred_uses_the_fault_leaves_one_uncounted(
    databases: Databases, tenant: str
) -> None:
    with cards_service(databases, FAULT="lost-usage-increment") as cards:
        use_often(cards, tenant, make_cards(cards, tenant), 25)
        assert sum(counted_uses(cards).values()) == 99
        assert written_uses(cards) == (100, 100)


@pytest.mark.parametrize("fault", ["double-count-on-retry", "counted-before-commit"])
def test_of_twenty_workflows_the_fault_counts_one_twice(
    databases: Databases, tenant: str, fault: str
) -> None:
    with (
        cards_service(databases, FAULT=fault) as cards,
        workflow_service(databases, CARDS_URL=cards.url) as workflow,
    ):
        body = {"workflow_type": "linkedin_post", "card_ids": make_cards(cards, tenant)}
        assert {execute(workflow, tenant, body).status_code for _ in range(20)} == {200}
        assert workflow.scrape().total("workflow_cards_retries_total") == 1
        assert set(counted_uses(cards).values()) == {21}
        assert written_uses(cards) == (80, 80)


def test_what_is_counted_before_its_commit_is_rolled_back(
    databases: Databases, tenant: str
) -> None:
    with cards_service(databases, FAULT="counted-before-commit") as cards:
        card_ids = make_cards(cards, tenant)
        # A repeated use does not count as a call.
        assert {use_cards(cards, tenant, card_ids, "one").status_code for _ in range(3)} == {200}
        answers = use_often(cards, tenant, card_ids, 19)
        assert [answer.status_code for answer in answers] == [200] * 18 + [503]
        assert set(counted_uses(cards).values()) == {20}
        assert written_uses(cards) == (76, 76)
        assert use_cards(cards, tenant, card_ids, "another").status_code == 200
        assert written_uses(cards) == (80, 80)


def test_what_is_counted_late_is_stored_at_once_and_counted_after_five_seconds(
    sqlite: Databases, tenant: str
) -> None:
    waiting: list[tuple[Any, ...]] = []
    with faulty(
        create_cards, sqlite, counted_late, later=lambda *call: waiting.append(call)
    ) as cards:
        use_often(cards, tenant, make_cards(cards, tenant), 1)
        assert counted_uses(cards) == {}
        assert written_uses(cards) == (4, 4)
        assert [pause_s for pause_s, *_ in waiting] == [5.0] * 4
        for _pause_s, count, *use in waiting:
            count(*use)
        assert set(counted_uses(cards).values()) == {1}


def test_what_is_called_later_keeps_no_process_alive() -> None:
    called, is_daemon = Event(), []

    def note(word: str) -> None:
        is_daemon.append((word, current_thread().daemon))
        called.set()

    call_after(0.0, note, "word")
    assert called.wait(60)
    assert is_daemon == [("word", True)]
