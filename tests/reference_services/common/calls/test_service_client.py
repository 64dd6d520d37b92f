"""Tests of the service client: deadline, retries, circuit breaker and connection pool."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event, Thread
from typing import Any

import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from reference_services import serve
from reference_services.common.calls.circuit_breaker import CircuitState
from reference_services.common.calls.deadline import deadline_transport
from reference_services.common.calls.errors import CallFailed, CircuitOpen
from reference_services.common.calls.service_client import (
    ATTEMPT_S,
    ATTEMPTS,
    FIRST_PAUSE_S,
    LIMITS,
    CallRuntime,
    ServiceClient,
    retry_after_s,
)
from reference_services.common.settings import read_settings
from tests.reference_services.cutting_proxy import read_message

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TENANT = "3f0c1f0e-9d52-4c8e-8f7a-0d6a3a0f4a11"
HANGS_S = 60

Script = Callable[[socket.socket, Event], None]


@dataclass
class ScriptedServer:
    """URL of the server, and the number of its connections."""

    url: str
    connections: int = 0


@contextmanager
def scripted(*scripts: Script) -> Iterator[ScriptedServer]:
    """Serve the first connection by the first script, and so on; the last one serves the rest.

    A script is given an event that says when to leave.
    """
    is_over, threads, sockets = Event(), list[Thread](), list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        server = ScriptedServer(f"http://127.0.0.1:{listener.getsockname()[1]}")

        def follow(script: Script, connection: socket.socket) -> None:
            with connection, suppress(OSError):
                script(connection, is_over)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    script = scripts[min(server.connections, len(scripts) - 1)]
                    server.connections += 1
                    sockets.append(connection)
                    threads.append(Thread(target=follow, args=(script, connection)))
                    threads[-1].start()

        accepting = Thread(target=accept)
        accepting.start()
        try:
            yield server
        finally:
            is_over.set()
            # close() alone would not wake the threads that wait on these sockets.
            for each in (listener, *sockets):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            for thread in (accepting, *threads):
                thread.join(HANGS_S)


def answer_always(connection: socket.socket, is_over: Event) -> None:
    while not is_over.is_set():
        read_message(connection)
        connection.sendall(OK)


def stay_silent(connection: socket.socket, is_over: Event) -> None:
    is_over.wait()


def read_and_stay_silent(connection: socket.socket, is_over: Event) -> None:
    read_message(connection)
    is_over.wait()


def trickle(start: bytes) -> Script:
    """Send the start of a response at once, then a byte now and then without end."""

    def script(connection: socket.socket, is_over: Event) -> None:
        read_message(connection)
        connection.sendall(start)
        while not is_over.wait(0.03):
            connection.sendall(b"x")

    return script


trickle_in_the_head = trickle(b"HTTP/1.1 200 OK\r\nX-Endless: ")
trickle_in_the_body = trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")


def read_slowly(pause_s: float) -> Script:
    def script(connection: socket.socket, is_over: Event) -> None:
        while not is_over.wait(pause_s):
            connection.recv(16 * 1024)

    return script


def hang_up(connection: socket.socket, is_over: Event) -> None:
    read_message(connection)


def hang_up_within_the_answer(connection: socket.socket, is_over: Event) -> None:
    read_message(connection)
    connection.sendall(OK[:-1])


def say_nonsense(connection: socket.socket, is_over: Event) -> None:
    read_message(connection)
    connection.sendall(b"220 smtp.example ready\r\n\r\n")


@dataclass
class ClientBench:
    """A client with recorded pauses and states."""

    variables: dict[str, str] = field(default_factory=dict)
    transport: httpx.BaseTransport | None = None
    states: list[CircuitState] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    retries: list[str] = field(default_factory=list)
    now: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        settings = read_settings("workflow", self.variables)
        wire = CallRuntime(self.transport, self.pauses.append, self.now)
        self.client = ServiceClient(settings, self.states.append, wire)

    def call(self, body: object = None, **headers: str) -> httpx.Response:
        return self.client.post("/somewhere", body, headers, TENANT, self.retries.append)

    def failure(self) -> CallFailed:
        with pytest.raises(CallFailed) as caught:
            self.call()
        return caught.value


@contextmanager
def calling(server: ScriptedServer | None = None, **variables: str) -> Iterator[ClientBench]:
    """Call the server over real sockets."""
    if server:
        variables["CARDS_URL"] = server.url
    bench = ClientBench(variables)
    try:
        yield bench
    finally:
        bench.client.close()


def answering(
    answer: Any, now: Callable[[], float] = time.monotonic, **variables: str
) -> ClientBench:
    """Call a transport that always returns this status or response, or raises this exception."""

    def serve_one(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, int):
            return httpx.Response(answer)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer

    return ClientBench(variables, httpx.MockTransport(serve_one), now=now)


def times_out_s(bench: ClientBench, body: object = None) -> float:
    """Return the duration of a call that fails, in seconds."""
    began_at = time.monotonic()
    with pytest.raises(CallFailed, match="timeout"):
        bench.call(body)
    return time.monotonic() - began_at


def share_of_an_attempt(server: ScriptedServer, bench: ClientBench, body: object = None) -> float:
    """Return the ratio of a call's duration to that of a whole attempt at the same time."""
    with calling(server, CARDS_DEADLINE_S=str(ATTEMPT_S)) as other, ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(times_out_s, each, body) for each in (bench, other)]
        own_s, other_s = (each.result(HANGS_S) for each in calls)
    return own_s / other_s


