"""Sequences of requests with deep and odd contents: Cards lists and reads whatever it accepted."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import URL, create_engine, text
from sqlalchemy.pool import NullPool

from tests.patience import HANGS_S
from tests.reference_services.databases import (
    Databases,
    postgresql_databases,
)
from tests.reference_services.services import Service, as_tenant, cards_service

SEQUENCES = 200
STEPS = 6

# JSON as text: what no encoder writes has to reach the service as well.
SCALARS = st.one_of(
    st.sampled_from(
        ["NaN", "-Infinity", "1e999", "-0", "1e308", "5e-324", "9223372036854775807",
         "9223372036854775808", "-9223372036854775809", "1" * 400, r'"\u0000"', r'"\ud800"',
         r'"\udfff\ud800"', r'"\ud83d\ude00"', '"\u2028"', "true", "null", '{"a":1,"a":2}', "{}",
         "[]", '""', '"' + "a" * 200_000 + '"']
    ),
    st.text(max_size=20).map(json.dumps),
    st.integers().map(str),
)  # fmt: skip
DEPTHS = st.sampled_from([1, 2, 20, 28, 29, 30, 31, 32, 33, 63, 64, 120, 250, 255, 256, 900, 3000])


@st.composite
def odd_json(draw: st.DrawFn) -> str:
    """Draw a scalar, alone or wrapped in many lists or objects."""
    inner, depth = draw(SCALARS), draw(st.just(0) | DEPTHS)
    opened, closed = draw(st.sampled_from([("[", "]"), ('{"k":', "}"), ('{"":[', "]}")]))
    return opened * depth + inner + closed * depth


TEXTS = st.one_of(st.just('"a"'), SCALARS)


class CardsClient(RuleBasedStateMachine):
    """One tenant that creates, uses, reads and lists; `accepted` is what must be found."""

    service: Service

    def __init__(self) -> None:
        super().__init__()
        self.tenant = str(uuid4())
        self.accepted: dict[str, Any] = {}
        self.uses: dict[str, set[str]] = {}

    def post(self, path: str, body: str, **headers: str) -> httpx.Response:
        headers = as_tenant(self.tenant, content_type="application/json", **headers)
        response = self.service.http.post(
            f"/api/v1/cards{path}", content=body.encode("utf-8", "surrogatepass"), headers=headers
        )
        assert response.status_code < 500, response.text
        return response

    def keep(self, response: httpx.Response, cards: list[dict[str, Any]]) -> None:
        assert response.status_code in (201, 400, 413, 422), response.text
        for card in cards:
            self.accepted[card["card_id"]] = card["content"]
            self.uses.setdefault(card["card_id"], set())

    @rule(content=odd_json(), title=TEXTS, tag=TEXTS)
    def create(self, content: str, title: str, tag: str) -> None:
        body = f'{{"card_type":"voice","content":{{"x":{content}}},"title":{title},"tags":[{tag}]}}'
        response = self.post("", body)
        self.keep(response, [response.json()] if response.status_code == 201 else [])

    @rule(contents=st.lists(odd_json(), min_size=1, max_size=3), key=st.sampled_from("abc"))
    def create_batch(self, contents: list[str], key: str) -> None:
        cards = ",".join(f'{{"card_type":"voice","content":{{"x":{each}}}}}' for each in contents)
        response = self.post("/batch", f'{{"cards":[{cards}]}}', idempotency_key=key)
        if response.status_code != 409:
            self.keep(response, response.json()["cards"] if response.status_code == 201 else [])

    @rule(insights=odd_json())
    def create_snapshot(self, insights: str) -> None:
        parts = f'"company":{{}},"audience":{{}},"voice":{{}},"insights":[{insights}]'
        response = self.post("/batch", f'{{"company_snapshot":{{{parts}}}}}')
        self.keep(response, response.json()["cards"] if response.status_code == 201 else [])

    @precondition(lambda self: bool(self.accepted))
    @rule(data=st.data(), workflow=st.sampled_from("abc"))
    def use(self, data: st.DataObject, workflow: str) -> None:
        card_id = data.draw(st.sampled_from(sorted(self.accepted)))
        name = f"{self.tenant}-{workflow}"
        body = f'{{"workflow_id":"{name}","workflow_type":"post"}}'
        response = self.post(f"/{card_id}/usage", body)
        self.uses[card_id].add(name)
        assert response.json()["usage_count"] == len(self.uses[card_id])

    @precondition(lambda self: bool(self.accepted))
    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        card_id = data.draw(st.sampled_from(sorted(self.accepted)))
        response = self.service.http.get(f"/api/v1/cards/{card_id}", headers=as_tenant(self.tenant))
        assert response.status_code == 200
        assert response.json()["content"] == self.accepted[card_id]

    @invariant()
    def every_accepted_card_is_listed_with_its_uses(self) -> None:
        found: dict[str, Any] = {}
        for page in range(1, 2 + len(self.accepted) // 100):
            response = self.service.http.get(
                f"/api/v1/cards?page_size=100&page={page}", headers=as_tenant(self.tenant)
            )
            assert response.status_code == 200
            found |= {card["card_id"]: card for card in response.json()["cards"]}
        assert {key: card["content"] for key, card in found.items()} == self.accepted
        for card_id, card in found.items():
            assert card["usage_count"] == len(self.uses[card_id])


def run_sequences(databases: Databases, sequences: int) -> None:
    with cards_service(databases) as service:
        machine = type("CardsSequence", (CardsClient,), {"service": service})
        run_state_machine_as_test(
            machine, settings=settings(max_examples=sequences, stateful_step_count=STEPS)
        )


@pytest.mark.timeout(HANGS_S)
@pytest.mark.parametrize("sequences", [25, pytest.param(SEQUENCES, marks=pytest.mark.long)])
def test_sequences_of_odd_contents_never_break_a_list_or_a_read_on_sqlite(
    sqlite: Databases, sequences: int
) -> None:
    run_sequences(sqlite, sequences)


@pytest.mark.long
@pytest.mark.timeout(HANGS_S)
def test_two_hundred_sequences_of_odd_contents_never_break_a_list_or_a_read_on_postgresql(
    postgresql: URL,
) -> None:
    with postgresql_databases(postgresql) as databases:
        run_sequences(databases, SEQUENCES)


# What an older version stored, as JSON text.
STORED = {
    "deep": ('{"x":' + "[" * 253 + "]" * 253 + "}", "nested too deep"),
    "deeper": ('{"x":' + "[" * 5000 + "]" * 5000 + "}", "nested too deep"),
    "surrogate": (r'{"x":"\ud800"}', "half of a surrogate pair in a text"),
    "list": ("[]", "not an object"),
    "null": ("null", "not an object"),
}


@pytest.fixture
def service(databases: Databases) -> Iterator[Service]:
    with cards_service(databases) as started:
        yield started


def store_content(service: Service, card_id: str, content: str) -> None:
    cast = "" if service.database_url.startswith("sqlite") else "::json"
    change = text(f"UPDATE cards SET content = :content {cast} WHERE card_id = :card_id")
    if cast:
        change = text("UPDATE cards SET content = CAST(:content AS json) WHERE card_id = :card_id")
    with create_engine(service.database_url, poolclass=NullPool).begin() as connection:
        connection.execute(change, {"content": content, "card_id": card_id})


@pytest.mark.parametrize("stored", STORED)
def test_a_stored_content_that_cannot_be_shown_is_reported_beside_the_others_and_counts(
    service: Service, tenant: str, stored: str
) -> None:
    content, reason = STORED[stored]
    headers = as_tenant(tenant)
    made = [
        service.http.post(
            "/api/v1/cards", json={"card_type": "voice", "content": {"n": number}}, headers=headers
        ).json()
        for number in range(3)
    ]
    broken = made[1]["card_id"]
    store_content(service, broken, content)
    listed = service.http.get("/api/v1/cards", headers=headers)
    assert listed.status_code == 200
    assert listed.json()["total"] == 3
    errors = {card["card_id"]: card["content_error"] for card in listed.json()["cards"]}
    assert errors == {card["card_id"]: None for card in made} | {broken: reason}
    assert_used_once(service, tenant, broken)


def assert_used_once(service: Service, tenant: str, card_id: str) -> None:
    use = {"workflow_id": f"w-{uuid4()}", "workflow_type": "post"}
    with service.increases() as increase:
        for _ in range(2):
            response = service.http.post(
                f"/api/v1/cards/{card_id}/usage", json=use, headers=as_tenant(tenant)
            )
            assert response.json()["usage_count"] == 1
    assert increase("cards_api_usage_total", tenant_id=tenant) == 1
    read = service.http.get(f"/api/v1/cards/{card_id}", headers=as_tenant(tenant))
    assert (read.status_code, read.json()["content"]) == (200, {})
