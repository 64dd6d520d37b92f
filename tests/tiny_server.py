"""A real HTTP server on a free port, with canned responses by path."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from socket import socket
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Canned:
    """One response: a status and a body. If it `hangs`, nothing is sent until the test is over.

    It is sent `delay_s` after the request. `is_live` adds a comment that differs each time, as an
    exposition that comes from no cache does.
    """

    body: str = ""
    status: int = 200
    content_type: str = "application/json"
    hangs: bool = False
    delay_s: float = 0.0
    is_live: bool = False


@dataclass
class TinyServer:
    """Where it listens, and the paths that were asked for, without their queries."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(responses: Mapping[str, Canned]) -> Iterator[TinyServer]:
    """Respond by path, or by `PATH?QUERY` with the value of its `query`; else with 404."""
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, parameters = self.path.partition("?")
            query = "".join(parse_qs(parameters).get("query", []))
            served.asked.append(path)
            missing = Canned("not found", 404, "text/plain")
            response = responses.get(f"{path}?{query}", responses.get(path, missing))
            if response.hangs:
                over.wait(240)
                return
            over.wait(response.delay_s)
            live = f"# request {len(served.asked)}\n" if response.is_live else ""
            content = f"{response.body}{live}".encode()
            self.send_response(response.status)
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Write no log into the output of the test."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = TinyServer(f"http://127.0.0.1:{server.server_port}")
        with in_background(server):
            try:
                yield served
            finally:
                over.set()


@contextmanager
def in_background(server: HTTPServer) -> Iterator[None]:
    """Have a server respond within the block, from a thread of its own."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def nobody_listens_at() -> str:
    """Return the address of a port that was free a moment ago."""
    with socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}"