@pytest.mark.parametrize(
    "script",
    [stay_silent, read_and_stay_silent, trickle_in_the_head, trickle_in_the_body],
)
def test_a_call_is_over_at_its_deadline_whatever_the_server_does(script: Script) -> None:
    with scripted(script) as server, calling(server, CARDS_DEADLINE_S="0.4") as bench:
        share = share_of_an_attempt(server, bench)
    assert share < 0.6
    assert bench.retries == []


@pytest.mark.parametrize("pause_s", [0.03, 0.001])
def test_a_call_is_over_at_its_deadline_however_slowly_its_body_is_read(pause_s: float) -> None:
    """Reads slowly, but fast enough that no single wait times out."""
    body = "x" * 16 * 1024 * 1024
    script = read_slowly(pause_s)
    with scripted(script) as server, calling(server, CARDS_DEADLINE_S="0.5") as bench:
        share = share_of_an_attempt(server, bench, body)
    assert share < 0.6


def test_one_attempt_that_hangs_leaves_time_for_the_next() -> None:
    with (
        scripted(trickle_in_the_body, answer_always) as server,
        calling(server, CARDS_DEADLINE_S="30") as bench,
    ):
        assert bench.call().text == "ok"
    assert bench.retries == ["timeout"]


def test_a_service_that_trickles_is_reported_unreachable_in_time() -> None:
    with (
        scripted(trickle_in_the_body) as server,
        calling(server, CARDS_DEADLINE_S="0.4") as bench,
    ):
        assert not bench.client.is_reachable()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (hang_up, "connection"),
        (hang_up_within_the_answer, "connection"),
        (say_nonsense, "connection"),
    ],
)
def test_an_unusable_response_is_attempted_three_times(script: Script, reason: str) -> None:
    with scripted(script) as server, calling(server) as bench:
        assert bench.failure().reason == reason
    assert (server.connections, bench.retries) == (ATTEMPTS, [reason] * (ATTEMPTS - 1))


def test_a_closed_port_is_a_failed_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with calling(CARDS_URL=url) as bench:
        assert bench.failure().reason == "connection"
    assert bench.retries == ["connection"] * (ATTEMPTS - 1)


def test_the_second_attempt_may_succeed_and_sends_the_same_request() -> None:
    seen: list[bytes] = []

    def note_and_hang_up(connection: socket.socket, is_over: Event) -> None:
        seen.append(read_message(connection))

    def note_and_answer(connection: socket.socket, is_over: Event) -> None:
        seen.append(read_message(connection))
        connection.sendall(OK)

    with scripted(note_and_hang_up, note_and_answer) as server, calling(server) as bench:
        assert bench.call({"a": 1}, **{"Idempotency-Key": "k"}).text == "ok"
    assert seen[0] == seen[1]
    assert b"idempotency-key: k" in seen[0].lower()


