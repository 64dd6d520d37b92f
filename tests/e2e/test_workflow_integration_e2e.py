"""End-to-end test of a workflow on the cards of an onboarding, in six consecutive steps."""

from typing import Any

import pytest

from tests.e2e.conftest import EndToEndClient

pytestmark = [pytest.mark.core, pytest.mark.long, pytest.mark.stack]

SNAPSHOT = "We automate invoices for tea merchants"
TYPES = ("company", "audience", "voice", "insight")


class FlowResults:
    """Results of the steps so far."""

    session_id = ""
    card_ids: tuple[str, ...] = ()
    executed: dict[str, Any] | None = None
    used_before = 0.0


@pytest.fixture(scope="module")
def flow(e2e: EndToEndClient) -> FlowResults:
    """Carry out the flow once; each step uses the result of the one before."""
    made = FlowResults()
    made.used_before = e2e.counted("cards_api_usage_total", source="workflow")
    sessions = "/api/v1/onboarding/sessions"
    who = {"company_domain": "tea.example", "user_email": "ada@tea.example"}
    created = e2e.call("POST", "onboarding", sessions, who)
    assert created.status_code == 201, created.text
    made.session_id = created.json()["session_id"]
    answers = {"answers": [{"question_id": "q1", "answer": SNAPSHOT}]}
    submitted = e2e.call("POST", "onboarding", f"{sessions}/{made.session_id}/answers", answers)
    assert submitted.status_code == 200, submitted.text
    made.card_ids = tuple(submitted.json()["card_ids"])
    wanted = {"workflow_type": "linkedin_post", "card_ids": made.card_ids}
    executed = e2e.call("POST", "workflow", "/api/v1/workflows/execute", wanted)
    assert executed.status_code == 200, executed.text
    made.executed = executed.json()
    return made


def test_1_a_session_is_created(flow: FlowResults) -> None:
    assert flow.session_id


def test_2_answers_bring_four_cards_of_four_types(e2e: EndToEndClient, flow: FlowResults) -> None:
    assert len(set(flow.card_ids)) == 4
    found = e2e.call("POST", "cards", "/api/v1/cards/retrieve", {"card_ids": flow.card_ids})
    assert [card["card_type"] for card in found.json()["cards"]] == list(TYPES)


def test_3_the_workflow_runs_on_these_cards(flow: FlowResults) -> None:
    assert flow.executed is not None
    assert flow.executed["status"] == "completed"
    assert flow.executed["partial_result"] is False
    assert flow.executed["metrics"]["cards_used"] == 4


def test_4_content_is_generated(flow: FlowResults) -> None:
    assert flow.executed is not None
    assert flow.executed["output"]["title"]
    assert len(flow.executed["output"]["content"]) > 100


def test_5_the_cards_are_the_context_of_what_is_generated(
    e2e: EndToEndClient, flow: FlowResults
) -> None:
    assert flow.executed is not None
    content = flow.executed["output"]["content"]
    found = e2e.call("POST", "cards", "/api/v1/cards/retrieve", {"card_ids": flow.card_ids})
    for card in found.json()["cards"]:
        assert any(str(text) in content for text in card["content"].values()), card["card_type"]
    assert SNAPSHOT in content


def test_6_the_usage_metrics_have_moved(e2e: EndToEndClient, flow: FlowResults) -> None:
    used = e2e.counted("cards_api_usage_total", source="workflow") - flow.used_before
    assert used == 4
    for card_type in TYPES:
        assert e2e.counted("cards_api_usage_total", source="workflow", card_type=card_type) >= 1
