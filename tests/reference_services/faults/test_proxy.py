"""Tests that the proxy is transparent except for its faults."""

import asyncio
import gc
import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from threading import Barrier, Event, Thread
from typing import Any

import httpx
import pytest

from reference_services.faults.proxy import Address, ProxyFaults, run_proxy

LARGE = b"0123456789abcdef" * 200_000
HOST = "Host: there\r\n"
NO_FAREWELL = struct.pack("ii", 1, 0)
LAST = HOST + "Connection: close\r\n"


class Handler(BaseHTTPRequestHandler):
    """Sends responses with every way of ending one."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Upstream"

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        body = self._body()
        self.server.seen.append((self.command, self.path, body))
        self.server.answer(self.path)
        if self.path == "/empty":
            self._head(204)
        elif self.path == "/unchanged":
            self._head(304, ETag='"1"')
        elif self.path == "/chunked":
            self._head(200, **{"Transfer-Encoding": "chunked", "X-mIxEd": " a  b "})
            self.wfile.write(b"5\r\nfirst\r\n6;x=y\r\nsecond\r\n0\r\nTrailer: t\r\n\r\n")
        elif self.path == "/until-end":
            self._head(200, Connection="close")
            self.wfile.write(b"as long as it lasts")
        elif self.path == "/short":
            self._head(200, **{"Content-Length": "100"})
            self.wfile.write(b"no hundred")
            self.close_connection = True
        else:
            text = b"%s %s %s" % (self.server.name, self.command.encode(), body)
            self._head(201, **{"Content-Length": str(len(text))})
            self.wfile.write(b"" if self.command == "HEAD" else text)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return "always the same"

    def log_request(self, *_args: object) -> None:
        """Log nothing."""


class Upstream(ThreadingHTTPServer):
    """A service that records its requests."""

    request_queue_size = 512
    daemon_threads = True

    def __init__(self, name: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        self.connections = 0
        self.seen: list[tuple[str, str, bytes]] = []
        self.answer: Callable[[str], object] = lambda _path: None

    @property
    def address(self) -> Address:
        return "127.0.0.1", self.server_port


@contextmanager
def upstream(name: bytes = b"first") -> Iterator[Upstream]:
    with Upstream(name) as server:
        serving = Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield server
        finally:
            server.shutdown()
            serving.join()


@contextmanager
def proxied(to: Address, breakage: ProxyFaults = ProxyFaults()) -> Iterator[Address]:  # noqa: B008
    """Run a proxy within the block; an unhandled exception of the proxy fails the test."""
    loop = asyncio.new_event_loop()
    errors: list[dict[str, Any]] = []

    def note(_: object, error: dict[str, Any]) -> None:
        # Python 3.11 reports connections that the end of the proxy cancels.
        if not isinstance(error.get("exception"), asyncio.CancelledError):
            errors.append(error)

    loop.set_exception_handler(note)
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    task = loop.create_task(run_proxy(listener, to, breakage))

    def run() -> None:
        with (
            asyncio.Runner(loop_factory=lambda: loop) as runner,
            pytest.raises(asyncio.CancelledError),
        ):
            runner.run(_until_cancelled(task))

    thread = Thread(target=run)
    thread.start()
    try:
        yield host, port
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        gc.collect()  # only then does a failed task tell
    assert not errors


async def _until_cancelled(task: asyncio.Task[None]) -> None:
    await task


@pytest.fixture
def service() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


def bytes_of(address: Address, request: str) -> bytes:
    """Return every byte until the other side closes the connection."""
    with socket.create_connection(address, 10) as connection:
        connection.sendall(request.encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def ask(address: Address, path: str) -> bytes:
    return bytes_of(address, f"GET {path} HTTP/1.1\r\n{LAST}\r\n").rpartition(b"\r\n")[2]


def holding_back(service: Upstream, held: str) -> tuple[Event, Event]:
    """Return an event for the arrival of a request, and one that releases its response."""
    has_come, may_answer = Event(), Event()

    def answer(path: str) -> None:
        if path == held:
            has_come.set()
            may_answer.wait(60)

    service.answer = answer
    return has_come, may_answer


@pytest.mark.parametrize(
    "request_text",
    [
        f"GET /api/v1/x?a=%20 HTTP/1.1\r\n{LAST}X-Odd:   as it is  \r\n\r\n",
        f"HEAD /api/v1/x HTTP/1.1\r\n{LAST}\r\n",
        f"POST /api/v1/x HTTP/1.1\r\n{LAST}Content-Length: 4\r\n\r\nbody",
        f"PUT /x HTTP/1.1\r\n{LAST}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        f"GET /empty HTTP/1.1\r\n{LAST}\r\n",
        f"GET /unchanged HTTP/1.1\r\n{LAST}\r\n",
        f"GET /chunked HTTP/1.1\r\n{LAST}\r\n",
        f"GET /until-end HTTP/1.1\r\n{HOST}\r\n",
        "GET /x HTTP/1.0\r\n\r\n",
        f"GET /1 HTTP/1.1\r\n{HOST}\r\nHEAD /2 HTTP/1.1\r\n{HOST}\r\nGET /3 HTTP/1.1\r\n{LAST}\r\n",
    ],
)
def test_every_byte_comes_back_as_it_would_without_the_proxy(
    service: Upstream, request_text: str
) -> None:
    direct = bytes_of(service.address, request_text)
    with proxied(service.address) as proxy:
        assert bytes_of(proxy, request_text) == direct
    half = len(service.seen) // 2
    assert half
    assert service.seen[:half] == service.seen[half:]


def test_a_connection_is_kept_and_each_request_has_one_of_its_own_behind(
    service: Upstream,
) -> None:
    with proxied(service.address) as (host, port), httpx.Client() as client:
        streams = set()
        for _ in range(5):
            answer = client.post(f"http://{host}:{port}/api/x", content=b"more")
            assert answer.content == b"first POST more"
            streams.add(id(answer.extensions["network_stream"]))
    assert len(streams) == 1
    assert service.connections == 5


def test_large_bodies_are_forwarded_completely(service: Upstream) -> None:
    with proxied(service.address) as (host, port):
        answer = httpx.post(f"http://{host}:{port}/api/x", content=LARGE, timeout=60)
    assert answer.content == b"first POST " + LARGE


def test_a_client_that_expects_100_continue_gets_it(service: Upstream) -> None:
    head = f"POST /x HTTP/1.1\r\n{LAST}Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    with (
        proxied(service.address) as proxy,
        socket.create_connection(proxy, 10) as connection,
    ):
        connection.sendall(head.encode())
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"body")
        assert b"201" in b"".join(iter(lambda: connection.recv(65536), b""))
    assert service.seen == [("POST", "/x", b"body")]


def test_two_hundred_requests_are_under_way_at_once(service: Upstream) -> None:
    barrier = Barrier(200)
    service.answer = lambda _path: barrier.wait(60)
    with proxied(service.address) as proxy, ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda n: ask(proxy, f"/api/{n}"), range(200)))
    assert answers == [b"first GET "] * 200


def test_no_request_waits_for_an_acknowledgement(service: Upstream) -> None:
    with proxied(service.address) as (host, port), httpx.Client() as client:
        urls = {
            "proxied": f"http://{host}:{port}",
            "direct": "http://{}:{}".format(*service.address),
        }
        durations_s: dict[str, list[float]] = {path: [] for path in urls}
        for _ in range(50):
            for path, url in urls.items():
                began_at = time.perf_counter()
                client.post(f"{url}/api/x", content=b"more")
                durations_s[path].append(time.perf_counter() - began_at)
    # A delayed acknowledgement takes 40 ms, a response about one.
    assert median(durations_s["proxied"]) < 10 * median(durations_s["direct"])


def test_every_third_api_request_is_done_and_its_connection_reset(service: Upstream) -> None:
    with proxied(service.address, ProxyFaults(cut_every=3)) as proxy:
        for turn in range(1, 10):
            assert ask(proxy, "/health") == b"first GET "
            if turn % 3:
                assert ask(proxy, f"/api/{turn}") == b"first GET "
            else:
                with pytest.raises(ConnectionResetError):
                    ask(proxy, f"/api/{turn}")
    asked = [path for _, path, _ in service.seen if path != "/health"]
    assert asked == [f"/api/{turn}" for turn in range(1, 10)]


def test_a_cut_request_is_handled_before_its_connection_is_reset(service: Upstream) -> None:
    at_it, may_answer = holding_back(service, "/api/slow")
    with (
        proxied(service.address, ProxyFaults(cut_every=1)) as proxy,
        socket.create_connection(proxy, 10) as client,
    ):
        client.sendall(f"GET /api/slow HTTP/1.1\r\n{HOST}\r\n".encode())
        assert at_it.wait(60)
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)
        client.settimeout(10)
        may_answer.set()
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_cut_spares_the_other_connections(service: Upstream) -> None:
    with proxied(service.address, ProxyFaults(cut_every=2)) as (host, port):
        url = f"http://{host}:{port}/api/x"
        with httpx.Client() as stays, httpx.Client() as suffers:
            assert stays.get(url).status_code == 201
            with pytest.raises(httpx.ReadError):
                suffers.get(url)
            assert stays.get(url).status_code == 201
    assert service.connections == 3


def test_after_the_switch_all_goes_to_the_other_address(service: Upstream) -> None:
    left = Event()
    with upstream(b"second") as second:
        breakage = ProxyFaults(switch_after=2, switch_to=second.address, on_left=left.set)
        with proxied(service.address, breakage) as proxy:
            paths = ("/metrics", "/api/1", "/metrics", "/api/2", "/metrics", "/api/3")
            who = [ask(proxy, path).partition(b" ")[0] for path in paths]
    assert who == [b"first"] * 4 + [b"second"] * 2
    assert left.is_set()


def test_the_first_address_is_left_only_when_its_last_request_was_answered(
    service: Upstream,
) -> None:
    left = Event()
    at_it, may_answer = holding_back(service, "/api/slow")
    with upstream(b"second") as second, ThreadPoolExecutor(1) as pool:
        breakage = ProxyFaults(switch_after=2, switch_to=second.address, on_left=left.set)
        with proxied(service.address, breakage) as proxy:
            slow = pool.submit(ask, proxy, "/api/slow")
            assert at_it.wait(60)
            assert ask(proxy, "/api/2") == b"first GET "
            assert ask(proxy, "/api/3") == b"second GET "
            assert not left.is_set()
            may_answer.set()
            assert slow.result(60) == b"first GET "
            assert left.wait(60)


def test_a_service_that_is_down_appears_as_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = closed.getsockname()
    with proxied(nowhere) as proxy, pytest.raises(ConnectionResetError):
        ask(proxy, "/api/x")


def test_a_truncated_response_is_not_forwarded_as_a_complete_one(service: Upstream) -> None:
    with proxied(service.address) as (host, port), pytest.raises(httpx.TransportError):
        httpx.get(f"http://{host}:{port}/short")


def test_a_request_cut_off_by_the_client_is_cut_off_for_the_service_too(
    service: Upstream,
) -> None:
    has_come, may_answer = holding_back(service, "/api/half")
    may_answer.set()
    begun = f"POST /api/half HTTP/1.1\r\n{HOST}Content-Length: 9\r\n\r\n4"
    with proxied(service.address) as proxy:
        for half in ("", "GET /api", begun):
            with socket.create_connection(proxy, 10) as connection:
                connection.sendall(half.encode())
        # The service waits for the rest of the body, or for the end of the connection.
        assert has_come.wait(60)
        assert ask(proxy, "/api/x") == b"first GET "
    assert ("POST", "/api/half", b"4") in service.seen


def test_a_reset_by_a_client_raises_nothing_in_the_proxy(service: Upstream) -> None:
    with proxied(service.address) as proxy:
        for request in ("", "GET /api", f"GET /api/x HTTP/1.1\r\n{HOST}\r\n"):
            with socket.create_connection(proxy, 10) as connection:
                connection.sendall(request.encode())
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_FAREWELL)
        assert ask(proxy, "/api/x") == b"first GET "
