"""Responses on one connection, given as raw bytes: well-formed, malformed and random."""

import _socket
import gzip
import itertools
import random
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.http.connection import MAX_HEAD_BYTES, Connection
from scenarios.http.messages import (
    MAX_BODY_BYTES,
    RequestTemplate,
    Response,
    ResponseLost,
    split_url,
)
from scenarios.http.readiness import PollingReadiness

ORIGIN, _ = split_url("http://shop.example")
GET = RequestTemplate("GET", ORIGIN, (), 60.0)
IMPATIENT = RequestTemplate("GET", ORIGIN, (), 0.5)
HEAD = RequestTemplate("HEAD", ORIGIN, (), 60.0)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
SEEDS = [
    OK,
    b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsome text",
    b"HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n",
    OK.replace(b"Content-Length: 2", b"Content-Encoding: gzip\r\nContent-Length: 2"),
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
]
CASES = 100_000
SEED = 20_261_123


@contextmanager
def connected() -> Iterator[tuple[Connection, _socket.socket]]:
    ours, theirs = _socket.socketpair()
    connection = Connection(ours, PollingReadiness)
    try:
        yield connection, theirs
    finally:
        connection.close()
        theirs.close()


def exchange(content: bytes, template: RequestTemplate = GET, close: bool = True) -> Response:
    """Exchange with a server that sends these bytes for any request, and closes (or not)."""
    with connected() as (connection, theirs):
        return exchange_on(connection, theirs, content, template, close)


def exchange_on(
    connection: Connection, theirs: _socket.socket, content: bytes, template: RequestTemplate = GET,
    close: bool = False,
) -> Response:  # fmt: skip
    theirs.send(content)
    if close:
        theirs.shutdown(socket.SHUT_WR)
    deadline = time.monotonic() + template.timeout_s
    return connection.exchange(b"GET / HTTP/1.1\r\n\r\n", template, deadline)


def parts(response: Response) -> tuple[int, bytes, str]:
    return response.status, response.body, response.body_error


