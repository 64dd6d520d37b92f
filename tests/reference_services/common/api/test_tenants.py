"""Tests of the isolation of tenants, over every route and random sequences of calls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.patience import HANGS_S
from tests.reference_services.api_requests import A_ROUTE
from tests.reference_services.databases import SERVICES
from tests.reference_services.services import (
    SNAPSHOT,
    Scrape,
    Service,
    Stack,
    as_tenant,
    use_cards,
)

SESSIONS = "/api/v1/onboarding/sessions"
EXECUTE = "/api/v1/workflows/execute"
ANSWERS = {"answers": [{"question_id": "what", "answer": "rockets"}]}
SESSION = {"company_domain": "acme.example", "user_email": "ada@acme.example"}


@dataclass(frozen=True)
class Owned:
    """The resources of one tenant: an open session, a completed one, cards, an execution."""

    tenant: str
    session_id: str
    completed_id: str
    card_ids: list[str]
    key: str
    workflow_id: str


def own(stack: Stack, tenant: str) -> Owned:
    headers = as_tenant(tenant)
    key = f"key-{tenant}"
    opened, completed = (
        stack.onboarding.http.post(SESSIONS, json=SESSION, headers=headers).json()["session_id"]
        for _ in range(2)
    )
    stack.onboarding.http.post(f"{SESSIONS}/{completed}/answers", json=ANSWERS, headers=headers)
    batch = stack.cards.http.post(
        "/api/v1/cards/batch", json=SNAPSHOT, headers=headers | {"Idempotency-Key": key}
    )
    card_ids = [card["card_id"] for card in batch.json()["cards"]]
    body = {"workflow_type": "linkedin_post", "card_ids": card_ids}
    ran = stack.workflow.http.post(EXECUTE, json=body, headers=headers)
    return Owned(tenant, opened, completed, card_ids, key, ran.json()["workflow_id"])


class Stranger:
    """Another tenant, who knows every id of the owner and tries it on every route."""

    def __init__(self, stack: Stack, owned: Owned) -> None:
        self._stack = stack
        self._owned = owned
        self.tenant = str(uuid4())

    def call(self, service: str, method: str, path: str, body: Any = None) -> httpx.Response:
        found: Service = getattr(self._stack, service)
        headers = as_tenant(self.tenant, idempotency_key=self._owned.key)
        return found.http.request(method, path, json=body, headers=headers)

    def open_session(self) -> None:
        answer = self.call("onboarding", "POST", SESSIONS, SESSION)
        assert answer.json()["session_id"] not in (
            self._owned.session_id,
            self._owned.completed_id,
        )

    def read_session(self) -> None:
        for session_id in (self._owned.session_id, self._owned.completed_id):
            answer = self.call("onboarding", "GET", f"{SESSIONS}/{session_id}")
            assert answer.status_code == 404

    def answer_session(self) -> None:
        for session_id in (self._owned.session_id, self._owned.completed_id):
            answer = self.call("onboarding", "POST", f"{SESSIONS}/{session_id}/answers", ANSWERS)
            assert answer.status_code == 404

    def create_batch(self) -> None:
        answer = self.call("cards", "POST", "/api/v1/cards/batch", SNAPSHOT)
        assert answer.json()["created_count"] == 4
        assert "X-Idempotency-Cache" not in answer.headers

    def retrieve(self) -> None:
        ids = self._owned.card_ids
        query = "&".join(f"card_ids={card_id}" for card_id in ids)
        path = "/api/v1/cards/retrieve"
        for answer in (
            self.call("cards", "GET", f"{path}?{query}"),
            self.call("cards", "GET", path, {"card_ids": ids}),
        ):
            assert (answer.json()["cards"], answer.json()["partial_result"]) == ([], True)

    def retrieve_by_post(self) -> None:
        body = {"card_ids": self._owned.card_ids}
        answer = self.call("cards", "POST", "/api/v1/cards/retrieve", body)
        assert (answer.json()["cards"], answer.json()["partial_result"]) == ([], True)
        used = use_cards(self._stack.cards, self.tenant, self._owned.card_ids, str(uuid4()))
        assert used.json()["cards"] == []

    def record_usage(self) -> None:
        for workflow_id in (self._owned.workflow_id, str(uuid4())):
            body = {"workflow_id": workflow_id, "workflow_type": "linkedin_post"}
            path = f"/api/v1/cards/{self._owned.card_ids[0]}/usage"
            assert self.call("cards", "POST", path, body).status_code == 404

    def create_card(self) -> None:
        body = {"card_type": "voice", "content": {}}
        answer = self.call("cards", "POST", "/api/v1/cards", body)
        assert answer.json()["tenant_id"] == self.tenant

    def list_cards(self) -> None:
        cards = self.call("cards", "GET", "/api/v1/cards?page_size=100").json()["cards"]
        assert {card["tenant_id"] for card in cards} <= {self.tenant}

    def read_card(self) -> None:
        for card_id in self._owned.card_ids:
            assert self.call("cards", "GET", f"/api/v1/cards/{card_id}").status_code == 404

    def execute(self) -> None:
        body = {"workflow_type": "linkedin_post", "card_ids": self._owned.card_ids}
        for path in (EXECUTE, "/api/v1/workflow/execute"):
            assert self.call("workflow", "POST", path, body).status_code == 404

    def read_workflow(self) -> None:
        path = f"/api/v1/workflows/{self._owned.workflow_id}"
        assert self.call("workflow", "GET", path).status_code == 404


ATTEMPTS: dict[tuple[str, str, str], Callable[[Stranger], None]] = {
    ("onboarding", "post", SESSIONS): Stranger.open_session,
    ("onboarding", "get", f"{SESSIONS}/{{session_id}}"): Stranger.read_session,
    ("onboarding", "post", f"{SESSIONS}/{{session_id}}/answers"): Stranger.answer_session,
    ("cards", "post", "/api/v1/cards/batch"): Stranger.create_batch,
    ("cards", "get", "/api/v1/cards/retrieve"): Stranger.retrieve,
    ("cards", "post", "/api/v1/cards/retrieve"): Stranger.retrieve_by_post,
    ("cards", "post", "/api/v1/cards/{card_id}/usage"): Stranger.record_usage,
    ("cards", "post", "/api/v1/cards"): Stranger.create_card,
    ("cards", "get", "/api/v1/cards"): Stranger.list_cards,
    ("cards", "get", "/api/v1/cards/{card_id}"): Stranger.read_card,
    ("workflow", "post", EXECUTE): Stranger.execute,
    ("workflow", "get", "/api/v1/workflows/{workflow_id}"): Stranger.read_workflow,
}


def test_every_route_has_an_attempt(stack: Stack) -> None:
    routes = {
        (service, method, path)
        for service in SERVICES
        for path, methods in getattr(stack, service)
        .http.get("/openapi.json")
        .json()["paths"]
        .items()
        for method in methods
        if path.startswith("/api")
    }
    assert routes == ATTEMPTS.keys()


@pytest.mark.parametrize("route", ATTEMPTS, ids=" ".join)
def test_another_tenants_ids_find_and_change_nothing(
    stack: Stack, tenant: str, route: tuple[str, str, str]
) -> None:
    owned = own(stack, tenant)
    before = holdings(stack, tenant)
    ATTEMPTS[route](Stranger(stack, owned))
    assert holdings(stack, tenant) == before


def test_an_answer_to_another_tenant_names_nothing_of_the_owner(stack: Stack, tenant: str) -> None:
    owned = own(stack, tenant)
    stranger = Stranger(stack, owned)
    for _, method, path in ATTEMPTS:
        if method == "get":
            filled = path.format(
                session_id=owned.completed_id,
                card_id=owned.card_ids[0],
                workflow_id=owned.workflow_id,
            )
            for service in SERVICES:
                answer = stranger.call(service, "GET", filled)
                assert tenant not in answer.text
                assert "Acme" not in answer.text


def holdings(stack: Stack, tenant: str) -> list[Any]:
    """Read every row and every series of the tenant."""
    tables = [
        (stack.onboarding, "onboarding_sessions", "session_id"),
        (stack.cards, "cards", "card_id"),
        (stack.cards, "card_usage", "usage_id"),
        (stack.cards, "idempotency_keys", "key"),
        (stack.workflow, "workflow_executions", "workflow_id"),
        (stack.workflow, "owed_uses", "workflow_id"),
    ]
    rows = [
        service.rows(f"SELECT * FROM {table} WHERE tenant_id = :t ORDER BY {key}", t=tenant)
        for service, table, key in tables
    ]
    series = [
        sorted((sample.name, sorted(sample.labels.items()), sample.value) for sample in samples)
        for service in (stack.onboarding, stack.cards, stack.workflow)
        if (samples := samples_of(service.scrape(), tenant))
    ]
    return [*rows, *series]


def samples_of(scrape: Scrape, tenant: str) -> list[Any]:
    return [sample for sample in scrape.samples if sample.labels.get("tenant_id") == tenant]


@dataclass
class Model:
    """Expected state of one tenant: uses by card, cards by key, sessions and workflows by id."""

    tenant: str
    mark: str
    uses: dict[str, int] = field(default_factory=dict)
    pairs: set[tuple[str, str]] = field(default_factory=set)
    batches: dict[str, list[str]] = field(default_factory=dict)
    sessions: dict[str, list[str] | None] = field(default_factory=dict)
    workflows: dict[str, list[str]] = field(default_factory=dict)

    def use(self, workflow_id: str, card_ids: list[str]) -> None:
        for card_id in card_ids:
            if (workflow_id, card_id) not in self.pairs:
                self.pairs.add((workflow_id, card_id))
                self.uses[card_id] += 1


whose = st.sampled_from([0, 1])
keys = st.sampled_from(["key-1", "key-2"])
workflow_ids = st.sampled_from(["run-1", "run-2", "run-3"])
picks = st.lists(st.integers(0, 40), min_size=1, max_size=6)
pick = st.integers(0, 40)


class TwoTenants(RuleBasedStateMachine):
    """Two tenants with the same keys and workflow ids, who know the ids of each other."""

    stack: ClassVar[Stack]

    @initialize()
    def begin(self) -> None:
        self.models = [Model(str(uuid4()), f"mark-{uuid4().hex}") for _ in range(2)]

    def call(
        self, who: int, service: Service, method: str, path: str, body: Any = None, **headers: str
    ) -> httpx.Response:
        me, other = self.models[who], self.models[1 - who]
        sent = as_tenant(me.tenant, **headers)
        answer = service.http.request(method, path, json=body, headers=sent)
        assert answer.status_code < 500
        assert other.tenant not in answer.text
        assert other.mark not in answer.text
        return answer

    def card_ids(self, picked: list[int]) -> list[str]:
        """Pick a card of either tenant, or an unknown id if there is none."""
        known = [card_id for model in self.models for card_id in model.uses]
        return list(dict.fromkeys(known[each % len(known)] for each in picked)) if known else ["x"]

    def mine(self, who: int, card_ids: list[str]) -> list[str]:
        return [card_id for card_id in card_ids if card_id in self.models[who].uses]

    @rule(who=whose, key=keys)
    def make_cards(self, who: int, key: str) -> None:
        me = self.models[who]
        body = {
            "cards": [
                {"card_type": kind, "content": {"m": me.mark}} for kind in ("voice", "insight")
            ]
        }
        path = "/api/v1/cards/batch"
        answer = self.call(who, self.stack.cards, "POST", path, body, idempotency_key=key).json()
        made = [card["card_id"] for card in answer["cards"]]
        assert answer["created_count"] == (0 if key in me.batches else 2)
        assert me.batches.setdefault(key, made) == made
        for card_id in made:
            me.uses.setdefault(card_id, 0)

    @rule(who=whose, picked=picks, workflow_id=workflow_ids)
    def retrieve_and_use(self, who: int, picked: list[int], workflow_id: str) -> None:
        ids, me = self.card_ids(picked), self.models[who]
        path, body = "/api/v1/cards/retrieve", {"card_ids": ids}
        headers = {"x_usage_source": "workflow", "x_workflow_id": f"{workflow_id}-{who}"}
        answer = self.call(who, self.stack.cards, "POST", path, body, **headers).json()
        assert [card["card_id"] for card in answer["cards"]] == self.mine(who, ids)
        me.use(f"{workflow_id}-{who}", self.mine(who, ids))
        assert [card["usage_count"] for card in answer["cards"]] == [
            me.uses[card_id] for card_id in self.mine(who, ids)
        ]

    @rule(who=whose, picked=pick, workflow_id=workflow_ids)
    def record_a_use(self, who: int, picked: int, workflow_id: str) -> None:
        """The workflow id is the same for both tenants."""
        (card_id,) = self.card_ids([picked])
        body = {"workflow_id": workflow_id, "workflow_type": "linkedin_post"}
        answer = self.call(who, self.stack.cards, "POST", f"/api/v1/cards/{card_id}/usage", body)
        assert (answer.status_code == 200) is (card_id in self.models[who].uses)
        self.models[who].use(workflow_id, self.mine(who, [card_id]))

    @rule(who=whose, picked=pick)
    def read_a_card(self, who: int, picked: int) -> None:
        (card_id,) = self.card_ids([picked])
        answer = self.call(who, self.stack.cards, "GET", f"/api/v1/cards/{card_id}")
        assert answer.status_code == (200 if card_id in self.models[who].uses else 404)

    @rule(who=whose)
    def open_a_session(self, who: int) -> None:
        body = {"company_domain": f"{self.models[who].mark}.example", "user_email": "a@b.example"}
        answer = self.call(who, self.stack.onboarding, "POST", SESSIONS, body)
        self.models[who].sessions[answer.json()["session_id"]] = None

    @rule(who=whose, picked=pick)
    def answer_a_session(self, who: int, picked: int) -> None:
        """The key is the number of the session, so both tenants use the same keys."""
        me, known = self.models[who], self.known_sessions()
        session_id = known[picked % len(known)]
        turn = list(me.sessions).index(session_id) if session_id in me.sessions else 0
        path = f"{SESSIONS}/{session_id}/answers"
        answer = self.call(
            who, self.stack.onboarding, "POST", path, ANSWERS, idempotency_key=f"turn-{turn}"
        )
        assert answer.status_code == (200 if session_id in me.sessions else 404)
        if answer.is_success:
            made = answer.json()["card_ids"]
            assert (me.sessions[session_id] or made) == made
            me.sessions[session_id] = made
            for card_id in made:
                me.uses.setdefault(card_id, 0)

    @rule(who=whose, picked=pick)
    def read_a_session(self, who: int, picked: int) -> None:
        me, known = self.models[who], self.known_sessions()
        session_id = known[picked % len(known)]
        answer = self.call(who, self.stack.onboarding, "GET", f"{SESSIONS}/{session_id}")
        assert answer.status_code == (200 if session_id in me.sessions else 404)
        if answer.is_success:
            assert answer.json().get("card_ids") == me.sessions[session_id]

    @rule(who=whose, picked=picks)
    def run_a_workflow(self, who: int, picked: list[int]) -> None:
        ids, me = self.card_ids(picked), self.models[who]
        body = {"workflow_type": "linkedin_post", "card_ids": ids}
        answer = self.call(who, self.stack.workflow, "POST", EXECUTE, body)
        usable = self.mine(who, ids)
        assert answer.status_code == (200 if usable else 404)
        if answer.is_success:
            ran = answer.json()
            assert (ran["cards_used"], ran["partial_result"]) == (usable, usable != ids)
            me.workflows[ran["workflow_id"]] = usable
            me.use(ran["workflow_id"], usable)

    @rule(who=whose, picked=pick)
    def read_a_workflow(self, who: int, picked: int) -> None:
        known = [each for model in self.models for each in model.workflows] or ["x"]
        workflow_id = known[picked % len(known)]
        me = self.models[who]
        answer = self.call(who, self.stack.workflow, "GET", f"/api/v1/workflows/{workflow_id}")
        assert answer.status_code == (200 if workflow_id in me.workflows else 404)
        if answer.is_success:
            assert answer.json()["cards_used"] == me.workflows[workflow_id]

    def known_sessions(self) -> list[str]:
        return [each for model in self.models for each in model.sessions] or ["x"]

    @invariant()
    def each_lists_its_own_cards_and_uses(self) -> None:
        for who, me in enumerate(getattr(self, "models", [])):
            path = "/api/v1/cards?page_size=100"
            listed = self.call(who, self.stack.cards, "GET", path).json()
            assert listed["total"] == len(me.uses)
            assert {card["card_id"]: card["usage_count"] for card in listed["cards"]} == me.uses

    def teardown(self) -> None:
        """At the end, tables and counters of each tenant equal the model."""
        for me in getattr(self, "models", []):
            assert self.written(me) == self.counted(me) == self.expected(me)

    def expected(self, me: Model) -> dict[str, float]:
        return {
            "cards": len(me.uses),
            "uses": len(me.pairs),
            "sessions": len(me.sessions),
            "workflows": len(me.workflows),
        }

    def written(self, me: Model) -> dict[str, object]:
        tables = [
            ("cards", self.stack.cards, "cards"),
            ("uses", self.stack.cards, "card_usage"),
            ("sessions", self.stack.onboarding, "onboarding_sessions"),
            ("workflows", self.stack.workflow, "workflow_executions"),
        ]
        return {
            name: service.rows(f"SELECT count(*) FROM {table} WHERE tenant_id = :t", t=me.tenant)[
                0
            ][0]
            for name, service, table in tables
        }

    def counted(self, me: Model) -> dict[str, float]:
        cards = self.stack.cards.scrape()
        executions = self.stack.workflow.scrape()
        return {
            "cards": cards.total("cards_created_total", tenant_id=me.tenant),
            "uses": cards.total("cards_api_usage_total", tenant_id=me.tenant),
            "sessions": self.stack.onboarding.scrape().total(
                "onboarding_sessions_total", tenant_id=me.tenant
            ),
            "workflows": executions.total(
                "workflow_executions_total", tenant_id=me.tenant, status="completed"
            ),
        }


def live_through(stack: Stack, examples: int, steps: int) -> None:
    machine = type("TwoTenantsOfStack", (TwoTenants,), {"stack": stack})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.core
@pytest.mark.long
def test_two_tenants_never_meet(stack: Stack) -> None:
    live_through(stack, examples=5, steps=12)


@pytest.mark.long
@pytest.mark.timeout(HANGS_S)
def test_two_tenants_never_meet_however_long_they_try(stack: Stack) -> None:
    live_through(stack, examples=100, steps=40)


def test_a_request_without_a_tenant_is_unauthorized(service: Service, name: str) -> None:
    answer = service.http.post(A_ROUTE[name], json={})
    assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized")


@pytest.mark.parametrize("tenant", ["me", "{11111111-1111-4111-8111-111111111111}", "1" * 32])
def test_a_tenant_that_is_no_uuid_is_refused(service: Service, name: str, tenant: str) -> None:
    answer = service.http.post(A_ROUTE[name], json={}, headers=as_tenant(tenant))
    assert (answer.status_code, answer.json()["error"]) == (400, "BadRequest")


def test_a_body_of_another_tenant_is_refused(service: Service, name: str, tenant: str) -> None:
    bodies: dict[str, dict[str, object]] = {
        "onboarding": {"company_domain": "acme.example", "user_email": "ada@acme.example"},
        "cards": {"cards": [{"card_type": "voice", "content": {}}]},
        "workflow": {"workflow_type": "linkedin_post", "card_ids": ["1"]},
    }
    body = bodies[name] | {"tenant_id": str(uuid4())}
    answer = service.http.post(A_ROUTE[name], json=body, headers=as_tenant(tenant))
    assert answer.status_code == 400
