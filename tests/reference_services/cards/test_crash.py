"""Tests that Cards, killed repeatedly under load, keeps what it acknowledged and no partial write.

What a crash may cost is in the counters, which live in the process: those of a life end with it.
A scrape sees them until shortly before. What they then lack is what was committed after that
scrape; what somebody who counts the answers lacks is what was committed and not yet answered, one
request a client at most, and its retry finds out.
"""

import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from threading import Event
from uuid import uuid4

import httpx
import pytest

from tests.patience import HANGS_S
from tests.reference_services.databases import Databases, read_rows
from tests.reference_services.restarts import Restartable, restartable
from tests.reference_services.services import as_tenant

pytestmark = [pytest.mark.long, pytest.mark.timeout(HANGS_S)]

CRASHES = 20
CLIENTS = 6
LOAD_S = (0.0, 0.45)  # after the first answer
BEGINS_S = 60.0

Pair = tuple[object, object]


@dataclass(frozen=True)
class BatchRequest:
    """One batch request; a repetition is identical."""

    tenant: str
    key: str
    size: int

    def send(self, http: httpx.Client) -> httpx.Response:
        drafts = [
            {"card_type": "voice", "content": {"text": f"{self.key} {number}"}}
            for number in range(self.size)
        ]
        headers = as_tenant(self.tenant, idempotency_key=self.key)
        return http.post("/api/v1/cards/batch", json={"cards": drafts}, headers=headers)

    def note(self, answer: httpx.Response, books: "Acknowledged") -> None:
        assert answer.status_code == 201, answer.text
        card_ids = [card["card_id"] for card in answer.json()["cards"]]
        assert len(card_ids) == self.size
        # A key names the same cards whenever it is sent.
        assert books.batches.setdefault(self.key, card_ids) == card_ids


@dataclass(frozen=True)
class Uses:
    """One retrieve by a workflow, which uses the cards."""

    tenant: str
    workflow_id: str
    card_ids: tuple[str, ...]

    def send(self, http: httpx.Client) -> httpx.Response:
        headers = as_tenant(self.tenant, x_usage_source="workflow", x_workflow_id=self.workflow_id)
        body = {"card_ids": list(self.card_ids)}
        return http.post("/api/v1/cards/retrieve", json=body, headers=headers)

    def note(self, answer: httpx.Response, books: "Acknowledged") -> None:
        assert answer.status_code == 200, answer.text
        found = tuple(card["card_id"] for card in answer.json()["cards"])
        assert found == self.card_ids
        books.uses |= {(self.workflow_id, card_id) for card_id in found}


@dataclass(frozen=True)
class OneUse:
    """One use of one card, recorded by the usage route."""

    tenant: str
    workflow_id: str
    card_id: str

    def send(self, http: httpx.Client) -> httpx.Response:
        body = {"workflow_id": self.workflow_id, "workflow_type": "linkedin_post"}
        url = f"/api/v1/cards/{self.card_id}/usage"
        return http.post(url, json=body, headers=as_tenant(self.tenant))

    def note(self, answer: httpx.Response, books: "Acknowledged") -> None:
        assert answer.status_code == 200, answer.text
        books.uses.add((self.workflow_id, self.card_id))


Request = BatchRequest | Uses | OneUse


@dataclass
class Acknowledged:
    """What Cards acknowledged and therefore has to keep."""

    batches: dict[str, list[str]] = field(default_factory=dict)
    uses: set[Pair] = field(default_factory=set)


@dataclass
class Client:
    """Sends one request after another until Cards is down."""

    seed: int
    tenant: str = field(default_factory=lambda: str(uuid4()))
    books: Acknowledged = field(default_factory=Acknowledged)
    answered: list[Request] = field(default_factory=list)
    unanswered: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._numbers = count()

    def run(self, url: str, is_over: Event) -> None:
        with httpx.Client(base_url=url, timeout=60) as http:
            while not is_over.is_set():
                request = self._next()
                try:
                    answer = request.send(http)
                except httpx.TransportError:
                    self.unanswered.append(request)
                    return
                request.note(answer, self.books)
                self.answered.append(request)

    def _next(self) -> Request:
        number = f"{self.seed}-{next(self._numbers)}"
        batches = list(self.books.batches.values())[-20:]
        kind = self._random.randrange(3) if batches else 0
        if kind == 0:
            return BatchRequest(self.tenant, number, self._random.randint(1, 6))
        batch = self._random.choice(batches)
        if kind == 1:
            return Uses(self.tenant, number, tuple(batch))
        return OneUse(self.tenant, number, self._random.choice(batch))

    def retry(self, url: str, requests: list[Request]) -> list[httpx.Response]:
        with httpx.Client(base_url=url, timeout=60) as http:
            answers = [request.send(http) for request in requests]
        for request, answer in zip(requests, answers, strict=True):
            request.note(answer, self.books)
        return answers


