"""A real HTTP server on a free port whose answers a test gives by path."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from socket import socket
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Says:
    """One answer: a status and a body. `hangs` is to say nothing until the test is over.

    `is_live` adds a comment that differs each time, as an exposition that comes from no cache does.
    """

    body: str = ""
    status: int = 200
    content_type: str = "application/json"
    hangs: bool = False
    is_live: bool = False


@dataclass
class TinyServer:
    """Where it listens, and the paths that were asked for, without their queries."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(answers: Mapping[str, Says]) -> Iterator[TinyServer]:
    """Answer each path, or `PATH?QUERY` with the value of its `query`, as told; others with 404."""
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, parameters = self.path.partition("?")
            query = "".join(parse_qs(parameters).get("query", []))
            served.asked.append(path)
            missing = Says("not found", 404, "text/plain")
            says = answers.get(f"{path}?{query}", answers.get(path, missing))
            if says.hangs:
                over.wait(240)
                return
            live = f"# request {len(served.asked)}\n" if says.is_live else ""
            content = f"{says.body}{live}".encode()
            self.send_response(says.status)
            self.send_header("Content-Type", says.content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing on the test's output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = TinyServer(f"http://127.0.0.1:{server.server_port}")
        with in_background(server):
            try:
                yield served
            finally:
                over.set()


@contextmanager
def in_background(server: HTTPServer) -> Iterator[None]:
    """Have a server answer within the block, from a thread of its own."""
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
