"""Does a workflow work with the cards that an onboarding made? Six steps, one after the other."""

from typing import Any

import pytest

from tests.e2e.conftest import Place

pytestmark = [pytest.mark.long, pytest.mark.stack]

SNAPSHOT = "We automate invoices for tea merchants"
TYPES = ("company", "audience", "voice", "insight")


class Journey:
    """What the steps have brought about so far."""

    session_id = ""
    card_ids: tuple[str, ...] = ()
    executed: dict[str, Any] | None = None
    used_before = 0.0


@pytest.fixture(scope="module")
def journey(place: Place) -> Journey:
    """Pass once through the flow, each step with what the one before gave."""
    made = Journey()
    made.used_before = place.counted("cards_api_usage_total", source="workflow")
    sessions = "/api/v1/onboarding/sessions"
    who = {"company_domain": "tea.example", "user_email": "ada@tea.example"}
    created = place.call("POST", "onboarding", sessions, who)
    assert created.status_code == 201, created.text
    made.session_id = created.json()["session_id"]
    answers = {"answers": [{"question_id": "q1", "answer": SNAPSHOT}]}
    submitted = place.call("POST", "onboarding", f"{sessions}/{made.session_id}/answers", answers)
    assert submitted.status_code == 200, submitted.text
    made.card_ids = tuple(submitted.json()["card_ids"])
    wanted = {"workflow_type": "linkedin_post", "card_ids": made.card_ids}
    executed = place.call("POST", "workflow", "/api/v1/workflows/execute", wanted)
    assert executed.status_code == 200, executed.text
    made.executed = executed.json()
    return made


def test_1_a_session_is_created(journey: Journey) -> None:
    assert journey.session_id


def test_2_answers_bring_four_cards_of_four_types(place: Place, journey: Journey) -> None:
    assert len(set(journey.card_ids)) == 4
    found = place.call("POST", "cards", "/api/v1/cards/retrieve", {"card_ids": journey.card_ids})
    assert [card["card_type"] for card in found.json()["cards"]] == list(TYPES)


def test_3_the_workflow_runs_on_these_cards(journey: Journey) -> None:
    assert journey.executed is not None
    assert journey.executed["status"] == "completed"
    assert journey.executed["partial_result"] is False
    assert journey.executed["metrics"]["cards_used"] == 4


def test_4_content_is_generated(journey: Journey) -> None:
    assert journey.executed is not None
    assert journey.executed["output"]["title"]
    assert len(journey.executed["output"]["content"]) > 100


def test_5_the_cards_are_the_context_of_what_is_generated(place: Place, journey: Journey) -> None:
    assert journey.executed is not None
    content = journey.executed["output"]["content"]
    found = place.call("POST", "cards", "/api/v1/cards/retrieve", {"card_ids": journey.card_ids})
    for card in found.json()["cards"]:
        assert any(str(text) in content for text in card["content"].values()), card["card_type"]
    assert SNAPSHOT in content


def test_6_the_usage_metrics_have_moved(place: Place, journey: Journey) -> None:
    used = place.counted("cards_api_usage_total", source="workflow") - journey.used_before
    assert used == 4
    for card_type in TYPES:
        assert place.counted("cards_api_usage_total", source="workflow", card_type=card_type) >= 1