@pytest.mark.parametrize("status", [200, 201, 400, 401, 404, 409, 422])
def test_an_answer_is_returned_at_once(status: int) -> None:
    bench = answering(status)
    assert bench.call().status_code == status
    assert (bench.pauses, bench.states) == ([], [CircuitState.CLOSED])


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    elsewhere = httpx.Response(307, headers={"Location": "http://elsewhere.example/"})
    assert answering(elsewhere).call().status_code == 307


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
def test_a_status_that_may_pass_is_tried_three_times(status: int) -> None:
    bench = answering(status)
    assert bench.failure().reason == f"status_{status}"
    assert bench.retries == [f"status_{status}"] * (ATTEMPTS - 1)
    assert len(bench.pauses) == ATTEMPTS - 1


def test_the_pauses_grow_differ_and_are_bounded() -> None:
    firsts, seconds = [], []
    for _ in range(200):
        bench = answering(503, CIRCUIT_FAILURES="1000")
        bench.failure()
        firsts.append(bench.pauses[0])
        seconds.append(bench.pauses[1])
    assert FIRST_PAUSE_S <= min(firsts) < max(firsts) <= 2 * FIRST_PAUSE_S
    assert 2 * FIRST_PAUSE_S <= min(seconds) < max(seconds) <= 3 * FIRST_PAUSE_S
    # Jitter spreads the retries of clients that failed together.
    assert max(firsts) - min(firsts) > 0.8 * FIRST_PAUSE_S
    assert len(set(firsts)) > 190


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_waits_for_the_seconds_in_retry_after(status: int) -> None:
    bench = answering(httpx.Response(status, headers={"Retry-After": "2"}))
    assert bench.failure().retry_after_s == 2
    assert bench.pauses == [2, 2]


def test_a_retry_waits_until_the_date_in_retry_after() -> None:
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=30)
    asked = format_datetime(moment, usegmt=True)
    bench = answering(httpx.Response(429, headers={"Retry-After": asked}), CARDS_DEADLINE_S="60")
    since = datetime.now(UTC)
    bench.failure()
    until = datetime.now(UTC)
    shortest_s, longest_s = ((moment - each).total_seconds() for each in (until, since))
    assert all(shortest_s <= pause <= longest_s for pause in bench.pauses)
    assert len(bench.pauses) == 2


def test_a_retry_after_shorter_than_the_backoff_is_ignored() -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    bench = answering(httpx.Response(429, headers={"Retry-After": past}))
    assert bench.failure().retry_after_s == 0
    assert min(bench.pauses) >= FIRST_PAUSE_S


@pytest.mark.parametrize("status", [429, 503])
def test_there_is_no_retry_if_it_would_come_after_the_deadline(status: int) -> None:
    answer = httpx.Response(status, headers={"Retry-After": "6"})
    bench = answering(answer, CARDS_DEADLINE_S="5")
    assert bench.failure().retry_after_s == 6
    assert (bench.pauses, bench.retries) == ([], [])


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "²", "Mon, 99 Foo 2026 25:00:00 GMT"])
def test_an_unreadable_retry_after_is_ignored(text: str) -> None:
    response = httpx.Response(503, headers={b"Retry-After": text.encode()})
    assert retry_after_s(response) is None


_NUMBER = st.integers(-(10**6), 10**12)
_DATE = st.builds("Mon, {} Jan {} {}:{}:00 {}".format, *[_NUMBER] * 4, st.just("GMT") | _NUMBER)


@given(_DATE | st.binary(max_size=60).map(lambda text: text.decode("latin-1")) | _NUMBER.map(str))
def test_no_retry_after_raises_or_yields_a_negative_pause(text: str) -> None:
    headers = [(b"Retry-After", text.encode("latin-1"))]
    asked_s = retry_after_s(httpx.Response(503, headers=headers))
    assert asked_s is None or asked_s >= 0


