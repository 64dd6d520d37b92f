"""Blocks of a flow: which requests are sent, when, and what is recorded of them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from config.clock import Clock
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.iteration import run_iteration
from scenarios.evidence.exchange import Exchange, Mark, Outcome
from scenarios.evidence.recording import Recorder, RecordingEnd
from scenarios.evidence.recording_reader import read_recording
from scenarios.http.messages import Request, Response, ResponseLost
from scenarios.language.blocks import MAX_EXCHANGES, MAX_ROUNDS
from scenarios.language.model import Scenario
from tests.scenarios.shop_scenario import ENVIRONMENT, answered

Answer = Callable[[Request], Response]


@dataclass
class Shop:
    """A sender whose clock goes on by a quarter of a second per request."""

    answer: Answer
    now_s: float = 0.0
    requests: list[Request] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        self.requests.append(request)
        self.now_s += 0.25
        return self.answer(request)

    def parallel(self, count: int) -> Sequence["Shop"]:
        return [self] * count

    def streaming(self) -> "Shop":
        return self

    def close(self) -> None:
        """Nothing is open."""

    def pause(self, pause_s: float) -> None:
        self.now_s += pause_s

    @property
    def paths(self) -> list[str]:
        return [request.target for request in self.requests]


def json_of(content: Any, status: int = 200) -> Response:
    return answered(status, "application/json", json.dumps(content).encode())


def get(path: str, **keys: Any) -> dict[str, Any]:
    return {"step": path.partition("{")[0], "request": f"GET shop {path}", **keys}


def drive(folder: Path, answer: Answer, *flow: dict[str, Any]) -> tuple[Shop, list[Exchange]]:
    profiles = {"once": {"users": 1, "iterations": 1}}
    scenario = Scenario.model_validate({"scenario": "s", "flow": [*flow], "profiles": profiles})
    compiled, shop = compile_flow(scenario, ENVIRONMENT, "run-1", "tenant-1"), Shop(answer)
    path = folder / "a.jsonl"
    clock = Clock(monotonic=lambda: shop.now_s)
    recorder = Recorder(path, "a", "once", 1, 1, compiled.step_names, clock=clock)
    run_iteration(compiled, 1, 0.0, shop, recorder, pause=shop.pause)
    recorder.end(RecordingEnd(1, 0, 0.1, 1.0))
    recording = read_recording(path)
    assert recording is not None
    return shop, list(recording.exchanges)


def ok(_: Request) -> Response:
    return json_of({"items": ["x", "y"], "state": "new", "none": None})


def test_the_blocks_run_in_order_and_the_last_exchange_completes_the_iteration(
    tmp_path: Path,
) -> None:
    shop, exchanges = drive(
        tmp_path, ok,
        get("/list", save={"items": "items", "state": "state"}),
        {"repeat": 2, "as": "turn", "steps": [get("/turn/{{ turn }}")]},
        {"for_each": "{{ items }}", "as": "item", "steps": [get("/item/{{ item }}")]},
        {"for_each": ["a", "{{ state }}"], "as": "word", "steps": [get("/word/{{ word }}")]},
        {"if": "{{ state == 'new' }}", "steps": [get("/then")], "else": [get("/else")]},
        {"if": "{{ state == 'old' }}", "steps": [get("/old")]},
    )  # fmt: skip
    assert shop.paths == [
        "/list", "/turn/1", "/turn/2", "/item/x", "/item/y", "/word/a", "/word/new", "/then",
    ]  # fmt: skip
    assert [each.marks for each in exchanges] == [0] * 7 + [Mark.ITERATION]
    assert {each.step for each in exchanges} == {"/list", "/turn/", "/item/", "/word/", "/then"}


def test_the_first_request_that_is_not_ok_ends_the_iteration_wherever_it_is(tmp_path: Path) -> None:
    def fails(request: Request) -> Response:
        return json_of({}, 500 if request.target == "/turn/2" else 200)

    turns = {"repeat": 3, "as": "turn", "steps": [get("/turn/{{ turn }}")]}
    shop, exchanges = drive(tmp_path, fails, {"repeat": 2, "steps": [turns]}, get("/after"))
    assert shop.paths == ["/turn/1", "/turn/2"]
    assert [each.outcome for each in exchanges] == [Outcome.OK, Outcome.REJECTED]
    assert not any(each.marks for each in exchanges)


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ({"for_each": "{{ state }}", "as": "x"}, "for_each has a value that is no list"),
        ({"for_each": "{{ items[7] }}", "as": "x"}, "'{{ items[7] }}' has no value"),
        ({"if": "{{ items + 1 }}"}, "the template '{{ items + 1 }}' fails"),
    ],
)
def test_a_block_whose_value_is_wrong_is_recorded_by_its_first_step(
    tmp_path: Path, block: dict[str, Any], reason: str
) -> None:
    first = get("/list", save={"items": "items", "state": "state"})
    shop, exchanges = drive(tmp_path, ok, first, {**block, "steps": [get("/inside")]})
    assert shop.paths == ["/list"]
    assert (exchanges[-1].step, exchanges[-1].outcome) == ("/inside", Outcome.NOT_SENT)
    assert exchanges[-1].reason.startswith(reason)


def test_an_iteration_sends_no_more_than_the_limit(tmp_path: Path) -> None:
    def many(request: Request) -> Response:
        return json_of({"items": [0] * MAX_EXCHANGES} if request.target == "/list" else {})

    each = {"for_each": "{{ items }}", "as": "item", "steps": [get("/item")]}
    shop, exchanges = drive(tmp_path, many, get("/list", save={"items": "items"}), each)
    assert len(shop.requests) == MAX_EXCHANGES
    assert exchanges[-1].outcome is Outcome.NOT_SENT
    assert "10,000 requests" in exchanges[-1].reason


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_lists_of_a_response_are_gone_through_up_to_a_limit_though_nothing_is_sent(
    tmp_path: Path, depth: int
) -> None:
    block: dict[str, Any] = {"if": "{{ 0 }}", "steps": [get("/item")]}
    for number in range(depth):
        block = {"for_each": "{{ items }}", "as": f"item{number}", "steps": [block]}
    items = json_of({"items": [0] * (MAX_ROUNDS + 1)})
    shop, exchanges = drive(tmp_path, lambda _: items, get("/list", save={"items": "items"}), block)
    assert len(shop.requests) == 1
    assert exchanges[-1].outcome is Outcome.NOT_SENT
    assert "repeated 100,000 times" in exchanges[-1].reason


@pytest.mark.core
@pytest.mark.long
def test_what_is_repeated_for_each_element_counts_towards_the_limit(tmp_path: Path) -> None:
    nothing = {"if": "{{ 0 }}", "steps": [get("/item")]}
    each = {"for_each": "{{ items }}", "as": "item", "steps": [{"repeat": 100, "steps": [nothing]}]}
    items = json_of({"items": [0] * 1_000})
    _, exchanges = drive(tmp_path, lambda _: items, get("/list", save={"items": "items"}), each)
    assert exchanges[-1].outcome is Outcome.NOT_SENT


def test_a_pause_delays_what_is_due_next(tmp_path: Path) -> None:
    _, exchanges = drive(tmp_path, ok, get("/a"), {"think": "3s"}, get("/b"))
    assert [(each.due_s, each.done_s) for each in exchanges] == [(0.0, 0.25), (3.25, 3.5)]


def job(*states: Response) -> Answer:
    """Answer one poll after the other; the last answer is repeated."""
    left = list(states)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


RUNNING, DONE = json_of({"state": "running"}), json_of({"state": "done", "result": 7})
UNTIL_DONE = {"json": {"state": "done"}, "every": "1s", "within": "3s"}


def test_each_poll_is_an_exchange_and_the_last_one_saves(tmp_path: Path) -> None:
    poll = get("/job", until=UNTIL_DONE, save={"result": "result"})
    shop, exchanges = drive(tmp_path, job(RUNNING, RUNNING, DONE), poll, get("/r/{{ result }}"))
    assert shop.paths == ["/job", "/job", "/job", "/r/7"]
    assert [each.due_s for each in exchanges] == [0.0, 1.0, 2.0, 2.25]
    assert [each.outcome for each in exchanges] == [Outcome.OK] * 4
    assert [each.marks for each in exchanges] == [0, 0, Mark.WAIT, Mark.ITERATION]
    assert len({request.trace for request in shop.requests}) == 4


def test_a_wait_that_takes_too_long_rejects_its_last_poll(tmp_path: Path) -> None:
    shop, exchanges = drive(tmp_path, job(RUNNING), get("/job", until=UNTIL_DONE), get("/after"))
    assert shop.paths == ["/job"] * 4
    assert [each.outcome for each in exchanges] == [Outcome.OK] * 3 + [Outcome.REJECTED]
    assert exchanges[-1].reason == 'not done within 3 s: state is "running", expected "done"'
    assert exchanges[-1].marks == Mark.WAIT


def test_a_response_with_another_status_is_no_poll_that_is_not_done(tmp_path: Path) -> None:
    _, exchanges = drive(tmp_path, job(json_of({}, 404)), get("/job", until=UNTIL_DONE))
    assert [each.reason for each in exchanges] == ["status 404, expected 200"]
    assert exchanges[-1].marks == 0


def test_a_status_that_is_waited_for_may_be_preceded_by_others(tmp_path: Path) -> None:
    missing, there = json_of({}, 404), json_of({}, 201)
    until = {"status": 201, "every": "1s", "within": "3s"}
    _, exchanges = drive(tmp_path, job(missing, there), get("/job", until=until))
    assert [each.outcome for each in exchanges] == [Outcome.OK] * 2
    (tmp_path / "b").mkdir()
    _, exchanges = drive(tmp_path / "b", job(missing, json_of({}, 503)), get("/job", until=until))
    assert [each.reason for each in exchanges] == ["", "status 503, expected 201"]


def test_a_poll_that_is_done_must_still_be_as_expected(tmp_path: Path) -> None:
    poll = get("/job", until=UNTIL_DONE, expect={"json": {"result": 8}})
    _, exchanges = drive(tmp_path, job(RUNNING, DONE), poll)
    assert [each.reason for each in exchanges] == ["", "result is 7, expected 8"]


def test_a_slow_poll_delays_the_next_one_instead_of_overlapping_it(tmp_path: Path) -> None:
    until = {**UNTIL_DONE, "every": "100ms"}
    _, exchanges = drive(tmp_path, job(RUNNING, DONE), get("/job", until=until))
    assert [each.due_s for each in exchanges] == [0.0, 0.25]


def test_requests_that_are_sent_together_are_all_recorded(tmp_path: Path) -> None:
    def fails(request: Request) -> Response:
        if request.target == "/lost":
            raise ResponseLost("reset")
        return json_of({"id": 7})

    steps = [get("/a", save={"a": "id"}), get("/lost"), get("/b/{{ run }}")]
    shop, exchanges = drive(tmp_path, fails, {"together": steps}, get("/after"))
    assert sorted(shop.paths) == ["/a", "/b/run-1", "/lost"]
    assert [each.outcome for each in exchanges] == [Outcome.OK, Outcome.UNKNOWN, Outcome.OK]
    assert {each.due_s for each in exchanges} == {0.0}
    (tmp_path / "b").mkdir()
    shop, exchanges = drive(tmp_path / "b", ok, {"together": [get("/a"), get("/b")]})
    assert [each.marks for each in exchanges] == [0, Mark.ITERATION]


def test_requests_that_are_sent_together_do_not_see_what_the_others_saved(tmp_path: Path) -> None:
    steps = [get("/a", save={"a": "state"}), get("/b/{{ a }}")]
    shop, exchanges = drive(tmp_path, ok, {"together": steps})
    assert shop.paths == ["/a"]
    assert [each.outcome for each in exchanges] == [Outcome.OK, Outcome.NOT_SENT]
