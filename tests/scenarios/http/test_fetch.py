"""One response, whole and within the bounds of the client, or why not."""

import gzip
import socket

import pytest

from config.network import Network
from scenarios.http.fetch import FetchFailed, NotConnected, ResponseLate, ResponseUnusable, fetch
from scenarios.http.transport import MAX_PAGE_BYTES, open_client
from tests.scenarios.sockets import Server, answering, free_url, http, serving

QUICK_S, HANGS_S = 0.2, 60.0
SMALL = 1_000


def _fails(
    answer: bytes, timeout_s: float = HANGS_S, *, closes: bool = True, max_bytes: int = SMALL
) -> FetchFailed:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(answer)
        if not closes:
            server.stopping.wait(HANGS_S)

    with (
        serving(behave) as server,
        open_client(Network(), timeout_s, max_bytes=max_bytes) as client,
        pytest.raises(FetchFailed) as raised,
    ):
        fetch(client, server.url)
    return raised.value


def test_a_response_has_its_status_headers_and_decoded_body() -> None:
    packed = gzip.compress(gzip.compress(b"well"))
    answer = http("418 Teapot", packed, "Content-Encoding: gzip, gzip", "Age: 7")
    with serving(answering(answer)) as server, open_client(Network(), HANGS_S) as client:
        response = fetch(client, server.url, headers={"X-A": "1"})
    assert (response.status, response.body, response.headers["age"]) == (418, b"well", "7")
    assert b"x-a: 1\r\n" in server.received[0].lower()
    assert b"accept-encoding: gzip, deflate\r\n" in server.received[0].lower()


def test_a_body_of_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    with (
        serving(answering(http("200 OK", b"x" * SMALL))) as server,
        open_client(Network(), HANGS_S, max_bytes=SMALL) as client,
    ):
        assert len(fetch(client, server.url).body) == SMALL
    error = _fails(http("200 OK", b"x" * (SMALL + 1)))
    assert isinstance(error, ResponseUnusable)
    assert str(error) == "the body is over 1,000 bytes"


def test_a_body_that_grows_when_it_is_decoded_is_refused_with_its_codings() -> None:
    packed = gzip.compress(gzip.compress(bytes(10**6)))
    error = _fails(http("200 OK", packed, "Content-Encoding: gzip, gzip"))
    assert str(error) == (
        "the body is over 1,000 bytes after decoding (Content-Encoding: gzip, gzip)"
    )


@pytest.mark.parametrize(
    "status", ["100 Continue", "102 Processing", "103 Early Hints\r\nLink: </a>", "199 X"]
)
@pytest.mark.parametrize("max_bytes", [SMALL, MAX_PAGE_BYTES])
def test_informational_responses_are_bounded_by_what_a_head_may_have(
    status: str, max_bytes: int
) -> None:
    error = _fails(f"HTTP/1.1 {status}\r\n\r\n".encode() * 20_000, max_bytes=max_bytes)
    assert isinstance(error, ResponseUnusable)
    assert str(error) == "the head is over 200,000 bytes with its informational responses"


def test_some_informational_responses_take_nothing_from_a_large_body() -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3_000 + http("200 OK", b"x" * 500_000)
    with serving(answering(answer)) as server, open_client(Network(), HANGS_S) as client:
        assert len(fetch(client, server.url).body) == 500_000


def test_framing_counts_as_bytes_of_the_response() -> None:
    chunks = b"1;" + b"e" * 10_000 + b"\r\nx\r\n"
    error = _fails(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks * 40)
    assert isinstance(error, ResponseUnusable)
    assert str(error) == "the response is over 202,000 bytes with its framing"


def test_each_way_to_fail_is_a_type_of_its_own() -> None:
    assert isinstance(_fails(b"HTTP/1.1 200 OK\r\n", QUICK_S, closes=False), ResponseLate)
    assert isinstance(_fails(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), ResponseUnusable)
    assert isinstance(_fails(b"no HTTP\r\n\r\n"), NotConnected)
    with open_client(Network(), HANGS_S) as client, pytest.raises(NotConnected):
        fetch(client, free_url())


def test_a_deadline_of_its_own_replaces_that_of_the_client() -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.stopping.wait(HANGS_S)

    with (
        serving(behave) as server,
        open_client(Network(), HANGS_S) as client,
        pytest.raises(ResponseLate),
    ):
        fetch(client, server.url, deadline_s=QUICK_S)


def test_a_charset_that_decompresses_is_not_looked_up() -> None:
    answer = http("200 OK", b"BZh9\xff", "Content-Type: text/plain; charset=bz2")
    with serving(answering(answer)) as server, open_client(Network(), HANGS_S) as client:
        assert fetch(client, server.url).text == "BZh9\ufffd"


@pytest.mark.parametrize("version", ["HTTP/0.9", "HTTP/2.0", "HTTP/9.9"])
def test_a_response_of_another_version_is_not_used(version: str) -> None:
    error = _fails(http("200 OK", b"well").replace(b"HTTP/1.1", version.encode()))
    assert isinstance(error, ResponseUnusable)
    assert str(error) == f"it is in {version}, not in HTTP/1.1"


@pytest.mark.parametrize(
    "location", ["javascript:alert(1)", "http://[::1", "data:,", "http://a:99999/", "\\\\a\\b", ""]
)
def test_an_odd_location_takes_nothing_from_a_response(location: str) -> None:
    answer = http("302 Found", b"well", f"Location: {location}")
    with serving(answering(answer)) as server, open_client(Network(), HANGS_S) as client:
        response = fetch(client, server.url)
    assert (response.status, response.body) == (302, b"well")
    assert response.headers["Location"] == location


@pytest.mark.parametrize(
    "stray",
    [http("200 OK", b"stray"), b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b"x", b"HTT"],
    ids=["a response", "half a response", "a byte", "half a version"],
)
def test_what_follows_a_response_is_never_taken_for_the_next(stray: bytes) -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        number = len(server.received)
        connection.sendall(http("200 OK", b"response %d" % number) + stray)
        server.receive(connection)  # until the client closes, or asks again

    with serving(behave) as server, open_client(Network(), HANGS_S) as client:
        assert [fetch(client, server.url).body for _ in range(3)] == [
            b"response 1", b"response 2", b"response 3",
        ]  # fmt: skip


def test_a_connection_with_one_response_is_used_again() -> None:
    with (
        serving(answering(http("200 OK", b"well"))) as server,
        open_client(Network(), HANGS_S) as client,
    ):
        assert [fetch(client, server.url).body for _ in range(3)] == [b"well"] * 3
        assert server.connections == 1
