"""Steps whose responses are streams: what is expected, saved and counted of their events."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.iteration import run_iteration
from scenarios.evidence.exchange import Exchange, Mark, Outcome
from scenarios.evidence.ledger import Doubt, Ledger, ledger_of
from scenarios.evidence.recording import Recorder
from scenarios.evidence.recording_reader import read_recording
from scenarios.http.bounded_json import MAX_VALUES
from scenarios.http.messages import Response
from scenarios.http.streams import Event, Stream, StreamEnd, StreamKind, StreamOrder
from scenarios.language.model import Scenario
from tests.scenarios.driver.recorded_iteration import record_iteration
from tests.scenarios.shop_scenario import ENVIRONMENT, Script, answered

USED = {"usage": {"tokens": 12.5}}
TOKENS = "{{ events[-2].data.usage.tokens }}"


def streamed(
    *data: Any, end: StreamEnd = StreamEnd.ENDED, content_type: str = "text/event-stream",
    broken: str = "", status: int = 200,
) -> Response:  # fmt: skip
    events = tuple(Event(each if isinstance(each, str) else json.dumps(each)) for each in data)
    response = answered(status, content_type, b"data: ...", broken)
    return replace(response, stream=Stream(events, end, 0.25, 0.5))


def scenario_of(**step: Any) -> Scenario:
    keys = {"step": "ask", "request": "POST shop /chat", "stream": "sse", **step}
    return Scenario.model_validate(
        {
            "scenario": "s",
            "quantities": {"tokens": {"prometheus": "t_total", "resolution": 0.1}},
            "flow": [keys, {"step": "last", "request": "GET shop /last"}],
            "profiles": {"once": {"users": 1, "iterations": 1}},
        }
    )


def drive(folder: Path, response: Response, **step: Any) -> tuple[Script, Exchange, Ledger]:
    """Run an iteration whose first step has a stream; return also what it was and counted."""
    scenario = scenario_of(**step)
    shop = Script(response, Response(200, b""))
    recording = record_iteration(folder, scenario, shop)
    return shop, recording.exchanges.first(), ledger_of(scenario, [recording.exchanges])


def test_the_amount_in_the_last_event_is_counted(tmp_path: Path) -> None:
    response = streamed({"delta": "a"}, USED, "[DONE]")
    shop, exchange, ledger = drive(tmp_path, response, counts={"tokens": TOKENS})
    assert (exchange.outcome, exchange.reason) == (Outcome.OK, "")
    assert ledger.confirmed == {("tokens", ()): 125}
    assert len(shop.requests) == 2, "the next step follows"


@pytest.mark.parametrize(
    ("amount", "confirmed"),
    [
        ("{{ events | length }}", 30),
        ("{{ events | map(attribute='data.tokens') | sum }}", 60),
        ("{{ events[0].data.tokens + events[-1].id | length }}", 10),
    ],
)
def test_an_amount_is_an_expression_over_events(
    tmp_path: Path, amount: str, confirmed: int
) -> None:
    response = streamed(*({"tokens": n} for n in (1, 2, 3)))
    _, exchange, ledger = drive(tmp_path, response, counts={"tokens": amount})
    assert exchange.reason == ""
    assert ledger.confirmed == {("tokens", ()): confirmed}


def test_what_is_saved_of_events_is_known_afterwards(tmp_path: Path) -> None:
    scenario_keys = {"save": {"spent": "events[-2].data.usage.tokens", "kind": "events[0].event"}}
    _, exchange, ledger = drive(
        tmp_path, streamed(USED, "[DONE]"), counts={"tokens": "{{ spent }}"}, **scenario_keys
    )
    assert exchange.reason == ""
    assert ledger.confirmed == {("tokens", ()): 125}


@pytest.mark.parametrize(
    ("step", "response", "reason"),
    [
        ({}, streamed("a", content_type="text/html; charset=utf-8"),
         "the response is no stream of the type text/event-stream: text/html"),
        ({}, streamed("a", content_type=""),
         "the response is no stream of the type text/event-stream: no content type"),
        ({}, streamed("a", end=StreamEnd.BROKEN, broken="the body broke off: reset"),
         "the body broke off: reset, after 1 event"),
        ({"hang_up": {"after_events": 3}}, streamed("a", "b"),
         "the stream ended before the hang-up after 3 events: it has 2 events"),
        ({"expect": {"events": 3}}, streamed("a"), "1 event, expected 3"),
        ({"expect": {"events": {"at_least": 1, "at_most": 2}}}, streamed(),
         "0 events, expected at least 1 and at most 2"),
        ({"expect": {"json": {"events[-1].data": "[DONE]"}}}, streamed("a"),
         'events[-1].data is "a", expected "[DONE]"'),
        ({"expect": {"json": {"length(events)": "{{ events | length + 1 }}"}}}, streamed("a"),
         "length(events) is 1, expected 2"),
        ({"expect": {"schema": {"properties": {"events": {"maxItems": 1}}}}}, streamed("a", "b"),
         "the body does not fit its schema: "),
        ({"expect": {"headers": {"X-Model": "small"}}}, streamed("a"),
         "the header X-Model is missing"),
        ({"save": {"x": "events[-1].data.usage"}}, streamed("[DONE]"),
         "the response has no events[-1].data.usage"),
        ({"counts": {"tokens": TOKENS}}, streamed("[DONE]"), "the amount of tokens the template"),
        ({"stream": "json_lines"}, streamed({"a": 1}, '{"a": '), "line 2 is not JSON"),
        ({}, streamed("[" + "[]," * MAX_VALUES + "1]"),
         "the JSON of the stream has more than 500,000 values"),
        ({}, answered(429, "application/json", b'{"error": "slow down"}'),
         "status 429, expected 200"),
    ],
)  # fmt: skip
def test_a_stream_that_is_not_as_expected_is_rejected_with_the_reason(
    tmp_path: Path, step: dict[str, Any], response: Response, reason: str
) -> None:
    shop, exchange, _ = drive(tmp_path, response, **step)
    assert (exchange.outcome, exchange.reason[: len(reason)]) == (Outcome.REJECTED, reason)
    assert len(shop.requests) == 1, "the iteration is over"


def test_what_a_stream_counted_that_broke_is_in_doubt_up_to_its_bound(tmp_path: Path) -> None:
    broken = streamed(USED, end=StreamEnd.BROKEN, broken="the body broke off: reset")
    _, _, ledger = drive(tmp_path, broken, counts={"tokens": TOKENS}, at_most={"tokens": 20})
    key = "tokens", ()
    assert (ledger.confirmed[key], ledger.in_doubt[key]) == (0, 200)


@pytest.mark.parametrize(
    "step",
    [
        {"stream": "json_lines"},
        {"expect": {"headers": {"content-type": {"contains": "html"}}}},
        {"expect": {"status": [200, 204]}},
    ],
)
def test_another_type_is_right_where_the_step_says_so_or_there_is_none(
    tmp_path: Path, step: dict[str, Any]
) -> None:
    none = step.get("expect", {}).get("status") is not None
    response = (
        streamed(content_type="", status=204)
        if none
        else streamed({"a": 1}, content_type="text/html")
    )
    _, exchange, _ = drive(tmp_path, response, **step)
    assert (exchange.outcome, exchange.reason) == (Outcome.OK, "")


def test_an_expected_status_that_is_no_success_has_no_events(tmp_path: Path) -> None:
    response = answered(429, "application/json", b'{"error": "slow down"}')
    step = {"expect": {"status": [200, 429]}, "counts": {"tokens": "{{ events | length }}"}}
    _, exchange, ledger = drive(tmp_path, response, **step)
    assert (exchange.outcome, exchange.status) == (Outcome.OK, 429)
    assert ledger.confirmed == {("tokens", ()): 0}


def test_a_hang_up_is_asked_of_the_client_and_is_no_failure(tmp_path: Path) -> None:
    response = streamed({"tokens": 1}, {"tokens": 2}, end=StreamEnd.HUNG_UP)
    amount = "{{ events | map(attribute='data.tokens') | sum }}"
    shop, exchange, ledger = drive(
        tmp_path, response, hang_up={"after_events": 2}, counts={"tokens": amount}
    )
    assert shop.requests[0].template.stream == StreamOrder(StreamKind.SSE, 2)
    assert (exchange.outcome, ledger.confirmed) == (Outcome.OK, {("tokens", ()): 30})


def test_an_iteration_that_ends_with_a_stream_is_complete(tmp_path: Path) -> None:
    scenario = scenario_of()
    alone = scenario.model_copy(update={"flow": (scenario.flow or [])[:1]})
    flow = compile_flow(alone, ENVIRONMENT, "run-1", "t-1")
    recorder = Recorder(tmp_path / "a.jsonl", "a", "once", 1, 1, flow.step_names)
    assert run_iteration(flow, 1, 0.0, Script(streamed("a")), recorder)
    recorder.close()
    recording = read_recording(tmp_path / "a.jsonl")
    assert recording
    assert recording.exchanges.first().marks == Mark.ITERATION


def test_a_step_without_a_stream_is_compiled_as_before() -> None:
    flow = compile_flow(scenario_of(), ENVIRONMENT, "run-1", "t-1")
    plain = scenario_of()
    plain = plain.model_copy(update={"flow": (plain.flow or [])[1:]})
    assert flow.journeys[0].steps == ()
    (journey,) = compile_flow(plain, ENVIRONMENT, "run-1", "t-1").journeys
    assert [step.name for step in journey.steps] == ["last"]
    assert journey.steps[0].request_template.stream is None


@pytest.mark.parametrize("expected", [2, 3])
def test_the_times_of_a_stream_are_recorded_whether_it_is_as_expected_or_not(
    tmp_path: Path, expected: int
) -> None:
    drive(tmp_path, streamed("a", "b"), expect={"events": expected})
    recording = read_recording(tmp_path / "a.jsonl")
    assert recording
    row = recording.exchanges.stream_rows()[0]
    assert row[["events", "first_s", "longest_gap_s", "end"]].tolist() == (
        2, 0.25, 0.5, StreamEnd.ENDED
    )  # fmt: skip


SUM = "{{ events | map(attribute='data.tokens') | sum }}"


@pytest.mark.parametrize("counts", [SUM, 3, "{{ 1 + 2 }}"], ids=["late", "constant", "early"])
def test_what_a_service_may_count_until_it_notices_a_hang_up_is_left_open(
    tmp_path: Path, counts: Any
) -> None:
    response = streamed({"tokens": 1}, {"tokens": 2}, end=StreamEnd.HUNG_UP)
    hang_up = {"after_events": 2, "at_most": {"tokens": "{{ events | length + 2.5 }}"}}
    _, exchange, ledger = drive(tmp_path, response, hang_up=hang_up, counts={"tokens": counts})
    key = "tokens", ()
    assert exchange.reason == ""
    assert (ledger.confirmed[key], ledger.in_doubt[key], ledger.after_hang_up) == (
        30, 15, {key: 15}
    )  # fmt: skip


def test_less_left_open_by_a_hang_up_than_was_counted_is_rejected(tmp_path: Path) -> None:
    response = streamed({"tokens": 1}, {"tokens": 2}, end=StreamEnd.HUNG_UP)
    hang_up = {"after_events": 2, "at_most": {"tokens": 2}}
    _, exchange, ledger = drive(tmp_path, response, hang_up=hang_up, counts={"tokens": SUM})
    assert exchange.reason == "the amount of tokens is more than at_most of hang_up; raise it"
    assert ledger.doubt_of(("tokens", ())).is_unbounded


def test_a_hang_up_without_a_response_is_in_doubt_up_to_the_bound_of_the_step(
    tmp_path: Path,
) -> None:
    broken = streamed({"tokens": 1}, end=StreamEnd.BROKEN, broken="the body broke off: reset")
    hang_up = {"after_events": 2, "at_most": {"tokens": 4}}
    _, _, ledger = drive(
        tmp_path, broken, hang_up=hang_up, counts={"tokens": SUM}, at_most={"tokens": 20}
    )
    assert (ledger.in_doubt, ledger.after_hang_up) == ({("tokens", ()): 200}, {})


@pytest.mark.parametrize(
    ("step", "second"),
    [
        ({"stream": "json_lines"}, '{"broken": '),
        ({"expect": {"events": 5}}, {"a": 1}),
        ({"expect": {"headers": {"X-Model": "small"}}}, {"a": 1}),
        ({"expect": {"json": {"events[1].data.a": 2}}}, {"a": 1}),
    ],
    ids=["not JSON", "number of events", "a header", "an expression"],
)
def test_a_secret_in_a_stream_that_is_not_as_expected_is_in_no_evidence(
    tmp_path: Path, step: dict[str, Any], second: Any
) -> None:
    secret = "s3cret-4711-of-the-stream"
    body = f'{{"token": "{secret}"}} and more'.encode()
    response = replace(streamed({"token": secret}, second), body=body)
    _, exchange, _ = drive(
        tmp_path, response, save={"token": "events[0].data.token"},
        **{"stream": "sse", **step},
    )  # fmt: skip
    assert exchange.outcome is Outcome.REJECTED
    assert secret.encode() not in (tmp_path / "a.jsonl").read_bytes()


@pytest.mark.parametrize("counts", [3, "{{ 1 + 2 }}", SUM], ids=["constant", "early", "late"])
@pytest.mark.parametrize("at_most", [20, None])
def test_a_stream_that_broke_before_the_hang_up_may_have_counted_all_of_it(
    tmp_path: Path, counts: Any, at_most: int | None
) -> None:
    broken = streamed({"tokens": 1}, end=StreamEnd.BROKEN, broken="the body broke off: reset")
    bound = {} if at_most is None else {"at_most": {"tokens": at_most}}
    _, _, ledger = drive(
        tmp_path, broken, hang_up={"after_events": 2}, counts={"tokens": counts}, **bound
    )
    key = "tokens", ()
    assert ledger.confirmed[key] == 0
    assert ledger.doubt_of(key) == Doubt(10 * (at_most or 0), is_unbounded=at_most is None)
