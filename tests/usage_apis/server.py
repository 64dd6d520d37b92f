"""A server of one usage API on a free port, whose faults a test turns on."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.tiny_server import in_background
from tests.usage_apis.events import Events
from tests.usage_apis.shapes import SHAPES, Asked

Headers = dict[str, str]
# a status, a body, and headers; None responds as usual
Instead = Callable[[Asked], tuple[int, Any, Headers] | None]


@dataclass
class UsageApi:
    """Where it listens, what it has, and what it was asked; `instead` replaces responses."""

    url: str
    name: str
    events: Events
    asked: list[Asked] = field(default_factory=list)
    instead: list[Instead] = field(default_factory=list)

    def respond(self, asked: Asked) -> tuple[int, Any, Headers]:
        """Return status, body and headers of a response."""
        self.asked.append(asked)
        for instead in self.instead:
            if answer := instead(asked):
                return answer
        return (*SHAPES[self.name](asked, self.events), {})

    def once(self, status: int, body: Any = "busy", **headers: str) -> None:
        """Have the next request, and only that, answered like this."""
        answers = [(status, body, headers)]
        self.instead.append(lambda _: answers.pop() if answers else None)


@contextmanager
def serving_usage(name: str, events: Events) -> Iterator[UsageApi]:
    """Serve an API by the name of its shape."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            address = urlsplit(self.path)
            headers = {key.lower(): value for key, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            asked = Asked(self.command, unquote(address.path), parse_qs(address.query), headers,
                          body)  # fmt: skip
            status, content, more = api.respond(asked)
            is_text = isinstance(content, str)
            sent = (content if is_text else json.dumps(content)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if is_text else "application/json")
            self.send_header("Content-Length", str(len(sent)))
            for key, value in more.items():
                self.send_header(key.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: Any) -> None:
            """Write no log into the output of the test."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api = UsageApi(f"http://127.0.0.1:{server.server_port}", name, events)
        with in_background(server):
            yield api
