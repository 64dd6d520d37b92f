"""Is every seeded fault wrong in exactly the way that it says?"""

from uuid import uuid4

import pytest

from reference_services.cards.app import create_app as create_cards
from reference_services.faults.answering import slow_tail
from reference_services.faults.known import FAULTS
from reference_services.faults.seams import Seams
from reference_services.workflow.app import create_app as create_workflow
from tests.reference_services.databases import Databases
from tests.reference_services.services import (
    Service,
    as_tenant,
    cards_service,
    make_cards,
    serving,
    settings,
    use_cards,
    workflow_service,
)


def written_uses(cards: Service) -> tuple[object, object]:
    rows = cards.rows("SELECT (SELECT count(*) FROM card_usage), sum(usage_count) FROM cards")
    return rows[0][0], rows[0][1]


@pytest.mark.parametrize(
    ("fault", "counted", "written"),
    [("", 100, 100), ("lost-usage-increment", 99, 100), ("lost-usage-row", 100, 99)],
)
def test_of_a_hundred_uses_the_fault_loses_one(
    databases: Databases, tenant: str, fault: str, counted: int, written: int
) -> None:
    with cards_service(databases, FAULT=fault) as cards:
        card_ids = make_cards(cards, tenant)
        for _ in range(25):
            use_cards(cards, tenant, card_ids, str(uuid4()))
        assert cards.scrape().total("cards_api_usage_total") == counted
        assert written_uses(cards) == (written, written)


def test_of_twenty_workflows_the_fault_counts_one_twice(databases: Databases, tenant: str) -> None:
    with (
        cards_service(databases, FAULT="double-count-on-retry") as cards,
        workflow_service(databases, CARDS_URL=cards.url) as workflow,
    ):
        body = {"workflow_type": "linkedin_post", "card_ids": make_cards(cards, tenant)}
        for _ in range(20):
            answer = workflow.http.post(
                "/api/v1/workflows/execute", json=body, headers=as_tenant(tenant)
            )
            assert answer.status_code == 200
        assert workflow.scrape().total("workflow_cards_retries_total") == 1
        assert cards.scrape().total("cards_api_usage_total") == 84
        assert written_uses(cards) == (80, 80)


def test_of_twenty_requests_the_fault_holds_two_back_for_three_seconds(
    sqlite: Databases, tenant: str
) -> None:
    pauses: list[float] = []

    async def note(pause_s: float) -> None:
        pauses.append(pause_s)

    app = create_workflow(settings("workflow", sqlite))
    slow_tail(Seams(app, None, None), pause=note)
    with serving(app, sqlite.url_of("workflow")) as workflow:
        for _ in range(20):
            workflow.http.get("/health")
            workflow.http.get(f"/api/v1/workflows/{uuid4()}", headers=as_tenant(tenant))
    assert pauses == [3.0, 3.0]


def test_an_unknown_fault_stops_the_service_and_names_the_known(sqlite: Databases) -> None:
    with pytest.raises(ValueError, match=r"FAULT=lost is unknown.*lost-usage-row"):
        create_cards(settings("cards", sqlite, FAULT="lost"))


def test_a_fault_of_another_service_is_left_alone(sqlite: Databases) -> None:
    sound = create_cards(settings("cards", sqlite))
    app = create_cards(settings("cards", sqlite, FAULT="slow-tail"))
    assert len(app.user_middleware) == len(sound.user_middleware)


def test_every_fault_says_what_it_breaks_in_one_sentence() -> None:
    for fault in FAULTS.values():
        assert fault.sentence.endswith(".")
        assert "\n" not in fault.sentence
