"""End-to-end test that each use is counted once: create, fetch, counters, rows."""

import pytest

from tests.e2e.conftest import EndToEndClient

pytestmark = [pytest.mark.core, pytest.mark.long, pytest.mark.stack]

TYPES = ("audience", "company", "insight", "voice")
ONCE_EACH = dict.fromkeys(TYPES, 1)


@pytest.fixture(scope="module")
def card_ids(e2e: EndToEndClient) -> list[str]:
    """Create cards with Onboarding and fetch them with a workflow."""
    sessions = "/api/v1/onboarding/sessions"
    who = {"company_domain": "tea.example", "user_email": "ada@tea.example"}
    session = e2e.call("POST", "onboarding", sessions, who).json()["session_id"]
    answers = {"answers": [{"question_id": "q1", "answer": "We sell tea"}]}
    done = e2e.call("POST", "onboarding", f"{sessions}/{session}/answers", answers).json()
    made: list[str] = done["card_ids"]
    wanted = {"workflow_type": "linkedin_post", "card_ids": made}
    e2e.call("POST", "workflow", "/api/v1/workflows/execute", wanted).raise_for_status()
    return made


def test_1_onboarding_creates_four_cards(e2e: EndToEndClient, card_ids: list[str]) -> None:
    assert len(card_ids) == 4
    assert e2e.counted("onboarding_cards_created_total") == 4


def test_2_the_workflow_fetches_four_cards(e2e: EndToEndClient, card_ids: list[str]) -> None:
    assert e2e.counted("workflow_cards_fetched_total", workflow_type="linkedin_post") == 4
    assert e2e.counted("workflow_execution_duration_seconds_count") == 1


def test_3_the_counters_have_each_use_once_also_in_prometheus(
    e2e: EndToEndClient, card_ids: list[str]
) -> None:
    assert e2e.counted("cards_api_usage_total", source="workflow") == 4
    assert e2e.scraped("cards_api_usage_total", "card_type") == ONCE_EACH
    assert e2e.scraped("workflow_cards_fetched_total", "workflow_type") == {"linkedin_post": 4}


def test_4_the_database_has_each_use_once(e2e: EndToEndClient, card_ids: list[str]) -> None:
    used = "SELECT card_type, count(*) FROM card_usage WHERE tenant_id = :tenant GROUP BY card_type"
    stored = (
        "SELECT card_type, sum(usage_count) FROM cards WHERE tenant_id = :tenant GROUP BY card_type"
    )
    assert e2e.rows("cards", used) == ONCE_EACH
    assert e2e.rows("cards", stored) == ONCE_EACH
