"""Tests of the routes of Cards."""

from uuid import uuid4

import pytest

from tests.reference_services.api_requests import FOUR_TYPES, post_batch, usage_counts, usage_rows
from tests.reference_services.services import (
    SNAPSHOT,
    Service,
    as_tenant,
    make_cards,
    use_cards,
)


def test_a_snapshot_becomes_one_card_of_each_type(cards: Service, tenant: str) -> None:
    with cards.increases() as increase:
        answer = post_batch(cards, tenant, "key")
    assert answer.status_code == 201
    assert [card["card_type"] for card in answer.json()["cards"]] == FOUR_TYPES
    assert answer.json()["created_count"] == 4
    assert increase("cards_created_total", tenant_id=tenant) == 4
    for card_type in FOUR_TYPES:
        assert increase("cards_created_total", tenant_id=tenant, card_type=card_type) == 1


def test_a_batch_of_drafts_keeps_their_order_titles_and_contents(
    cards: Service, tenant: str
) -> None:
    drafts = [
        {"card_type": "voice", "content": {"tone": "warm"}, "title": "Ours"},
        {"card_type": "voice", "content": {"tone": ["cold", 1, None]}},
    ]
    made = post_batch(cards, tenant, "key", {"cards": drafts}).json()["cards"]
    assert [card["content"] for card in made] == [{"tone": "warm"}, {"tone": ["cold", 1, None]}]
    assert [card["title"] for card in made] == ["Ours", "Voice card"]


def test_the_same_key_again_returns_the_same_cards_and_creates_none(
    cards: Service, tenant: str
) -> None:
    first = post_batch(cards, tenant, "key")
    with cards.increases() as increase:
        second = post_batch(cards, tenant, "key")
    assert second.status_code == 201
    assert second.json() == {"cards": first.json()["cards"], "created_count": 0}
    assert second.headers["X-Idempotency-Cache"] == "HIT"
    assert "X-Idempotency-Cache" not in first.headers
    assert increase("cards_created_total", tenant_id=tenant) == 0


def test_a_key_used_with_another_body_is_a_conflict(cards: Service, tenant: str) -> None:
    post_batch(cards, tenant, "key")
    answer = post_batch(cards, tenant, "key", SNAPSHOT | {"created_by": "bob"})
    assert (answer.status_code, answer.json()["error"]) == (409, "Conflict")


@pytest.mark.parametrize("body", [{}, {"cards": []}])
def test_a_batch_of_nothing_is_refused(cards: Service, tenant: str, body: object) -> None:
    assert post_batch(cards, tenant, "key", body).status_code == 400


def test_one_card_over_the_limit_is_refused(cards: Service, tenant: str) -> None:
    draft = {"card_type": "voice", "content": {}}
    assert post_batch(cards, tenant, "full", {"cards": [draft] * 100}).status_code == 201
    assert post_batch(cards, tenant, "over", {"cards": [draft] * 101}).status_code == 400


def test_a_retrieve_returns_the_cards_in_the_order_asked_for(cards: Service, tenant: str) -> None:
    wanted = make_cards(cards, tenant)[::-1]
    url, headers = "/api/v1/cards/retrieve", as_tenant(tenant)
    answers = [
        cards.http.post(url, json={"card_ids": wanted}, headers=headers),
        cards.http.request("GET", url, json={"card_ids": wanted}, headers=headers),
        cards.http.get(url, params={"card_ids": wanted}, headers=headers),
    ]
    for answer in answers:
        assert [card["card_id"] for card in answer.json()["cards"]] == wanted
        assert (answer.json()["total"], answer.json()["partial_result"]) == (4, False)
        assert answer.headers["X-Partial-Result"] == "false"


def test_a_retrieve_of_a_card_that_does_not_exist_is_partial(cards: Service, tenant: str) -> None:
    wanted = [*make_cards(cards, tenant), str(uuid4())]
    answer = use_cards(cards, tenant, wanted, "w-partial")
    assert (answer.json()["total"], answer.json()["partial_result"]) == (4, True)
    assert answer.headers["X-Partial-Result"] == "true"
    assert usage_rows(cards, tenant) == 4


def test_a_retrieve_of_no_ids_or_too_many_is_refused(cards: Service, tenant: str) -> None:
    for wanted in ([], [str(uuid4())] * 101):
        assert use_cards(cards, tenant, wanted, "w").status_code == 400


def test_a_retrieve_by_a_workflow_counts_one_use_of_each_card(cards: Service, tenant: str) -> None:
    wanted = make_cards(cards, tenant)
    with cards.increases() as increase:
        answer = use_cards(cards, tenant, wanted, str(uuid4()))
    assert [card["usage_count"] for card in answer.json()["cards"]] == [1, 1, 1, 1]
    for card_type in FOUR_TYPES:
        labels = {"tenant_id": tenant, "card_type": card_type, "source": "workflow"}
        assert increase("cards_api_usage_total", **labels) == 1
    assert usage_rows(cards, tenant) == 4
    assert usage_counts(cards, tenant) == [1, 1, 1, 1]


