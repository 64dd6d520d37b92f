"""Streams on one connection, given as raw bytes: well-formed, cut off and hostile."""

import _socket
import gzip
import itertools
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scenarios.http.messages import MAX_BODY_BYTES, RequestTemplate, Response, split_url
from scenarios.http.readiness import PollingReadiness
from scenarios.http.stream_connection import StreamConnection, StreamReader
from scenarios.http.streams import MAX_EVENTS, Stream, StreamEnd, StreamKind, StreamOrder

ORIGIN, _ = split_url("http://shop.example")
SSE, JSON_LINES = map(StreamOrder, StreamKind)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BODY = b"data: 1\n\ndata: 2\n\ndata: [DONE]\n\n"
QUICK_S = 0.2
HANGS_S = 60.0


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@contextmanager
def connected() -> Iterator[tuple[StreamConnection, _socket.socket]]:
    ours, theirs = _socket.socketpair()
    connection = StreamConnection(ours, PollingReadiness)
    try:
        yield connection, theirs
    finally:
        connection.close()
        theirs.close()


def exchange(
    content: bytes, order: StreamOrder = SSE, timeout_s: float = HANGS_S, close: bool = True
) -> Response:
    """Exchange with a server that sends these bytes for any request, and closes (or not)."""
    template = RequestTemplate("GET", ORIGIN, (), timeout_s, stream=order)
    with connected() as (connection, theirs):
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, len(content) * 2)
        theirs.send(content)
        if close:
            theirs.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + template.timeout_s
        return connection.exchange(b"GET / HTTP/1.1\r\n\r\n", template, deadline)


def stream_of(response: Response) -> Stream:
    assert response.stream is not None
    return response.stream


MEMBERS = gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])


def data_of(response: Response) -> list[str]:
    return [event.data for event in stream_of(response).events]


@pytest.mark.parametrize(
    "content",
    [
        HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY,
        CHUNKED + b"".join(chunk(BODY[i : i + 1]) for i in range(len(BODY))) + b"0\r\n\r\n",
        HEAD.replace(b"1.1", b"1.0") + b"\r\n" + BODY,
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(BODY),
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + MEMBERS,
        HEAD + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(BODY),
        b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"\r\n" + BODY,
        HEAD.replace(b"\r\n", b"\n") + b"\n" + BODY,
    ],
    ids=["length", "chunks of a byte", "until close", "gzip", "members", "deflate",
         "informational", "odd head"],
)  # fmt: skip
def test_events_are_found_however_the_body_is_framed(content: bytes) -> None:
    response = exchange(content)
    assert data_of(response) == ["1", "2", "[DONE]"]
    assert (response.status, response.body, response.body_error) == (200, BODY, "")
    stream = stream_of(response)
    assert stream.end is StreamEnd.ENDED
    assert stream.first_s is not None
    assert stream.longest_gap_s is not None
    assert 0 <= stream.first_s <= stream.first_s + stream.longest_gap_s < HANGS_S


def test_lines_of_json_are_events_also_the_last_without_its_end() -> None:
    response = exchange(HEAD + b'\r\n{"a": 1}\n{"a": 2}', JSON_LINES)
    assert data_of(response) == ['{"a": 1}', '{"a": 2}']
    assert response.body_error == ""


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_hang_up_ends_the_response_with_its_event(after: int) -> None:
    response = exchange(CHUNKED + chunk(BODY), StreamOrder(StreamKind.SSE, after), close=False)
    assert data_of(response) == ["1", "2", "[DONE]"][:after]
    assert stream_of(response).end is StreamEnd.HUNG_UP
    assert response.body_error == ""


def test_a_connection_with_a_hang_up_is_not_used_again_and_one_without_is() -> None:
    content = CHUNKED + chunk(BODY) + b"0\r\n\r\n"
    for after, is_reusable in ((None, True), (2, False)):
        order = StreamOrder(StreamKind.SSE, after)
        template = RequestTemplate("GET", ORIGIN, (), HANGS_S, stream=order)
        with connected() as (connection, theirs):
            theirs.send(content)
            connection.exchange(b"GET / HTTP/1.1\r\n\r\n", template, time.monotonic() + HANGS_S)
            assert connection.is_reusable() is is_reusable


