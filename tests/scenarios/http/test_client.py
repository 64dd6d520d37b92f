"""Every way of failing on the wire, against real sockets on loopback."""

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from config.network import Network
from scenarios.http.client import HttpClient
from scenarios.http.messages import (
    MAX_BODY_BYTES,
    NotSent,
    Request,
    RequestTemplate,
    Response,
    ResponseLost,
    split_url,
)
from tests.scenarios.sockets import Server, answering, free_url, http, serving

QUICK_S = 0.2
PATIENT_S = 1.0  # long enough for the begin of an answer to come before it
HANGS_S = 60.0
AN_HOUR_OF_TICKS = 72_000
JSON = "Content-Type: application/json"


Opened = Callable[[], Any]


@pytest.fixture
def opened() -> Opened:
    """Return what opens a client."""
    return lambda: HttpClient(Network())


def get(
    url: str, timeout_s: float = HANGS_S, body: Any = None, path: str = "/", **headers: str
) -> Request:
    encoded = None if body is None else json.dumps(body).encode()
    method = "GET" if body is None else "POST"
    origin, base = split_url(url)
    envelope = RequestTemplate(method, origin, (), timeout_s, body is not None)
    return Request(envelope, base + path, "t-1", encoded, tuple(headers.items()))


def send(opened: Opened, request: Request) -> Response:
    with opened() as sender:
        answer: Response = sender.send(request)
        return answer


def told(answer: Response) -> tuple[int, str, bytes, str]:
    return answer.status, answer.content_type, answer.body, answer.broken


def close_at_once(server: Server, connection: socket.socket) -> None:
    """Close without a word."""


def close_after_the_request(server: Server, connection: socket.socket) -> None:
    server.receive(connection)


def never_answer(server: Server, connection: socket.socket) -> None:
    while server.receive(connection):
        pass


def test_a_whole_answer_is_what_was_sent(opened: Opened) -> None:
    with serving(answering(http("201 Created", b'{"id": 7}', JSON))) as server:
        answer = send(opened, get(server.url, path="/orders", body={"owner": "ann"}, trace="t-2"))
    assert told(answer) == (201, "application/json", b'{"id": 7}', "")
    head, _, body = server.received[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /orders HTTP/1.1\r\n")
    assert b"x-trace-id: t-1" in head.lower()
    assert b"trace: t-2" in head.lower()
    assert b"content-type: application/json" in head.lower()
    assert f"host: {server.url[7:]}".encode() in head.lower()
    assert json.loads(body) == {"owner": "ann"}


def test_a_request_without_a_body_sends_none(opened: Opened) -> None:
    with serving(answering(http("200 OK"))) as server:
        send(opened, get(server.url))
    assert server.received[0].endswith(b"\r\n\r\n")
    assert b"content-type" not in server.received[0].lower()


@pytest.mark.parametrize(("method", "says"), [("POST", True), ("PATCH", True), ("GET", False)])
def test_a_server_need_not_wait_for_a_body_that_will_not_come(
    opened: Opened, method: str, says: bool
) -> None:
    with serving(answering(http("200 OK"))) as server:
        origin, path = split_url(server.url)
        send(
            opened,
            Request(
                RequestTemplate(method, origin, (), HANGS_S, has_body=False), path + "/", "t-1"
            ),
        )
    assert (b"content-length: 0\r\n" in server.received[0].lower()) == says


@pytest.mark.parametrize("status", ["204 No Content", "404 Not Found", "503 Unavailable"])
def test_any_status_line_is_an_answer(opened: Opened, status: str) -> None:
    with serving(answering(http(status))) as server:
        assert told(send(opened, get(server.url))) == (int(status[:3]), "", b"", "")


def test_a_refused_connection_was_not_sent(opened: Opened) -> None:
    with pytest.raises(NotSent, match="could not connect: "):
        send(opened, get(free_url()))


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"X-Name": "a\nb"}, id="two lines in a header"),
        pytest.param({"X-Name": "é"}, id="an accent in a header"),
        pytest.param({"path": "/\ud800"}, id="half a character in the path"),
    ],
)
def test_what_http_cannot_carry_was_not_sent(opened: Opened, request_: dict[str, Any]) -> None:
    with (
        serving(answering(http("200 OK"))) as server,
        pytest.raises(NotSent, match="could not be sent: "),
    ):
        send(opened, get(server.url, **request_))
    assert server.received == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/a b", b"GET /a%20b HTTP/1.1"),
        ("/caf\u00e9?q=1&r=%41", b"GET /caf%C3%A9?q=1&r=%41 HTTP/1.1"),
        ("/a/b;c=d/~e", b"GET /a/b;c=d/~e HTTP/1.1"),
        ('/"<>', b"GET /%22%3C%3E HTTP/1.1"),
    ],
)
def test_a_path_goes_out_as_a_request_line_can_have_it(
    opened: Opened, path: str, line: bytes
) -> None:
    with serving(answering(http("200 OK"))) as server:
        send(opened, get(server.url, path=path))
    assert server.received[0].partition(b"\r\n")[0] == line


@pytest.mark.parametrize("behave", [close_at_once, close_after_the_request])
def test_a_connection_that_closes_without_a_word_leaves_a_doubt(
    opened: Opened, behave: Any
) -> None:
    with (
        serving(behave) as server,
        pytest.raises(ResponseLost, match="the connection broke: "),
    ):
        send(opened, get(server.url))