@pytest.mark.parametrize(
    "content",
    [
        OK,
        OK.replace(b"\r\nContent-Type", b"".join(b"\r\nX-%d: %d" % (n, n) for n in range(100))
                   + b"\r\nContent-Type"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Encoding: gzip\r\n\r\n" + OK,
        OK.replace(b"Content-Length: 2", b"Content-Encoding: gzip\r\nContent-Length: %d"
                   % len(gzip.compress(b"{}"))).replace(b"{}", gzip.compress(b"{}")),
        OK.replace(b"Content-Length: 2", b"CONTENT-encoding:  Deflate \r\nContent-Length: %d"
                   % len(zlib.compress(b"{}"))).replace(b"{}", zlib.compress(b"{}")),
        OK.replace(b"Content-Length: 2", b"Content-Encoding: identity\r\nContent-Length: 2"),
    ],
    ids=["plain", "100 headers", "chunks", "trailer", "HTTP/1.0", "until it closes", "continue",
         "early hints", "gzip", "deflate", "identity"],
)  # fmt: skip
def test_a_whole_response_is_read_in_every_encoding(content: bytes) -> None:
    assert parts(exchange(content)) == (200, b"{}", "")


ODD = {
    "charset as encoding": OK.replace(b"\r\n\r\n", b"\r\nContent-Encoding: UTF-8\r\n\r\n"),
    "equal lengths": OK.replace(b"Content-Length", b"content-length: 2\r\nContent-Length"),
    "a list of lengths": OK.replace(b"Length: 2", b"Length: 2, 2"),
    "length beside chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked"
    b"\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "identity transfer": OK.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: identity\r\n\r\n"),
    "folded header": OK.replace(b"Content-Type:", b"X-Note: one\r\n\ttwo\r\nContent-Type:"),
    "folded length": OK.replace(b"Length: 2", b"Length:\r\n 2"),
    "lines that end in LF": OK.replace(b"\r\n", b"\n"),
    "space before the colon": OK.replace(b"Length:", b"Length :"),
    "names in lower case": OK.replace(b"Content-Length", b"content-length"),
    "no reason": OK.replace(b"200 OK", b"200"),
    "no reason after a space": OK.replace(b"200 OK", b"200 "),
    "a reason beyond ASCII": OK.replace(b"200 OK", "200 Très bien".encode()),
    "continue before equal lengths": b"HTTP/1.1 100 Continue\r\n\r\n"
    + OK.replace(b"Length: 2", b"Length: 2, 2"),
    "HTTP/1.0 with keep-alive": OK.replace(b"1.1 200 OK", b"1.0 200 OK\r\nConnection: keep-alive"),
    "chunk extensions": b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"
    b"1;a=\"b;c\";d\r\n{\r\n1 \r\n}\r\n0\r\nX-Sum: 7\r\nX: y\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_an_odd_response_that_is_legal_is_read_whole_and_keeps_its_connection(
    content: bytes,
) -> None:
    with connected() as (connection, theirs):
        for _ in range(2):
            response = exchange_on(connection, theirs, content)
            assert parts(response) == (200, b"{}", "")
            assert connection.is_reusable()
            assert connection.is_fresh(time.monotonic())


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_an_odd_response_in_pieces_of_one_byte_is_the_same(content: bytes) -> None:
    response, is_reusable = in_pieces([bytes([each]) for each in content])
    assert parts(response) == (200, b"{}", "")
    assert is_reusable


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
@pytest.mark.parametrize(
    "head", [b"", b"Content-Length: 0\r\n", b"Content-Length: 5\r\n",
             b"Transfer-Encoding: chunked\r\n"],
)  # fmt: skip
@pytest.mark.parametrize("body", [b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n"])
def test_a_status_without_a_body_ends_with_its_head(
    status: bytes, head: bytes, body: bytes
) -> None:
    with connected() as (connection, theirs):
        content = b"HTTP/1.1 " + status + b"\r\n" + head + b"\r\n" + body
        assert parts(exchange_on(connection, theirs, content)) == (int(status[:3]), b"", "")
        announces_a_body = status.startswith(b"204") and (b"5" in head or b"chunked" in head)
        assert connection.is_reusable() == (body == b"" and not announces_a_body)


class Feeding(PollingReadiness):
    """Has the server send its next piece when the client waits for it."""

    def __init__(self, theirs: _socket.socket, pieces: list[bytes]) -> None:
        super().__init__(-1)
        self._theirs, self._pieces = theirs, pieces

    def readable(self, deadline: float) -> bool:
        if self._pieces:
            self._theirs.send(self._pieces.pop(0))
        else:
            self._theirs.shutdown(socket.SHUT_WR)
        return True


def in_pieces(pieces: list[bytes]) -> tuple[Response, bool]:
    """Return the response that arrives in pieces, and whether its connection is reusable."""
    ours, theirs = _socket.socketpair()
    connection = Connection(ours, lambda _: Feeding(theirs, list(pieces)))
    try:
        response = connection.exchange(b"GET", GET, time.monotonic() + GET.timeout_s)
        return response, connection.is_reusable()
    finally:
        connection.close()
        theirs.close()


@given(
    st.sampled_from(
        [content for content in SEEDS if b"Content-" in content or b"chunked" in content]
    ),
    st.lists(st.integers(min_value=1, max_value=200), max_size=8),
)
def test_a_response_in_pieces_is_the_same_response(content: bytes, cuts: list[int]) -> None:
    ends = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    pieces = [content[begin:end] for begin, end in itertools.pairwise(ends)]
    assert in_pieces(pieces) == in_pieces([content])


@pytest.mark.parametrize("number", range(8))
def test_a_response_in_pieces_of_one_byte_is_read(number: int) -> None:
    content = SEEDS[number]
    assert in_pieces([bytes([each]) for each in content]) == in_pieces([content])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "closed before a response"),
        (b"HTTP/1.1 200", "closed within the head of the response"),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n", "closed within the head of the response"),
        (b"HTTP/2 200 OK\r\n\r\n", "not HTTP"),
        (b"SSH-2.0-OpenSSH_9\r\n", "not HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "not HTTP"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nA b\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nab", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: +2\r\n\r\nab", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\nA b\n\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\nX: " + b"y" * (MAX_HEAD_BYTES + 40_000), "the head is over"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * (MAX_HEAD_BYTES + 40_000), "the head is over"),
    ],
)
def test_a_malformed_response_is_lost_with_the_reason(content: bytes, words: str) -> None:
    with pytest.raises(ResponseLost, match="the connection broke: .*" + words):
        exchange(content)


@pytest.mark.parametrize(
    ("content", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"half"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", b"half"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nno size", b"half"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n", b""),
    ],
)
def test_half_a_response_is_kept_with_its_error(content: bytes, body: bytes) -> None:
    response = exchange(content)
    assert (response.status, response.body) == (200, body)
    assert response.body_error.startswith("the body broke off: ")


@pytest.mark.parametrize("protocol", [b"HTTP/0.9", b"HTTP/2.0", b"RTSP/1.0"])
def test_a_response_of_another_protocol_is_lost(protocol: bytes) -> None:
    for content in (OK, b"HTTP/1.1 100 Continue\r\n\r\n" + OK, OK[:-1]):
        final = content.replace(b"HTTP/1.1 200", protocol + b" 200")
        with pytest.raises(ResponseLost, match="not HTTP: neither HTTP"):
            exchange(final)


def test_empty_lines_before_a_response_hide_none_of_its_headers() -> None:
    packed = gzip.compress(b"{}")
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    response = exchange(b"\r\n\r\n" + head.encode() + packed)
    assert parts(response) == (200, b"{}", "")