def test_a_stream_that_ends_before_the_hang_up_has_ended() -> None:
    response = exchange(HEAD + b"\r\n" + BODY, StreamOrder(StreamKind.SSE, 4))
    assert stream_of(response).end is StreamEnd.ENDED


@pytest.mark.parametrize(
    ("content", "data", "reason"),
    [
        (CHUNKED + chunk(b"data: 1\n\n"), ["1"],
         "the body broke off: it was closed before its end"),
        (CHUNKED + chunk(b"data: 1\n\n") + b"ff\r\ndata: 2\n\n", ["1", "2"],
         "the body broke off: it was closed before its end"),
        (HEAD + b"Content-Length: 99\r\n\r\ndata: 1\n\n", ["1"],
         "the body broke off: it was closed before its end"),
        (HEAD + b"\r\ndata: 1\n\ndata: 2\n", ["1"], "the stream ended within an event"),
        (CHUNKED + chunk(b"data: 1\n\ndata: 2\n") + b"0\r\n\r\n", ["1"],
         "the stream ended within an event"),
        (CHUNKED + chunk(b"data: 1\n\n") + b"no chunk\r\n", ["1"],
         "the body broke off: not HTTP: Invalid character in chunk size"),
        (HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"data: 1\n\n")[:-4], ["1"],
         "the body broke off: its encoding is incomplete"),
        (HEAD + b"Content-Encoding: gzip\r\n\r\ndata: 1\n\n", [], "the body is not valid gzip"),
        (HEAD + b"Content-Encoding: br\r\n\r\ndata: 1\n\n", [],
         "its content-encoding br was not asked for"),
        (HEAD + b"\r\n" + b"data:\n\n" * (MAX_EVENTS + 1), [""] * MAX_EVENTS,
         "the stream has more than 10,000 events"),
    ],
    ids=["closed", "closed within a chunk", "closed before its length", "within an event",
         "within an event of chunks", "no chunk", "half a gzip", "no gzip", "another coding",
         "too many events"],
)  # fmt: skip
def test_a_stream_that_broke_has_a_reason_and_the_events_before_it(
    content: bytes, data: list[str], reason: str
) -> None:
    response = exchange(content)
    assert data_of(response) == data
    assert (response.status, response.body_error) == (200, reason)
    assert stream_of(response).end is StreamEnd.BROKEN


def test_a_stream_that_does_not_end_in_time_is_cut_off_with_its_events() -> None:
    response = exchange(CHUNKED + chunk(b"data: 1\n\n"), timeout_s=QUICK_S, close=False)
    assert data_of(response) == ["1"]
    assert response.body_error == "the body did not end in time"
    stream = stream_of(response)
    assert stream.first_s is not None
    assert stream.longest_gap_s is not None
    assert stream.first_s + stream.longest_gap_s >= QUICK_S, "the silence at its end is a gap"


def reader() -> StreamReader:
    return StreamReader(SSE, time.monotonic())


def fed(pieces: Iterator[bytes], head: bytes = b"") -> tuple[Response, int]:
    """Feed pieces until nothing more is read; return the response, and how many were."""
    read = reader()
    read.begin(200, head)
    count = next(i for i, piece in enumerate(pieces, 1) if read.feed(piece))
    return read.conclude(Response(200, b"")), count


def test_a_stream_that_decodes_to_too_much_is_not_read_on() -> None:
    compressor = zlib.compressobj(9, wbits=31)
    bomb = (
        compressor.compress(bytes(1_000_000)) + compressor.flush(zlib.Z_SYNC_FLUSH)
        for _ in itertools.count()
    )
    response, count = fed(bomb, b"\r\ncontent-encoding: gzip\r\n")
    assert response.body_error.startswith("the body is over 10,000,000 bytes after decoding")
    assert count == MAX_BODY_BYTES // 1_000_000 + 1
    assert len(response.body) <= MAX_BODY_BYTES


@pytest.mark.parametrize("status", [b"429 Too Many", b"500 Error"])
def test_another_status_than_2xx_is_no_stream_and_keeps_its_body(status: bytes) -> None:
    body = b'{"error": "slow down"}'
    content = b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
    response = exchange(content)
    assert (response.stream, response.body, response.body_error) == (None, body, "")


def test_no_content_is_a_stream_without_events() -> None:
    response = exchange(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert stream_of(response) == Stream((), StreamEnd.ENDED)