def test_a_request_that_broke_is_not_sent_again(opened: Opened) -> None:
    with serving(close_after_the_request) as server:
        with pytest.raises(ResponseLost):
            send(opened, get(server.url))
        assert (server.connections, len(server.received)) == (1, 1)


def test_a_server_that_never_answers_leaves_a_doubt_in_time(opened: Opened) -> None:
    with (
        serving(never_answer) as server,
        pytest.raises(ResponseLost, match=r"no answer within 0.2 s"),
    ):
        send(opened, get(server.url, QUICK_S))
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "content", [b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-", b"nonsense\r\n\r\n"]
)
def test_half_a_head_leaves_a_doubt(opened: Opened, content: bytes) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(content)

    with (
        serving(behave) as server,
        pytest.raises(ResponseLost, match="the connection broke: "),
    ):
        send(opened, get(server.url))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", id="by length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", id="by chunks"
        ),
    ],
)
def test_half_a_body_is_an_answer_that_says_so(opened: Opened, content: bytes) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(content)

    with serving(behave) as server:
        answer = send(opened, get(server.url))
    assert (answer.status, answer.body) == (200, b"half")
    assert answer.broken.startswith("the body broke off: ")


def test_a_body_that_cannot_be_unpacked_is_broken(opened: Opened) -> None:
    with serving(answering(http("200 OK", b"not packed", "Content-Encoding: gzip"))) as server:
        answer = send(opened, get(server.url))
    assert answer.status == 200
    assert answer.broken.startswith("the body broke off: ")


def test_a_body_that_stops_half_way_ends_in_time(opened: Opened) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        server.receive(connection)

    with serving(behave) as server:
        answer = send(opened, get(server.url, PATIENT_S))
    assert told(answer) == (200, "", b"half", "the body did not end in time")


def test_a_body_that_trickles_ends_in_time(opened: Opened) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % AN_HOUR_OF_TICKS)
        server.trickle(connection, b"x" * AN_HOUR_OF_TICKS)

    with serving(behave) as server:
        answer = send(opened, get(server.url, PATIENT_S))
    assert answer.broken == "the body did not end in time"
    assert 0 < len(answer.body) < AN_HOUR_OF_TICKS


def test_a_head_that_trickles_ends_in_time(opened: Opened) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        server.trickle(connection, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"very " * AN_HOUR_OF_TICKS)

    with serving(behave) as server, pytest.raises(ResponseLost, match="no answer within"):
        send(opened, get(server.url, QUICK_S))


def test_a_request_that_is_taken_bit_by_bit_ends_before_it_is_taken_whole(opened: Opened) -> None:
    body, taken = "x" * 40_000_000, list[int]()

    def behave(server: Server, connection: socket.socket) -> None:
        while bit := connection.recv(500_000):
            taken.append(len(bit))
            server.stopping.wait(QUICK_S / 4)

    with serving(behave) as server, pytest.raises(ResponseLost, match="no answer within"):
        send(opened, get(server.url, QUICK_S, body=body))
    assert 0 < sum(taken) < len(body)


def test_a_body_has_a_bound(opened: Opened) -> None:
    with serving(answering(http("200 OK", b"x" * (MAX_BODY_BYTES + 1)))) as server:
        answer = send(opened, get(server.url))
    assert len(answer.body) == MAX_BODY_BYTES
    assert answer.broken == "the body is over 10,000,000 bytes"


def test_a_body_as_long_as_the_bound_is_whole(opened: Opened) -> None:
    with serving(answering(http("200 OK", b"x" * MAX_BODY_BYTES))) as server:
        answer = send(opened, get(server.url))
    assert (len(answer.body), answer.broken) == (MAX_BODY_BYTES, "")


def test_a_redirect_is_an_answer_and_is_not_followed(opened: Opened) -> None:
    with serving(answering(http("302 Found", b"", "Location: /elsewhere"))) as server:
        assert send(opened, get(server.url)).status == 302
        assert len(server.received) == 1


def test_a_cookie_is_not_kept(opened: Opened) -> None:
    with (
        serving(answering(http("200 OK", b"", "Set-Cookie: a=1; Path=/"))) as server,
        opened() as sender,
    ):
        sender.send(get(server.url))
        sender.send(get(server.url))
    assert len(server.received) == 2
    assert not any(b"cookie" in each.lower() for each in server.received)


def test_a_connection_is_kept_from_one_request_to_the_next(opened: Opened) -> None:
    with serving(answering(http("200 OK"))) as server, opened() as sender:
        for _ in range(3):
            sender.send(get(server.url))
    assert (server.connections, len(server.received)) == (1, 3)


def test_a_connection_that_the_server_closed_is_not_used_again(opened: Opened) -> None:
    closed = threading.Event()

    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(http("200 OK"))
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    with serving(behave) as server, opened() as sender:
        sender.send(get(server.url))
        assert closed.wait(HANGS_S)
        assert sender.send(get(server.url)).status == 200
    assert (server.connections, len(server.received)) == (2, 2)


def test_no_proxy_of_the_process_is_used(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, free_url())
    with serving(answering(http("200 OK"))) as server:
        assert send(opened, get(server.url)).status == 200