def test_after_a_content_length_that_is_too_short_the_connection_is_not_reusable() -> None:
    with connected() as (connection, theirs):
        response = exchange_on(connection, theirs, OK.replace(b"Length: 2", b"Length: 1"))
        assert parts(response) == (200, b"{", "")
        assert not connection.is_reusable()


def test_after_two_responses_to_one_request_the_connection_is_not_reusable() -> None:
    with connected() as (connection, theirs):
        second = OK.replace(b"200 OK", b"500 No").replace(b"{}", b"[]")
        assert parts(exchange_on(connection, theirs, OK + second)) == (200, b"{}", "")
        assert not connection.is_reusable()


def test_a_response_without_a_request_ends_the_connection_before_its_next_use() -> None:
    with connected() as (connection, theirs):
        assert parts(exchange_on(connection, theirs, OK)) == (200, b"{}", "")
        assert connection.is_reusable()
        theirs.send(OK)
        assert not connection.is_fresh(time.monotonic())


def test_a_connection_that_the_server_has_closed_is_not_fresh() -> None:
    with connected() as (connection, theirs):
        exchange_on(connection, theirs, OK)
        assert connection.is_fresh(time.monotonic())
        theirs.shutdown(socket.SHUT_WR)
        assert not connection.is_fresh(time.monotonic())


@pytest.mark.parametrize("content", [b"", b"HTTP/1.1 2", OK[:-1], OK[:-1] + b"" * 5])
def test_a_silent_server_is_given_up_at_the_timeout(content: bytes) -> None:
    """The server neither sends anything nor closes, so only the timeout can end the exchange."""
    began_at = time.monotonic()
    if OK.startswith(content) and len(content) > 60:
        response = exchange(content, IMPATIENT, close=False)
        assert (response.status, response.body_error) == (200, "the body did not end in time")
    else:
        with pytest.raises(ResponseLost, match=r"no response within 0\.5 s"):
            exchange(content, IMPATIENT, close=False)
    assert time.monotonic() - began_at > 0.49


def test_a_response_to_head_has_no_body_and_ends_the_connection() -> None:
    with connected() as (connection, theirs):
        content = OK.removesuffix(b"{}")
        assert parts(exchange_on(connection, theirs, content, HEAD)) == (200, b"", "")
        assert not connection.is_reusable()


def test_switching_protocols_is_a_response_and_ends_the_connection() -> None:
    with connected() as (connection, theirs):
        content = b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nrest"
        assert exchange_on(connection, theirs, content).status == 101
        assert not connection.is_reusable()


def test_a_compressed_body_is_decoded_to_the_limit_only() -> None:
    packed = gzip.compress(bytes(5 * MAX_BODY_BYTES))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    response = exchange(head + packed)
    assert len(response.body) == MAX_BODY_BYTES
    assert response.body_error.startswith(f"the body is over {MAX_BODY_BYTES:,} bytes after")


def test_a_content_encoding_that_was_not_asked_for_is_an_error_of_the_body() -> None:
    content = OK.replace(b"Content-Length: 2", b"Content-Encoding: br\r\nContent-Length: 2")
    assert exchange(content).body_error == "its content-encoding br was not asked for"


def spoilt(dice: random.Random) -> bytes:
    """Corrupt a response: bytes changed, removed, repeated, inserted; or random bytes alone."""
    if dice.random() < 0.1:
        return dice.randbytes(dice.randrange(200))
    content = bytearray(dice.choice(SEEDS))
    for _ in range(dice.randrange(4)):
        at = dice.randrange(len(content) + 1)
        match dice.randrange(5):
            case 0:
                content[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del content[at : at + dice.randrange(8)]
            case 2:
                content[at:at] = content[max(0, at - dice.randrange(20)) : at]
            case 3:
                content[at:at] = dice.randbytes(dice.randrange(6))
            case _:
                content += dice.choice(SEEDS)
    return bytes(content)


@pytest.mark.long
def test_none_of_a_hundred_thousand_corrupt_responses_hangs_or_crashes_the_client() -> None:
    """The server closes after each, so none is waited for until its timeout."""
    dice = random.Random(SEED)
    outcomes = {"whole": 0, "broken": 0, "none": 0}
    for _ in range(CASES):
        content = spoilt(dice)
        try:
            response = exchange(content, HEAD if dice.random() < 0.05 else GET)
        except ResponseLost as doubt:
            assert "no response within" not in str(doubt)
            outcomes["none"] += 1
        else:
            assert 0 <= response.status <= 999
            assert len(response.body) <= MAX_BODY_BYTES
            assert response.body_error != "the body did not end in time"
            outcomes["broken" if response.body_error else "whole"] += 1
    assert sum(outcomes.values()) == CASES
    assert min(outcomes.values()) > CASES // 50, outcomes
