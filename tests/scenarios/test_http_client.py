"""What does each way of failing on the wire come to? Against real sockets on loopback."""

import json
import socket
import threading
import time
from typing import Any

import pytest

from config.network import Network
from scenarios.http_client import MAX_BODY_BYTES, Answer, HttpxSender, NotSent, Request, Unanswered
from tests.scenarios.sockets import Server, answering, free_url, http, serving

QUICK_S = 0.2
BOUND_S = 5 * QUICK_S
JSON = "Content-Type: application/json"


def get(url: str, timeout_s: float = 5.0, body: Any = None, **headers: str) -> Request:
    return Request("POST" if body is not None else "GET", url, headers, body, timeout_s)


def send(request: Request) -> Answer:
    with HttpxSender(Network()) as sender:
        return sender.send(request)


def close_at_once(server: Server, connection: socket.socket) -> None:
    """Close without a word."""


def close_after_the_request(server: Server, connection: socket.socket) -> None:
    server.receive(connection)


def never_answer(server: Server, connection: socket.socket) -> None:
    while server.receive(connection):
        pass


def test_a_whole_answer_is_what_was_sent() -> None:
    with serving(answering(http("201 Created", b'{"id": 7}', JSON))) as server:
        answer = send(get(f"{server.url}/orders", body={"owner": "ann"}, trace="t-1"))
    assert answer == Answer(201, "application/json", b'{"id": 7}')
    head, _, body = server.received[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /orders HTTP/1.1\r\n")
    assert b"trace: t-1" in head.lower()
    assert json.loads(body) == {"owner": "ann"}


def test_a_request_without_a_body_sends_none() -> None:
    with serving(answering(http("200 OK"))) as server:
        send(get(server.url))
    assert server.received[0].endswith(b"\r\n\r\n")
    assert b"content-type" not in server.received[0].lower()


@pytest.mark.parametrize("status", ["204 No Content", "404 Not Found", "503 Unavailable"])
def test_any_status_line_is_an_answer(status: str) -> None:
    with serving(answering(http(status))) as server:
        assert send(get(server.url)) == Answer(int(status[:3]), "", b"")


def test_a_refused_connection_was_not_sent() -> None:
    with pytest.raises(NotSent, match="could not connect: "):
        send(get(free_url()))


@pytest.mark.parametrize(
    "url", ["http://", "ftp://127.0.0.1/", "http://127.0.0.1:x/", "shop.example"]
)
def test_an_address_that_is_none_was_not_sent(url: str) -> None:
    with pytest.raises(NotSent, match="could not be sent: "):
        send(get(url))


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"body": {"n": float("nan")}}, id="a body that is not JSON"),
        pytest.param({"body": {"n": object()}}, id="a body that cannot be JSON"),
        pytest.param({"body": "\ud800"}, id="half a character in the body"),
        pytest.param({"headers": {"X-Name": "a\nb"}}, id="two lines in a header"),
        pytest.param({"headers": {"X-Name": "é"}}, id="an accent in a header"),
        pytest.param({"path": "/\ud800"}, id="half a character in the path"),
        pytest.param({"path": "/a\nb"}, id="two lines in the path"),
    ],
)
def test_what_http_cannot_carry_was_not_sent(request_: dict[str, Any]) -> None:
    with serving(answering(http("200 OK"))) as server:
        url = server.url + request_.get("path", "/")
        asked = Request("POST", url, request_.get("headers", {}), request_.get("body"), 5.0)
        with pytest.raises(NotSent, match="could not be sent: "):
            send(asked)
    assert server.received == []


@pytest.mark.parametrize("behave", [close_at_once, close_after_the_request])
def test_a_connection_that_closes_without_a_word_leaves_a_doubt(behave: Any) -> None:
    with (
        serving(behave) as server,
        pytest.raises(Unanswered, match="the connection broke: "),
    ):
        send(get(server.url))


def test_a_request_that_broke_is_not_sent_again() -> None:
    with serving(close_after_the_request) as server:
        with pytest.raises(Unanswered):
            send(get(server.url))
        assert (server.connections, len(server.received)) == (1, 1)