@pytest.mark.parametrize(
    "failure", [500, 503, httpx.ConnectError("gone"), httpx.ReadTimeout("slow")]
)
def test_failures_in_a_row_open_the_circuit_and_the_next_call_is_not_even_tried(
    failure: int | httpx.RequestError,
) -> None:
    bench = answering(failure, lambda: 7.0, CIRCUIT_FAILURES="3", CIRCUIT_OPEN_S="30")
    bench.failure()
    assert bench.states == [CircuitState.CLOSED, CircuitState.OPEN]
    refused = bench.failure()
    assert isinstance(refused, CircuitOpen)
    assert refused.retry_after_s == 30
    assert len(bench.pauses) == ATTEMPTS - 1


@pytest.mark.parametrize("status", [429, 400, 401, 404, 409])
def test_a_service_that_refuses_is_alive_and_the_circuit_stays_closed(status: int) -> None:
    bench = answering(status, CIRCUIT_FAILURES="1")
    for _ in range(5):
        with suppress(CallFailed):
            bench.call()
    assert bench.states == [CircuitState.CLOSED]


def test_a_refusal_ends_a_row_of_failures() -> None:
    answers = iter([500, 429, 500, 429, 200])
    transport = httpx.MockTransport(lambda _: httpx.Response(next(answers)))
    bench = ClientBench({"CIRCUIT_FAILURES": "2"}, transport)
    bench.failure()
    assert bench.call().status_code == 200
    assert bench.states == [CircuitState.CLOSED]


def test_a_call_stops_retrying_when_the_circuit_opens_in_between() -> None:
    sent: list[httpx.Request] = []

    def fail(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(500)

    bench = ClientBench({"CIRCUIT_FAILURES": "1"}, httpx.MockTransport(fail))
    assert isinstance(bench.failure(), CircuitOpen)
    assert (len(sent), len(bench.pauses)) == (1, 1)


@pytest.mark.parametrize(
    ("variables", "expected"), [({}, None), ({"CARDS_TOKEN": "s3cret"}, "Bearer s3cret")]
)
def test_the_token_is_sent_if_there_is_one(variables: dict[str, str], expected: str | None) -> None:
    sent: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    bench = ClientBench(variables, httpx.MockTransport(note))
    bench.call(**{"X-Own": "1"})
    assert sent[0].headers.get("Authorization") == expected
    assert (sent[0].headers["X-Tenant-ID"], sent[0].headers["X-Own"]) == (TENANT, "1")


def request_errors(base: type[httpx.RequestError] = httpx.RequestError) -> Iterator[Any]:
    """Yield every exception class in which a request of the installed httpx can end."""
    for each in base.__subclasses__():
        yield from request_errors(each)
        yield each


@pytest.mark.parametrize("error", sorted(set(request_errors()), key=repr))
def test_every_exception_of_the_library_is_a_failed_call_with_a_reason_fit_for_a_label(
    error: type[httpx.RequestError],
) -> None:
    expected = "timeout" if issubclass(error, httpx.TimeoutException) else "connection"
    secret = "postgresql://user:password@host"
    bench = answering(error(secret))
    assert bench.failure().reason == expected
    assert set(bench.retries) == {expected}


def test_a_connection_is_used_again() -> None:
    with scripted(answer_always) as server, calling(server) as bench:
        for _ in range(5):
            bench.call()
    assert server.connections == 1


def test_a_connection_that_was_idle_for_long_is_not_used_again() -> None:
    """The server keeps it open, so a client that ignored its age would reuse it."""
    transport = deadline_transport(httpx.Limits(keepalive_expiry=0.05))
    with scripted(answer_always) as server:
        bench = ClientBench({"CARDS_URL": server.url}, transport)
        bench.call()
        time.sleep(0.15)
        bench.call()
        bench.client.close()
    assert server.connections == 2


def test_callers_close_an_idle_connection_before_any_server_of_ours_does() -> None:
    expiry_s = LIMITS.keepalive_expiry
    assert expiry_s is not None
    assert expiry_s < serve._KEEP_ALIVE_S
    assert expiry_s < uvicorn.Config("app").timeout_keep_alive