@dataclass(frozen=True)
class Tables:
    """What is stored."""

    url: str

    def keys(self) -> dict[object, list[str]]:
        rows = read_rows(self.url, "SELECT key, card_ids FROM idempotency_keys")
        # A text on SQLite, a list on PostgreSQL.
        return {key: json.loads(ids) if isinstance(ids, str) else ids for key, ids in rows}  # type: ignore[misc]

    def cards(self) -> dict[object, object]:
        return dict(self.pairs("card_id, usage_count", "cards"))

    def uses(self) -> list[Pair]:
        return self.pairs("workflow_id, card_id", "card_usage")

    def pairs(self, columns: str, table: str) -> list[Pair]:
        return [
            (one, other) for one, other in read_rows(self.url, f"SELECT {columns} FROM {table}")
        ]

    def are_left_alone(self) -> bool:
        """Return whether no connection is left: PostgreSQL may still be committing."""
        if self.url.startswith("sqlite"):
            return True
        sql = """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
        """
        return read_rows(self.url, sql) == [(0,)]

    def problems(self) -> str:
        """Return the result of SQLite's integrity check."""
        if not self.url.startswith("sqlite"):
            return "ok"
        with sqlite3.connect(self.url.removeprefix("sqlite:///")) as connection:
            (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
        connection.close()
        return str(answer)


def assert_whole(tables: Tables) -> None:
    """No card without its batch, no batch without a card, no use without its count."""
    assert tables.problems() == "ok"
    keys, cards, uses = tables.keys(), tables.cards(), tables.uses()
    of_batches = [card_id for card_ids in keys.values() for card_id in card_ids]
    assert sorted(of_batches) == sorted(map(str, cards))
    assert len(set(uses)) == len(uses)
    rows = dict.fromkeys(cards, 0)
    for _, card_id in uses:
        rows[card_id] += 1
    assert rows == cards


def assert_kept(tables: Tables, clients: list[Client]) -> None:
    """Everything acknowledged is stored; of the rest, at most one request per client."""
    keys, uses = tables.keys(), set(tables.uses())
    for client in clients:
        assert client.books.batches.items() <= keys.items()
        assert client.books.uses <= uses
    batches = sum(len(client.books.batches) for client in clients)
    open_batches = sum(
        isinstance(each, BatchRequest) for client in clients for each in client.unanswered
    )
    assert batches <= len(keys) <= batches + open_batches
    known = set[Pair]().union(*(client.books.uses for client in clients))
    open_ids = {
        each.workflow_id
        for client in clients
        for each in client.unanswered
        if not isinstance(each, BatchRequest)
    }
    assert {workflow_id for workflow_id, _ in uses - known} <= open_ids


def stored(tables: Tables) -> tuple[object, ...]:
    return tables.keys(), tables.cards(), sorted(map(str, tables.uses()))


def number_of_answers(clients: list[Client]) -> int:
    return sum(len(client.answered) for client in clients)


def work_until_killed(
    cards: Restartable, tables: Tables, clients: list[Client], load_s: float
) -> None:
    answered = number_of_answers(clients)
    with ThreadPoolExecutor(len(clients)) as pool:
        is_over = Event()
        runs = [pool.submit(client.run, cards.url, is_over) for client in clients]
        begins_at = time.monotonic()
        while number_of_answers(clients) == answered and time.monotonic() < begins_at + BEGINS_S:
            time.sleep(0.001)
        time.sleep(load_s)
        cards.kill()
        for run in runs:
            run.result(60)
    ends_at = time.monotonic() + 10
    while not tables.are_left_alone():
        assert time.monotonic() < ends_at, "the killed process is still connected"
        time.sleep(0.01)


def retry_answered(cards: Restartable, clients: list[Client]) -> None:
    """Repeat the last acknowledged request: nothing is created, nothing is counted."""
    for client in clients:
        for answer in client.retry(cards.url, client.answered[-10:]):
            assert answer.json().get("created_count", 0) == 0
            assert not answer.json().get("event_recorded", False)
    scrape = cards.scrape()
    assert scrape.total("cards_created_total") == 0
    assert scrape.total("cards_api_usage_total") == 0


def retry_unanswered(cards: Restartable, tables: Tables, clients: list[Client]) -> int:
    """Repeat the unacknowledged requests: only what is missing is created and counted.

    Return how many of them had been stored.
    """
    before = tables.cards()
    uses_before = len(tables.uses())
    found = 0
    for client in clients:
        for answer in client.retry(cards.url, client.unanswered):
            found += answer.headers.get("X-Idempotency-Cache") == "HIT"
            found += not answer.json().get("event_recorded", True)
        client.answered += client.unanswered
        client.unanswered.clear()
    scrape = cards.scrape()
    assert scrape.total("cards_created_total") == len(tables.cards()) - len(before)
    assert scrape.total("cards_api_usage_total") == len(tables.uses()) - uses_before
    return found


def test_cards_killed_twenty_times_keeps_what_it_acknowledged_and_no_partial_write(
    databases: Databases, tmp_path: Path
) -> None:
    tables = Tables(databases.url_of("cards"))
    clients = [Client(seed) for seed in range(CLIENTS)]
    luck, found = Random(5), 0
    with restartable("cards", tmp_path, DATABASE_URL=tables.url) as cards:
        for crash in count(1):
            answered = number_of_answers(clients)
            work_until_killed(cards, tables, clients, luck.uniform(*LOAD_S))
            assert number_of_answers(clients) > answered
            assert_whole(tables)
            assert_kept(tables, clients)
            cards.start()
            as_left = stored(tables)
            retry_answered(cards, clients)
            assert stored(tables) == as_left
            found += retry_unanswered(cards, tables, clients)
            assert_whole(tables)
            assert_kept(tables, clients)
            # Until one kill hit the interesting moment: committed, but not yet acknowledged.
            if crash >= CRASHES and found:
                break
            assert crash < 3 * CRASHES
    assert found < crash * CLIENTS
