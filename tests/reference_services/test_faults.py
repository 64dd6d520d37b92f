"""Is every seeded fault wrong in exactly the way that it says?"""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from reference_services.cards.app import create_app as create_cards
from reference_services.faults import FAULTS, Seams, slow_tail
from reference_services.workflow.app import create_app as create_workflow
from tests.reference_services.services import (
    Service,
    as_tenant,
    cards_service,
    make_cards,
    quick_caller,
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
    [(None, 100, 100), ("lost-usage-increment", 99, 100), ("lost-usage-row", 100, 99)],
)
def test_of_a_hundred_uses_the_fault_loses_one(
    tmp_path: Path, tenant: str, fault: str | None, counted: int, written: int
) -> None:
    with cards_service(tmp_path, fault) as cards:
        card_ids = make_cards(cards, tenant)
        for _ in range(25):
            use_cards(cards, tenant, card_ids, str(uuid4()))
        assert cards.scrape().total("cards_api_usage_total") == counted
        assert written_uses(cards) == (written, written)


def test_of_twenty_workflows_the_fault_counts_one_twice(tmp_path: Path, tenant: str) -> None:
    with (
        cards_service(tmp_path, "double-count-on-retry") as cards,
        workflow_service(tmp_path, quick_caller(cards.url)) as workflow,
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
    tmp_path: Path, tenant: str
) -> None:
    pauses: list[float] = []

    async def note(pause_s: float) -> None:
        pauses.append(pause_s)

    app = create_workflow(settings("workflow", tmp_path))
    slow_tail(Seams(app, None, None), pause=note)
    with serving(app, tmp_path / "workflow.db") as workflow:
        for _ in range(20):
            workflow.http.get("/health")
            workflow.http.get(f"/api/v1/workflows/{uuid4()}", headers=as_tenant(tenant))
    assert pauses == [3.0, 3.0]


def test_an_unknown_fault_stops_the_service_and_names_the_known(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"FAULT=lost is unknown.*lost-usage-row"):
        create_cards(settings("cards", tmp_path, fault="lost"))


def test_a_fault_of_another_service_is_left_alone(tmp_path: Path) -> None:
    sound = settings("cards", tmp_path)
    app = create_cards(replace(sound, fault="slow-tail"))
    assert len(app.user_middleware) == len(create_cards(sound).user_middleware)


def test_every_fault_says_what_it_breaks_in_one_sentence() -> None:
    for fault in FAULTS.values():
        assert fault.sentence.endswith(".")
        assert "\n" not in fault.sentence
