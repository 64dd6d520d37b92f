"""Every hostile response to a step is a failed exchange with one sentence as its reason."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.environment import Environment
from config.services import Service
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.iteration import run_iteration
from scenarios.evidence.exchange import Exchange, Outcome
from scenarios.evidence.recording_reader import read_recording
from scenarios.http.client import HttpClient
from scenarios.language.model import Scenario
from tests.hostile.case import Case
from tests.hostile.cases import BY_NAME, HTTP, slug
from tests.hostile.event_streams import REASONS, STREAMS
from tests.hostile.json_bodies import JSON
from tests.hostile.odd import ODD, STRAYS
from tests.hostile.sentences import is_one_sentence
from tests.hostile.server import HostileServer, serving
from tests.hostile.statuses import STATUSES
from tests.scenarios.shop_scenario import recorder

QUICK_S, HANGS_S = 0.3, 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with serving() as running:
        yield running


def _exchange(
    server: HostileServer, case: Case, folder: Path, expected: dict[str, object] | None = None,
    **keys: object,
) -> Exchange:  # fmt: skip
    step = {
        "step": "ask",
        "request": "GET shop /x",
        "timeout": f"{QUICK_S if case.is_slow else HANGS_S:g}s",
        "expect": {"json": expected or {"a": 1}},
        "save": {"b": "b"},
        **keys,
    }
    document = {"scenario": "s", "flow": [step], "profiles": {"e2e": {"users": 1, "iterations": 1}}}
    environment = Environment(environment="e", services={"shop": Service(url=server.url(case))})
    flow = compile_flow(Scenario.model_validate(document), environment, "run", "tenant")
    path = folder / "01-once.jsonl"
    with recorder(path, steps=flow.step_names) as opened, HttpClient(flow.network) as client:
        run_iteration(flow, 1, 0.0, client, opened)
    recording = read_recording(path)
    assert recording is not None
    return recording.exchanges.first()


@pytest.mark.parametrize("case", [*HTTP, *STATUSES, *JSON], ids=lambda case: case.name)
def test_it_fails_the_exchange_with_one_sentence(
    server: HostileServer, case: Case, tmp_path: Path
) -> None:
    exchange = _exchange(server, case, tmp_path)
    assert exchange.outcome in (Outcome.UNKNOWN, Outcome.REJECTED)
    assert is_one_sentence(exchange.reason), exchange.reason
    if case.is_slow:
        assert exchange.done_s is not None


@pytest.mark.parametrize("case", [*HTTP, *STREAMS], ids=lambda case: case.name)
def test_it_fails_a_stream_with_one_sentence(
    server: HostileServer, case: Case, tmp_path: Path
) -> None:
    exchange = _exchange(
        server, case, tmp_path, stream="sse", save={},
        expect={"events": {"at_least": 1}, "json": {"events[0].data.b": 2}},
    )  # fmt: skip
    assert exchange.outcome in (Outcome.UNKNOWN, Outcome.REJECTED)
    assert is_one_sentence(exchange.reason), exchange.reason
    assert exchange.reason.startswith(REASONS.get(case.name, ""))


@pytest.mark.parametrize("case", STREAMS, ids=lambda case: case.name)
def test_a_hang_up_after_the_first_event_ends_it_or_it_fails_with_one_sentence(
    server: HostileServer, case: Case, tmp_path: Path
) -> None:
    exchange = _exchange(
        server, case, tmp_path, stream="sse", hang_up={"after_events": 1}, expect={}, save={}
    )
    has_event = "after 0" not in REASONS.get(case.name, "")
    assert exchange.outcome is not Outcome.OK or has_event
    assert not exchange.reason or is_one_sentence(exchange.reason), exchange.reason


@pytest.mark.parametrize("case", ODD, ids=lambda case: case.name)
def test_an_odd_response_is_read_as_it_is_meant_or_fails_with_one_sentence(
    server: HostileServer, case: Case, tmp_path: Path
) -> None:
    exchange = _exchange(server, case, tmp_path, {"a": 1, "b": 2})
    assert exchange.outcome is Outcome.OK or is_one_sentence(exchange.reason), exchange.reason


@pytest.mark.parametrize("case", STRAYS, ids=lambda case: case.name)
def test_what_follows_a_response_is_not_the_response_to_the_next_request(
    server: HostileServer, case: Case, tmp_path: Path
) -> None:
    steps = [
        {"step": name, "request": f"GET shop {path}/x", "expect": {"json": {"a": 1, "b": 2}}}
        for name, path in (("first", f"/{slug(case)}"), ("second", ""), ("third", ""))
    ]
    document = {"scenario": "s", "flow": steps, "profiles": {"e2e": {"users": 1, "iterations": 1}}}
    environment = Environment(environment="e", services={"shop": Service(url=server.address)})
    flow = compile_flow(Scenario.model_validate(document), environment, "run", "tenant")
    path = tmp_path / "01-once.jsonl"
    with recorder(path, steps=flow.step_names) as opened, HttpClient(flow.network) as client:
        assert run_iteration(flow, 1, 0.0, client, opened)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a bomb in gzip, gzip",
         "the body is over 10,000,000 bytes after decoding (Content-Encoding: gzip, gzip)"),
        ("a bomb in deflate, gzip",
         "the body is over 10,000,000 bytes after decoding (Content-Encoding: deflate, gzip)"),
        ("5,000 codings", "it has more than 4 content encodings"),
        ("br that was not asked for", "its content-encoding br was not asked for"),
        ("small chunks with large extensions",
         "the response is over 20,000,000 bytes with its framing"),
        ("trailers without end", "the response is over 20,000,000 bytes with its framing"),
        ("a body without end", "the body is over 10,000,000 bytes"),
        ("103 Early Hints without end", "the connection broke: the head is over 65,536 bytes"),
        ("headers without end", "the connection broke: the head is over 65,536 bytes"),
        ("a body that drips", "the body did not end in time"),
        ("headers that drip", "no response within 0.3 s"),
        ("JSON: lists 900 deep", "the JSON of the response is nested deeper than 100 levels"),
        ("JSON: three million lists", "the JSON of the response has more than 500,000 values"),
    ],
    ids=lambda each: each[:40],
)  # fmt: skip
def test_the_reason_names_the_limit(
    server: HostileServer, name: str, reason: str, tmp_path: Path
) -> None:
    assert _exchange(server, BY_NAME[name], tmp_path).reason == reason
