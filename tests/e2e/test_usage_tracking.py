"""Is each use counted once, everywhere? Four steps: create, fetch, counters, rows."""

import pytest

from tests.e2e.conftest import Place

pytestmark = [pytest.mark.long, pytest.mark.stack]

TYPES = ("audience", "company", "insight", "voice")
ONCE_EACH = dict.fromkeys(TYPES, 1)


@pytest.fixture(scope="module")
def card_ids(place: Place) -> list[str]:
    """Create cards by Onboarding, and fetch them by a workflow."""
    sessions = "/api/v1/onboarding/sessions"
    who = {"company_domain": "tea.example", "user_email": "ada@tea.example"}
    session = place.call("POST", "onboarding", sessions, who).json()["session_id"]
    answers = {"answers": [{"question_id": "q1", "answer": "We sell tea"}]}
    done = place.call("POST", "onboarding", f"{sessions}/{session}/answers", answers).json()
    made: list[str] = done["card_ids"]
    wanted = {"workflow_type": "linkedin_post", "card_ids": made}
    place.call("POST", "workflow", "/api/v1/workflows/execute", wanted).raise_for_status()
    return made


def test_1_onboarding_creates_four_cards(place: Place, card_ids: list[str]) -> None:
    assert len(card_ids) == 4
    assert place.counted("onboarding_cards_created_total") == 4


def test_2_the_workflow_fetches_four_cards(place: Place, card_ids: list[str]) -> None:
    assert place.counted("workflow_cards_fetched_total", workflow_type="linkedin_post") == 4
    assert place.counted("workflow_execution_duration_seconds_count") == 1


def test_3_the_counters_have_each_use_once_also_in_prometheus(
    place: Place, card_ids: list[str]
) -> None:
    assert place.counted("cards_api_usage_total", source="workflow") == 4
    assert place.scraped("cards_api_usage_total", "card_type") == ONCE_EACH
    assert place.scraped("workflow_cards_fetched_total", "workflow_type") == {"linkedin_post": 4}


def test_4_the_database_has_each_use_once(place: Place, card_ids: list[str]) -> None:
    used = "SELECT card_type, count(*) FROM card_usage WHERE tenant_id = :tenant GROUP BY card_type"
    stored = (
        "SELECT card_type, sum(usage_count) FROM cards WHERE tenant_id = :tenant GROUP BY card_type"
    )
    assert place.rows("cards", used) == ONCE_EACH
    assert place.rows("cards", stored) == ONCE_EACH
