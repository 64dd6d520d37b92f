"""Streams that are polled, and streams that are sent at once, also with other requests."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from config.environment import Environment
from config.services import Service
from scenarios.evidence.exchange import Mark, Outcome
from scenarios.evidence.ledger import Ledger, ledger_of
from scenarios.evidence.recording import Recording
from scenarios.http.client import HttpClient
from scenarios.http.messages import Request, Response, ResponseLost, Sender
from scenarios.http.streams import StreamEnd
from scenarios.language.model import Scenario
from tests.scenarios.driver.recorded_iteration import record_iteration
from tests.scenarios.driver.test_stream_expectations import streamed
from tests.scenarios.shop_scenario import ENVIRONMENT, Script, answered
from tests.tiny_server import in_background

RUNNING = streamed({"state": "running", "tokens": 1})
DONE = streamed({"state": "running", "tokens": 2}, {"state": "done", "tokens": 3})
BROKEN = streamed({"state": "x"}, end=StreamEnd.BROKEN, broken="the body broke off: reset")
WAIT = {"json": {"events[-1].data.state": "done"}, "every": "10ms", "within": "5s"}
SUM = "{{ events | map(attribute='data.tokens') | sum }}"
KEY = "tokens", ()


def ask(name: str = "ask", **keys: Any) -> dict[str, Any]:
    return {"step": name, "request": "GET shop /events", "stream": "sse", **keys}


def drive(
    folder: Path, sender: Sender, *flow: dict[str, Any], environment: Environment = ENVIRONMENT
) -> tuple[Recording, Ledger]:
    document = {
        "scenario": "s",
        "quantities": {"tokens": {"prometheus": "t_total", "resolution": 1}},
        "flow": [*flow],
        "profiles": {"once": {"users": 1, "iterations": 1}},
    }
    scenario = Scenario.model_validate(document)
    recording = record_iteration(folder, scenario, sender, environment=environment)
    return recording, ledger_of(scenario, [recording.exchanges])


def reasons(recording: Recording) -> list[str]:
    return [each.reason for each in recording.exchanges]


def ends(recording: Recording) -> list[int]:
    ended: list[int] = recording.exchanges.stream_rows()["end"].tolist()
    return ended


def test_each_poll_is_a_stream_of_its_own_with_its_events_counts_and_times(tmp_path: Path) -> None:
    step = ask(until=WAIT, counts={"tokens": SUM}, save={"last": "events[-1].data.tokens"})
    after = {"step": "after", "request": "GET shop /{{ last }}"}
    shop = Script(RUNNING, RUNNING, DONE, Response(200, b""))
    recording, ledger = drive(tmp_path, shop, step, after)
    assert reasons(recording) == [""] * 4
    assert ledger.confirmed == {KEY: 1 + 1 + 5}
    assert ends(recording) == [StreamEnd.ENDED] * 3 + [0]
    assert [each.marks for each in recording.exchanges] == [0, 0, Mark.WAIT, Mark.ITERATION]
    assert shop.requests[-1].target == "/3"


@pytest.mark.parametrize(
    ("until", "responses", "found"),
    [
        (WAIT, [RUNNING, BROKEN], ["", "the body broke off: reset, after 1 event"]),
        ({**WAIT, "status": 200}, [answered(404, "text/plain", b""), BROKEN],
         ["", "the body broke off: reset, after 1 event"]),
        ({**WAIT, "status": 200}, [answered(202, "application/json", b"{}"), DONE], ["", ""]),
        (WAIT, [answered(404, "text/plain", b"")], ["status 404, expected 200"]),
        ({"events": {"at_least": 2}, "every": "10ms"}, [RUNNING, DONE], ["", ""]),
        ({**WAIT, "within": "1ms", "every": "5s"}, [RUNNING],
         ['not done within 0.001 s: events[-1].data.state is "running", expected "done"']),
    ],
    ids=["broken", "broken after another status", "accepted before", "status", "events", "late"],
)  # fmt: skip
def test_a_poll_that_is_no_whole_stream_is_wrong_and_not_just_not_done(
    tmp_path: Path, until: dict[str, Any], responses: list[Response], found: list[str]
) -> None:
    recording, _ = drive(tmp_path, Script(*responses), ask(until=until))
    assert reasons(recording) == found


def test_a_poll_that_is_hung_up_leaves_open_what_was_counted_until_then(tmp_path: Path) -> None:
    hung_up = streamed({"tokens": 1}, end=StreamEnd.HUNG_UP)
    step = ask(
        until={"json": {"events[0].data.tokens": 1}}, counts={"tokens": SUM},
        hang_up={"after_events": 1, "at_most": {"tokens": 4}},
    )  # fmt: skip
    recording, ledger = drive(tmp_path, Script(hung_up), step)
    assert ends(recording) == [StreamEnd.HUNG_UP]
    assert (ledger.confirmed, ledger.after_hang_up) == ({KEY: 1}, {KEY: 3})


def test_a_body_that_broke_off_is_no_plain_poll_that_is_not_done(tmp_path: Path) -> None:
    torn = answered(200, "application/json", b"{", "the body broke off: reset")
    until = {"status": 200, "json": {"state": "done"}}
    step = {"step": "job", "request": "GET shop /job", "until": until}
    recording, _ = drive(tmp_path, Script(torn), step)
    assert reasons(recording) == ["the body broke off: reset"]


def test_streams_that_are_sent_at_once_have_their_own_events_counts_and_times(
    tmp_path: Path,
) -> None:
    steps = [
        ask("a", counts={"tokens": SUM}, save={"a": "events[-1].data.tokens"}),
        ask("b", counts={"tokens": SUM}, expect={"events": 2}),
        {"step": "c", "request": "GET shop /c"},
    ]
    after = {"step": "after", "request": "GET shop /{{ a }}"}

    class Shop(Script):
        def send(self, request: Request) -> Response:
            return DONE if request.target == "/events" else Response(200, b"")

    recording, ledger = drive(tmp_path, Shop(), {"together": steps}, after)
    assert reasons(recording) == [""] * 4
    assert ends(recording) == [StreamEnd.ENDED, StreamEnd.ENDED, 0, 0]
    assert ledger.confirmed == {KEY: 5 + 5}


def test_a_stream_that_breaks_beside_others_is_in_doubt_alone(tmp_path: Path) -> None:
    class Shop(Script):
        def send(self, request: Request) -> Response:
            if request.target == "/lost":
                raise ResponseLost("reset")
            return {"/events": DONE, "/broken": BROKEN}[request.target]

    steps = [
        ask("whole", counts={"tokens": SUM}),
        {**ask("broken", counts={"tokens": SUM}, at_most={"tokens": 7}),
         "request": "GET shop /broken"},
        {**ask("lost", counts={"tokens": SUM}, at_most={"tokens": 9}),
         "request": "GET shop /lost"},
    ]  # fmt: skip
    recording, ledger = drive(tmp_path, Shop(), {"together": steps})
    outcomes = [each.outcome for each in recording.exchanges]
    assert outcomes == [Outcome.OK, Outcome.REJECTED, Outcome.UNKNOWN]
    assert ends(recording) == [StreamEnd.ENDED, StreamEnd.BROKEN, 0]
    assert (ledger.confirmed, ledger.in_doubt) == ({KEY: 5}, {KEY: 16})


@contextmanager
def served() -> Iterator[str]:
    """Serve streams of two events, of which the second is sent when three streams have begun."""
    begun = Barrier(3, timeout=60)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b'data: {"tokens": 2}\n\n')
            begun.wait()
            with suppress(OSError):  # one client has hung up
                self.wfile.write(b'data: {"tokens": 3}\n\n')

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, in_background(server):
        yield f"http://127.0.0.1:{server.server_port}"


def test_streams_at_once_are_read_at_once_over_connections_of_their_own(tmp_path: Path) -> None:
    steps = [ask(name, counts={"tokens": SUM}) for name in ("a", "b")]
    steps.append(ask("c", hang_up={"after_events": 1}, counts={"tokens": SUM}))
    with served() as url:
        environment = Environment(environment="t", services={"shop": Service(url=url)})
        with HttpClient(environment.network) as client:
            flow = {"together": steps}
            recording, ledger = drive(tmp_path, client, flow, environment=environment)
    assert reasons(recording) == [""] * 3
    assert ends(recording) == [StreamEnd.ENDED, StreamEnd.ENDED, StreamEnd.HUNG_UP]
    assert ledger.confirmed == {KEY: 5 + 5 + 2}