def test_a_retrieve_without_a_workflow_counts_no_use(cards: Service, tenant: str) -> None:
    wanted = make_cards(cards, tenant)
    for headers in ({}, {"X-Usage-Source": "workflow"}, {"X-Workflow-ID": "w"}):
        with cards.increases() as increase:
            cards.http.post(
                "/api/v1/cards/retrieve",
                json={"card_ids": wanted},
                headers=as_tenant(tenant) | headers,
            )
        assert increase("cards_api_usage_total", tenant_id=tenant) == 0
    assert usage_rows(cards, tenant) == 0


def test_a_second_retrieve_by_the_same_workflow_counts_nothing_more(
    cards: Service, tenant: str
) -> None:
    wanted, workflow_id = make_cards(cards, tenant), str(uuid4())
    use_cards(cards, tenant, wanted, workflow_id)
    with cards.increases() as increase:
        use_cards(cards, tenant, wanted, workflow_id)
    assert increase("cards_api_usage_total", tenant_id=tenant) == 0
    assert usage_counts(cards, tenant) == [1, 1, 1, 1]


def test_the_usage_route_records_a_pair_once(cards: Service, tenant: str) -> None:
    card_id = make_cards(cards, tenant)[0]
    url, headers = f"/api/v1/cards/{card_id}/usage", as_tenant(tenant)
    body = {"workflow_id": str(uuid4()), "workflow_type": "linkedin_post", "source": "editor"}
    with cards.increases() as increase:
        first = cards.http.post(url, json=body, headers=headers).json()
        second = cards.http.post(url, json=body, headers=headers).json()
    assert (first["usage_count"], first["event_recorded"]) == (1, True)
    assert second == first | {"event_recorded": False}
    assert increase("cards_api_usage_total", tenant_id=tenant, source="editor") == 1


def test_a_use_recorded_by_a_retrieve_is_not_recorded_again_by_the_usage_route(
    cards: Service, tenant: str
) -> None:
    wanted, workflow_id = make_cards(cards, tenant), str(uuid4())
    use_cards(cards, tenant, wanted, workflow_id)
    answer = cards.http.post(
        f"/api/v1/cards/{wanted[0]}/usage",
        json={"workflow_id": workflow_id, "workflow_type": "linkedin_post"},
        headers=as_tenant(tenant),
    ).json()
    assert (answer["usage_count"], answer["event_recorded"]) == (1, False)


def test_a_single_card_is_created_read_and_counted(cards: Service, tenant: str) -> None:
    body = {"card_type": "insight", "content": {"text": "x"}, "tags": ["new"]}
    with cards.increases() as increase:
        made = cards.http.post("/api/v1/cards", json=body, headers=as_tenant(tenant))
    url = f"/api/v1/cards/{made.json()['card_id']}"
    assert made.status_code == 201
    assert cards.http.get(url, headers=as_tenant(tenant)).json() == made.json()
    assert increase("cards_created_total", tenant_id=tenant, card_type="insight") == 1


def test_a_list_is_filtered_and_paged(cards: Service, tenant: str) -> None:
    make_cards(cards, tenant)

    def listed(**params: str) -> tuple[int, int]:
        page = cards.http.get("/api/v1/cards", params=params, headers=as_tenant(tenant)).json()
        return page["total"], len(page["cards"])

    assert listed() == (4, 4)
    assert listed(card_type="voice") == (1, 1)
    assert listed(is_active="false") == (0, 0)
    assert listed(page="2", page_size="3") == (4, 1)


def test_a_page_over_the_limit_is_refused(cards: Service, tenant: str) -> None:
    answer = cards.http.get("/api/v1/cards", params={"page_size": 101}, headers=as_tenant(tenant))
    assert answer.status_code == 422


def test_another_tenants_cards_do_not_exist_on_any_route(cards: Service, tenant: str) -> None:
    theirs = make_cards(cards, tenant)
    me = str(uuid4())
    url, headers = f"/api/v1/cards/{theirs[0]}", as_tenant(me)
    use = {"workflow_id": "w", "workflow_type": "linkedin_post"}
    assert cards.http.get(url, headers=headers).status_code == 404
    assert cards.http.post(f"{url}/usage", json=use, headers=headers).status_code == 404
    assert cards.http.get("/api/v1/cards", headers=headers).json()["cards"] == []
    assert use_cards(cards, me, theirs, "w").json()["cards"] == []
    assert usage_counts(cards, tenant) == [0, 0, 0, 0]
    assert usage_rows(cards, tenant) == usage_rows(cards, me) == 0
