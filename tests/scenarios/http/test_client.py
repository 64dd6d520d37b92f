"""Requests and every way in which they can fail, against real sockets on loopback."""

import json
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from config.client_certificate import ClientCertificate
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
from scenarios.http.readiness import PollingReadiness
from scenarios.http.streams import StreamEnd, StreamKind, StreamOrder
from tests.scenarios.sockets import Server, answering, free_url, http, serving
from tests.secured_servers import answering as answering_securely
from tests.secured_servers import sign

QUICK_S = 0.2
PATIENT_S = 1.0  # long enough for the start of a response to arrive before it
HANGS_S = 60.0
AN_HOUR_OF_TICKS = 72_000
DIRECT = Network()
JSON = "Content-Type: application/json"


def get(
    url: str, timeout_s: float = HANGS_S, body: Any = None, path: str = "/", **headers: str
) -> Request:
    encoded = None if body is None else json.dumps(body).encode()
    method = "GET" if body is None else "POST"
    origin, base = split_url(url)
    types = () if body is None else (("Content-Type", "application/json"),)
    template = RequestTemplate(method, origin, types, timeout_s)
    return Request(template, base + path, "t-1", encoded, tuple(headers.items()))


def send(request: Request, network: Network = DIRECT) -> Response:
    with HttpClient(network) as client:
        return client.send(request)


def parts(response: Response) -> tuple[int, str, bytes, str]:
    return response.status, response.content_type, response.body, response.body_error


def close_at_once(server: Server, connection: socket.socket) -> None:
    """Close without a response."""


def close_after_the_request(server: Server, connection: socket.socket) -> None:
    server.receive(connection)


def never_respond(server: Server, connection: socket.socket) -> None:
    while server.receive(connection):
        pass


def test_a_whole_answer_is_what_was_sent() -> None:
    with serving(answering(http("201 Created", b'{"id": 7}', JSON))) as server:
        response = send(get(server.url, path="/orders", body={"owner": "ann"}, trace="t-2"))
    assert parts(response) == (201, "application/json", b'{"id": 7}', "")
    head, _, body = server.received[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /orders HTTP/1.1\r\n")
    assert b"x-trace-id: t-1" in head.lower()
    assert b"trace: t-2" in head.lower()
    assert b"content-type: application/json" in head.lower()
    assert f"host: {server.url[7:]}".encode() in head.lower()
    assert json.loads(body) == {"owner": "ann"}


def test_a_request_without_a_body_sends_none() -> None:
    with serving(answering(http("200 OK"))) as server:
        send(get(server.url))
    assert server.received[0].endswith(b"\r\n\r\n")
    assert b"content-type" not in server.received[0].lower()


@pytest.mark.parametrize(
    ("method", "has_length"), [("POST", True), ("PATCH", True), ("GET", False)]
)
def test_a_request_that_may_have_a_body_has_a_length_also_without_one(
    method: str, has_length: bool
) -> None:
    with serving(answering(http("200 OK"))) as server:
        origin, path = split_url(server.url)
        send(
            Request(RequestTemplate(method, origin, (), HANGS_S), path + "/", "t-1"),
        )
    assert (b"content-length: 0\r\n" in server.received[0].lower()) == has_length


@pytest.mark.parametrize("status", ["204 No Content", "404 Not Found", "503 Unavailable"])
def test_any_status_line_is_a_response(status: str) -> None:
    with serving(answering(http(status))) as server:
        assert parts(send(get(server.url))) == (int(status[:3]), "", b"", "")


def test_a_request_whose_connection_is_refused_was_not_sent() -> None:
    with pytest.raises(NotSent, match="could not connect: "):
        send(get(free_url()))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"X-Name": "a\nb"}, "the header 'X-Name' has more than one line"),
        ({"X-Name": "caf\u00e9"}, "the header 'X-Name' has '\u00e9', and HTTP allows ASCII only"),
        ({"X-A": "a", "Cookie": "name=Jos\u00e9"},
         "the header 'Cookie' has '\u00e9', and HTTP allows ASCII only"),
        ({"X-Token": "\u201cquoted\u201d"},
         "the header 'X-Token' has '\u201c', and HTTP allows ASCII only"),
        ({"X-Half": "\ud800"}, r"the header 'X-Half' has '\ud800', and HTTP allows ASCII only"),
        ({"path": "/\ud800"}, "its path or query has half of a surrogate pair, which is no text"),
    ],
)  # fmt: skip
def test_a_request_that_http_does_not_allow_was_not_sent(
    request_: dict[str, Any], words: str
) -> None:
    with serving(answering(http("200 OK"))) as server, pytest.raises(NotSent) as raised:
        send(get(server.url, **request_))
    assert str(raised.value) == f"could not be sent: {words}"
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
def test_a_path_is_quoted_where_a_request_line_needs_it(path: str, line: bytes) -> None:
    with serving(answering(http("200 OK"))) as server:
        send(get(server.url, path=path))
    assert server.received[0].partition(b"\r\n")[0] == line


