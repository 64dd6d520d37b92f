"""Requests that exceed the limits of a connection, on real sockets under uvicorn."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from reference_services.common.http_protocol import MAX_HEAD_BYTES, BoundedHttpProtocol

QUICK_S, HANGS_S = 0.3, 60.0


class _Quick(BoundedHttpProtocol):
    request_s = QUICK_S


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the whole body, and respond with the number of the headers."""
    while scope["type"] == "http":
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message.get("more_body"):
            body = str(len(scope["headers"])).encode()
            await send({"type": "http.response.start", "status": 200,
                        "headers": [(b"content-length", b"%d" % len(body))]})  # fmt: skip
            await send({"type": "http.response.body", "body": body})
            return


@pytest.fixture(params=[BoundedHttpProtocol], ids=lambda each: each.__name__)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(_app, http=request.param, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def _response(port: int, start: bytes, then: bytes = b"") -> bytes:
    """Send a start, then a piece again and again; return what came until the server closed."""
    with closing(socket.create_connection(("127.0.0.1", port), HANGS_S)) as connection:
        with suppress(OSError):
            connection.sendall(start)
            for _ in range(2_000 if then else 0):
                connection.sendall(then)
        received = b""
        with suppress(ConnectionError):
            while piece := connection.recv(65_536):
                received += piece
        return received


def test_a_request_within_the_limits_is_served(port: int) -> None:
    chunked = b"POST / HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert _response(port, chunked + b"1\r\nx\r\n0\r\nX-A: 1\r\n\r\n").endswith(b"\r\n\r\n2")


@pytest.mark.parametrize(
    ("start", "then"),
    [
        (b"GET /", b"x" * 65_536),
        (b"GET / HTTP/1.1\r\nX-A: ", b"x" * 65_536),
        (b"GET / HTTP/1.1\r\n", b"X-A: 1\r\n" * 1_000),
        (b"GET / HTTP/1.1\r\n" + b"x" * 200, b"y" * 65_536),
    ],
    ids=["a target", "a header line", "headers", "a header name"],
)
def test_a_head_without_end_is_refused(port: int, start: bytes, then: bytes) -> None:
    response = _response(port, start, then)
    assert response == b"" or response.startswith(b"HTTP/1.1 400 ")
    assert b"HTTP/1.1 200" not in response


@pytest.mark.parametrize(
    ("start", "then"),
    [
        (b"0\r\n", b"X-A: 1\r\n" * 1_000),
        (b"0\r\nX-A: ", b"x" * 65_536),
        (b"1;a=", b"x" * 65_536),
        (b"", b"1;a=" + b"y" * 9_000 + b"\r\nx\r\n"),
    ],
    ids=["trailers", "a trailer line", "a chunk extension", "chunk extensions"],
)
def test_framing_without_end_is_refused(port: int, start: bytes, then: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b"HTTP/1.1 200" not in _response(port, head + start, then)


@pytest.mark.parametrize("port", [_Quick], indirect=True)
@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"\r\n",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nX-A: 1\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    ],
    ids=["nothing", "an empty line", "half a line", "half a head", "half a body", "no trailers"],
)
def test_a_request_that_does_not_end_is_closed(port: int, start: bytes) -> None:
    assert _response(port, start) == b""


def test_a_head_of_the_limit_is_served(port: int) -> None:
    head = b"GET / HTTP/1.1\r\nConnection: close\r\nX-A: "
    head += b"x" * (MAX_HEAD_BYTES - len(head) - 4) + b"\r\n\r\n"
    assert _response(port, head).startswith(b"HTTP/1.1 200")