def test_a_server_that_never_answers_leaves_a_doubt_in_time() -> None:
    began = time.monotonic()
    with (
        serving(never_answer) as server,
        pytest.raises(Unanswered, match=r"no answer within 0.2 s"),
    ):
        send(get(server.url, QUICK_S))
    assert QUICK_S <= time.monotonic() - began < BOUND_S
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "content", [b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-", b"nonsense\r\n\r\n"]
)
def test_half_a_head_leaves_a_doubt(content: bytes) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(content)

    with (
        serving(behave) as server,
        pytest.raises(Unanswered, match="the connection broke: "),
    ):
        send(get(server.url))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", id="by length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", id="by chunks"
        ),
    ],
)
def test_half_a_body_is_an_answer_that_says_so(content: bytes) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(content)

    with serving(behave) as server:
        answer = send(get(server.url))
    assert (answer.status, answer.body) == (200, b"half")
    assert answer.broken.startswith("the body broke off: ")


def test_a_body_that_cannot_be_unpacked_is_broken() -> None:
    with serving(answering(http("200 OK", b"not packed", "Content-Encoding: gzip"))) as server:
        answer = send(get(server.url))
    assert answer.status == 200
    assert answer.broken.startswith("the body broke off: ")


def test_a_body_that_stops_half_way_ends_in_time() -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        server.receive(connection)

    began = time.monotonic()
    with serving(behave) as server:
        answer = send(get(server.url, QUICK_S))
        assert time.monotonic() - began < BOUND_S
    assert answer == Answer(200, "", b"half", "the body did not end in time")


def test_a_body_that_trickles_ends_in_time() -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        server.trickle(connection, b"x" * 100)

    began = time.monotonic()
    with serving(behave) as server:
        answer = send(get(server.url, QUICK_S))
        assert time.monotonic() - began < BOUND_S
    assert answer.broken == "the body did not end in time"
    assert 0 < len(answer.body) < 20


def test_a_head_that_trickles_ends_in_time() -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        server.trickle(connection, b"HTTP/1.1 200 OK\r\nX-Slow: yes, very\r\n\r\n")

    began = time.monotonic()
    with serving(behave) as server, pytest.raises(Unanswered, match="no answer within"):
        send(get(server.url, QUICK_S))
    assert time.monotonic() - began < BOUND_S


def test_a_body_has_a_bound() -> None:
    with serving(answering(http("200 OK", b"x" * (MAX_BODY_BYTES + 1)))) as server:
        answer = send(get(server.url))
    assert len(answer.body) == MAX_BODY_BYTES
    assert answer.broken == "the body is over 10,000,000 bytes"


def test_a_body_as_long_as_the_bound_is_whole() -> None:
    with serving(answering(http("200 OK", b"x" * MAX_BODY_BYTES))) as server:
        answer = send(get(server.url))
    assert (len(answer.body), answer.broken) == (MAX_BODY_BYTES, "")


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with serving(answering(http("302 Found", b"", "Location: /elsewhere"))) as server:
        assert send(get(server.url)).status == 302
        assert len(server.received) == 1


def test_a_cookie_is_not_kept() -> None:
    with (
        serving(answering(http("200 OK", b"", "Set-Cookie: a=1; Path=/"))) as server,
        HttpxSender(Network()) as sender,
    ):
        sender.send(get(server.url))
        sender.send(get(server.url))
    assert len(server.received) == 2
    assert not any(b"cookie" in each.lower() for each in server.received)


def test_a_connection_is_kept_from_one_request_to_the_next() -> None:
    with serving(answering(http("200 OK"))) as server, HttpxSender(Network()) as sender:
        for _ in range(3):
            sender.send(get(server.url))
    assert (server.connections, len(server.received)) == (1, 3)


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    closed = threading.Event()

    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(http("200 OK"))
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    with serving(behave) as server, HttpxSender(Network()) as sender:
        sender.send(get(server.url))
        assert closed.wait(5)
        assert sender.send(get(server.url)).status == 200
    assert (server.connections, len(server.received)) == (2, 2)


def test_no_proxy_of_the_process_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, free_url())
    with serving(answering(http("200 OK"))) as server:
        assert send(get(server.url)).status == 200