def test_each_path_of_one_step_is_quoted_whatever_the_one_before_it_was() -> None:
    paths = ["/a", "/a b", "/a", "/a<", "/a b", "/a\r\nX: 1", "/b", "/a"]
    with serving(answering(http("200 OK"))) as server, HttpClient(DIRECT) as client:
        template = get(server.url).template
        for path in paths:
            client.send(Request(template, path, "t-1"))
    lines = [head.partition(b" HTTP/1.1")[0].decode() for head in server.received]
    quoted = ["/a", "/a%20b", "/a", "/a%3C", "/a%20b", "/a%0D%0AX:%201", "/b", "/a"]
    assert lines == [f"GET {path}" for path in quoted]


@pytest.mark.parametrize("behave", [close_at_once, close_after_the_request])
def test_a_close_before_the_response_loses_it(behave: Any) -> None:
    with (
        serving(behave) as server,
        pytest.raises(ResponseLost, match="the connection broke: "),
    ):
        send(get(server.url))


def test_a_request_whose_response_is_lost_is_not_sent_again() -> None:
    with serving(close_after_the_request) as server:
        with pytest.raises(ResponseLost):
            send(get(server.url))
        assert (server.connections, len(server.received)) == (1, 1)


def test_a_server_that_never_responds_is_given_up_at_the_timeout() -> None:
    with (
        serving(never_respond) as server,
        pytest.raises(ResponseLost, match=r"no response within 0.2 s"),
    ):
        send(get(server.url, QUICK_S))
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "content", [b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-", b"nonsense\r\n\r\n"]
)
def test_a_response_with_half_a_head_is_lost(content: bytes) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(content)

    with (
        serving(behave) as server,
        pytest.raises(ResponseLost, match="the connection broke: "),
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
def test_half_a_body_is_kept_with_its_error(content: bytes) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(content)

    with serving(behave) as server:
        response = send(get(server.url))
    assert (response.status, response.body) == (200, b"half")
    assert response.body_error.startswith("the body broke off: ")


def test_a_body_that_cannot_be_decoded_has_an_error() -> None:
    with serving(answering(http("200 OK", b"not packed", "Content-Encoding: gzip"))) as server:
        response = send(get(server.url))
    assert response.status == 200
    assert response.body_error == "the body is not valid gzip"


def test_a_body_that_stops_half_way_ends_at_the_timeout() -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        server.receive(connection)

    with serving(behave) as server:
        response = send(get(server.url, PATIENT_S))
    assert parts(response) == (200, "", b"half", "the body did not end in time")


def test_a_body_that_trickles_ends_at_the_timeout() -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % AN_HOUR_OF_TICKS)
        server.trickle(connection, b"x" * AN_HOUR_OF_TICKS)

    with serving(behave) as server:
        response = send(get(server.url, PATIENT_S))
    assert response.body_error == "the body did not end in time"
    assert 0 < len(response.body) < AN_HOUR_OF_TICKS


def test_a_head_that_trickles_ends_at_the_timeout() -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        server.trickle(connection, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"very " * AN_HOUR_OF_TICKS)

    with serving(behave) as server, pytest.raises(ResponseLost, match="no response within"):
        send(get(server.url, QUICK_S))


