"""Tests of the request and response bodies of Cards."""

from datetime import UTC, datetime

from reference_services.cards.models import BatchBody, Card, CompanySnapshot
from tests.reference_services.api_requests import FOUR_TYPES, post_batch
from tests.reference_services.services import (
    SNAPSHOT,
    Service,
)


def test_a_body_whose_keys_come_in_another_order_is_the_same_body(
    cards: Service, tenant: str
) -> None:
    post_batch(cards, tenant, "key")
    answer = post_batch(cards, tenant, "key", dict(reversed(SNAPSHOT.items())))
    assert answer.json()["created_count"] == 0


def snapshot(insights: object) -> CompanySnapshot:
    parts = {"company": {"name": "Acme"}, "audience": {}, "voice": {}, "insights": insights}
    return CompanySnapshot.model_validate(parts)


def test_a_list_of_insights_becomes_the_content_of_one_card() -> None:
    drafts = snapshot(["gravity waits"]).drafts()
    assert [draft.card_type for draft in drafts] == FOUR_TYPES
    assert drafts[3].content == {"insights": ["gravity waits"]}


def test_an_object_of_insights_is_kept_as_it_is() -> None:
    assert snapshot({"lesson": "gravity waits"}).drafts()[3].content == {"lesson": "gravity waits"}


def test_the_fingerprint_ignores_the_tenant_and_no_other_field() -> None:
    card = {"card_type": "voice", "content": {"tone": "dry"}}
    tenant = "11111111-1111-4111-8111-111111111111"
    plain = BatchBody.model_validate({"cards": [card]})
    named = BatchBody.model_validate({"cards": [card | {"tenant_id": tenant}], "tenant_id": tenant})
    other = BatchBody.model_validate({"cards": [card | {"title": "Ours"}]})
    assert plain.fingerprint() == named.fingerprint() != other.fingerprint()


def test_one_more_use_changes_the_count_and_the_time_only() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    card = Card(
        card_id="c",
        tenant_id="t",
        card_type="voice",
        title="Ours",
        content={},
        tags=[],
        version=1,
        is_active=True,
        usage_count=6,
        last_used_at=None,
        source_session_id=None,
        created_by=None,
        created_at=moment,
        updated_at=moment,
    )
    used = card.used_at(moment)
    changed = {"usage_count", "last_used_at"}
    assert (used.usage_count, used.last_used_at) == (7, moment)
    assert used.model_dump(exclude=changed) == card.model_dump(exclude=changed)
