"""Tests of the types that request and response bodies share."""

import json

import pytest

from tests.reference_services.api_requests import usage_counts
from tests.reference_services.services import (
    SNAPSHOT,
    Service,
    as_tenant,
)


@pytest.mark.parametrize(
    "value", ["NaN", "1e999", r'"\ud800"', r'{"\udfff": 1}', "[" * 900 + "]" * 900]
)
@pytest.mark.parametrize("part", ["company", "insights"])
def test_content_that_could_not_be_sent_back_is_refused_and_not_stored(
    cards: Service, tenant: str, part: str, value: str
) -> None:
    body = json.dumps(SNAPSHOT | {"company_snapshot": SNAPSHOT["company_snapshot"] | {part: "?"}})
    answer = cards.http.post(
        "/api/v1/cards/batch",
        content=body.replace('"?"', f'{{"x": {value}}}'),
        headers=as_tenant(tenant, content_type="application/json"),
    )
    assert answer.status_code == 422
    assert len(answer.text) < 1000
    assert usage_counts(cards, tenant) == []


@pytest.mark.parametrize(
    "title",
    [" ", "\u00a0\u2003", "a\n", "a" * 500 + " "],
    ids=["a blank", "blanks of Unicode", "a line feed at the end", "a blank too long"],
)
def test_a_text_is_validated_before_it_is_stripped(cards: Service, tenant: str, title: str) -> None:
    card = {"card_type": "voice", "content": {}, "title": title}
    answer = cards.http.post("/api/v1/cards", json=card, headers=as_tenant(tenant))
    assert answer.status_code == 422


def test_a_text_is_stored_without_surrounding_blanks(cards: Service, tenant: str) -> None:
    card = {"card_type": "voice", "content": {}, "title": " Dry "}
    answer = cards.http.post("/api/v1/cards", json=card, headers=as_tenant(tenant))
    assert answer.json()["title"] == "Dry"