def test_a_request_that_is_received_slowly_ends_before_it_is_received_whole() -> None:
    """The time is over when three pieces were received, however long that takes."""
    body, received, deadlines = "x" * 40_000_000, list[int](), set[float]()

    class ThreePieces(PollingReadiness):
        def ready(self, deadline: float) -> bool:
            deadlines.add(deadline)
            while len(received) < 3:
                if super().ready(time.monotonic() + QUICK_S):
                    return True
            return False

    def behave(server: Server, connection: socket.socket) -> None:
        while len(received) < 3:
            received.append(len(connection.recv(500_000)))
        server.stopping.wait(HANGS_S)

    with (
        serving(behave) as server,
        HttpClient(DIRECT, ThreePieces) as client,
        pytest.raises(ResponseLost, match="no response within"),
    ):
        client.send(get(server.url, body=body))
    assert 0 < sum(received) < len(body)
    assert len(deadlines) == 1  # no piece that was sent renews it


REFUSED = http("413 Content Too Large", b'{"error":"too large"}', JSON)
LARGE = "x" * 30_000_000


def head_of(connection: socket.socket) -> None:
    """Receive the head of a request, and leave the most of its body."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1_000)


def refuse_and_close(server: Server, connection: socket.socket) -> None:
    """Close with data unread, so that the kernel resets the connection."""
    head_of(connection)
    connection.sendall(REFUSED)


def refuse_and_wait(server: Server, connection: socket.socket) -> None:
    """Neither read the body nor close: the client could write until its timeout."""
    head_of(connection)
    connection.sendall(REFUSED)
    assert server.stopping.wait(HANGS_S)


def refuse_in_two_pieces(server: Server, connection: socket.socket) -> None:
    head_of(connection)
    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" + REFUSED[:60])
    connection.recv(500_000)
    connection.sendall(REFUSED[60:])


def refuse_and_half_close(server: Server, connection: socket.socket) -> None:
    head_of(connection)
    connection.sendall(REFUSED.replace(b"Content-Length: 21\r\n", b"Connection: close\r\n"))
    connection.shutdown(socket.SHUT_WR)
    assert server.stopping.wait(HANGS_S)


EARLY = [refuse_and_close, refuse_and_wait, refuse_in_two_pieces, refuse_and_half_close]


@pytest.mark.parametrize("behave", EARLY)
def test_a_refusal_before_the_whole_body_was_sent_is_the_response(behave: Any) -> None:
    with serving(behave) as server, HttpClient(DIRECT) as client:
        response = client.send(get(server.url, body=LARGE))
        server.stopping.set()
    assert parts(response) == (413, "application/json", b'{"error":"too large"}', "")


def test_after_an_early_response_the_connection_is_not_used_again() -> None:
    is_refused = threading.Event()

    def behave(server: Server, connection: socket.socket) -> None:
        if server.connections > 1:
            answering(http("200 OK"))(server, connection)
            return
        head_of(connection)
        connection.sendall(REFUSED)
        assert is_refused.wait(HANGS_S)

    with serving(behave) as server, HttpClient(DIRECT) as client:
        assert client.send(get(server.url, body=LARGE)).status == 413
        is_refused.set()
        assert client.send(get(server.url)).status == 200
    assert server.connections == 2


def test_a_body_that_is_answered_while_it_is_sent_is_sent_whole() -> None:
    """The server sends the head of its response first, and the rest after the last byte."""
    received = list[int]()

    def behave(server: Server, connection: socket.socket) -> None:
        head_of(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha")
        while sum(received) < len(LARGE) - 1_000:
            received.append(len(connection.recv(500_000)))
        connection.sendall(b"lf")

    with serving(behave) as server:
        assert parts(send(get(server.url, body=LARGE))) == (200, "", b"half", "")


def test_a_close_within_the_body_without_a_response_loses_it() -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        head_of(connection)

    with serving(behave) as server, pytest.raises(ResponseLost, match="the connection broke: "):
        send(get(server.url, body=LARGE))


def test_an_unauthorized_request_that_ends_its_connection_has_its_status() -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        head_of(connection)
        connection.sendall(b"HTTP/1.1 401\r\nConnection: close\r\n\r\nwho?")

    with serving(behave) as server:
        response = send(get(server.url, body="x" * 900_000))
    assert (response.status, response.body) == (401, b"who?")


def test_a_body_over_the_limit_is_cut_at_it() -> None:
    with serving(answering(http("200 OK", b"x" * (MAX_BODY_BYTES + 1)))) as server:
        response = send(get(server.url))
    assert len(response.body) == MAX_BODY_BYTES
    assert response.body_error == "the body is over 10,000,000 bytes"


def test_a_body_as_long_as_the_limit_is_whole() -> None:
    with serving(answering(http("200 OK", b"x" * MAX_BODY_BYTES))) as server:
        response = send(get(server.url))
    assert (len(response.body), response.body_error) == (MAX_BODY_BYTES, "")


def test_a_redirect_is_a_response_and_is_not_followed() -> None:
    with serving(answering(http("302 Found", b"", "Location: /elsewhere"))) as server:
        assert send(get(server.url)).status == 302
        assert len(server.received) == 1


def test_no_cookie_is_kept() -> None:
    with (
        serving(answering(http("200 OK", b"", "Set-Cookie: a=1; Path=/"))) as server,
        HttpClient(DIRECT) as client,
    ):
        client.send(get(server.url))
        client.send(get(server.url))
    assert len(server.received) == 2
    assert not any(b"cookie" in each.lower() for each in server.received)


def test_a_connection_is_reused_for_the_next_request() -> None:
    with serving(answering(http("200 OK"))) as server, HttpClient(DIRECT) as client:
        for _ in range(3):
            client.send(get(server.url))
    assert (server.connections, len(server.received)) == (1, 3)


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    closed = threading.Event()

    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(http("200 OK"))
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    with serving(behave) as server, HttpClient(DIRECT) as client:
        client.send(get(server.url))
        assert closed.wait(HANGS_S)
        assert client.send(get(server.url)).status == 200
    assert (server.connections, len(server.received)) == (2, 2)


def test_no_proxy_of_the_process_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, free_url())
    with serving(answering(http("200 OK"))) as server:
        assert send(get(server.url)).status == 200


def test_a_request_goes_to_the_address_that_its_host_is_mapped_to() -> None:
    with serving(answering(http("200 OK"))) as server:
        network = Network({"shop.invalid": server.url[7:]})
        assert send(get("http://shop.invalid"), network).status == 200
    assert b"host: shop.invalid\r\n" in server.received[0].lower()


def test_an_ipv6_address_is_connected_to_without_its_brackets() -> None:
    with serving(answering(http("200 OK")), "::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert send(get(server.url)).status == 200
    assert f"host: {server.url[7:]}".encode() in server.received[0].lower()


def test_a_certificate_is_trusted_only_by_the_ca_of_the_environment(tmp_path: Path) -> None:
    signed = sign(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(signed.certificate, signed.key)

    def behave(server: Server, connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            while server.receive(encrypted):
                encrypted.sendall(http("200 OK", b"{}"))

    with serving(behave) as server:
        request = get(server.url.replace("http", "https"))
        assert send(request, Network(ca_file=str(signed.ca))).body == b"{}"
        with pytest.raises(NotSent, match=r"could not connect: .*certificate"):
            send(request)
    assert len(server.received) == 1


def test_an_early_refusal_over_tls_is_the_response(tmp_path: Path) -> None:
    signed = sign(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(signed.certificate, signed.key)

    def behave(server: Server, connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            refuse_and_wait(server, encrypted)

    with serving(behave) as server:
        request = get(server.url.replace("http", "https"), body=LARGE)
        response = send(request, Network(ca_file=str(signed.ca)))
        server.stopping.set()
    assert (response.status, response.body) == (413, b'{"error":"too large"}')


@contextmanager
def handling(number: int, handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Handle a signal; another test may have imported run.py, whose handler ends the process."""
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def test_ctrl_c_ends_a_request_at_once_and_its_connection_is_not_used_again() -> None:
    def interrupt(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        if len(server.received) == 1:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            connection.recv(1)  # until the client has closed
        else:
            connection.sendall(http("200 OK", b"the second"))

    with (
        handling(signal.SIGINT, signal.default_int_handler),
        serving(interrupt) as server,
        HttpClient(DIRECT) as client,
    ):
        with pytest.raises(KeyboardInterrupt):
            client.send(get(server.url))
        assert client.send(get(server.url)).body == b"the second"
    assert server.connections == 2


def test_a_signal_that_is_handled_does_not_end_a_request() -> None:
    handled = threading.Event()

    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        assert handled.wait(HANGS_S)
        connection.sendall(http("200 OK"))

    with handling(signal.SIGUSR1, lambda *_: handled.set()), serving(behave) as server:
        assert send(get(server.url)).status == 200


def _get_with(certificate: ClientCertificate | None, url: str) -> Request:
    origin, _ = split_url(url, certificate)
    return Request(RequestTemplate("GET", origin, (), HANGS_S), "/", "t-1")


def test_a_client_certificate_is_shown_and_its_lack_is_not_sent(tmp_path: Path) -> None:
    made, other = sign(tmp_path), sign(tmp_path / "other")
    network = Network(ca_file=str(made.ca))
    with (
        answering_securely(lambda exchange: exchange.say(b"{}"), made, made.ca) as heard,
        HttpClient(network) as client,
    ):
        shown = [client.send(_get_with(made.of_client(), heard.url)) for _ in range(3)]
        assert [response.status for response in shown] == [200, 200, 200]
        for refused in (None, other.of_client()):
            with pytest.raises(NotSent, match=r"could not connect: .*ALERT"):
                client.send(_get_with(refused, heard.url))
    assert len(heard.paths) == 3


EVENTS = StreamOrder(StreamKind.SSE)


def stream(server: Server, order: StreamOrder, timeout_s: float = HANGS_S) -> Response:
    origin, _ = split_url(server.url)
    template = RequestTemplate("GET", origin, (), timeout_s, stream=order)
    with HttpClient(DIRECT) as client:
        return client.streaming().send(Request(template, "/", "t-1"))


def test_after_a_hang_up_the_server_sees_the_connection_closed() -> None:
    closed = threading.Event()

    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\ndata: 1\n\ndata: 2\n\n")
        if connection.recv(1) == b"":
            closed.set()

    with serving(behave) as server:
        response = stream(server, StreamOrder(StreamKind.SSE, 2))
        assert closed.wait(HANGS_S)
    assert response.stream
    assert response.stream.end is StreamEnd.HUNG_UP


@pytest.mark.parametrize("line", [b"data: ", b": "], ids=["event", "comment"])
def test_an_event_that_never_ends_is_too_large(line: bytes) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + line)
        while not server.stopping.is_set():
            connection.sendall(b"x" * 100_000)

    with serving(behave) as server:
        response = stream(server, EVENTS)
    assert response.body_error == f"the body is over {MAX_BODY_BYTES:,} bytes"


def test_a_stream_without_end_is_cut_off_in_time() -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        server.trickle(connection, b"data: 1\n\n" * AN_HOUR_OF_TICKS)

    with serving(behave) as server:
        response = stream(server, EVENTS, PATIENT_S)
    assert response.body_error == "the body did not end in time"


def test_streams_have_connections_of_their_own_which_are_kept() -> None:
    answer = http("200 OK", b"data: 1\n\n")
    with serving(answering(answer)) as server, HttpClient(DIRECT) as client:
        origin, _ = split_url(server.url)
        template = RequestTemplate("GET", origin, (), HANGS_S, stream=EVENTS)
        for _ in range(3):
            response = client.streaming().send(Request(template, "/", "t-1"))
            assert response.stream
            assert [event.data for event in response.stream.events] == ["1"]
    assert (server.connections, len(server.received)) == (1, 3)
