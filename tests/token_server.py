"""A token endpoint, and a shop that takes its tokens only while they are valid."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_hex
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from scenarios.http.token_request import Token
from tests.tiny_server import in_background


@dataclass
class TokenEndpoint:
    """Issues tokens, and knows which are valid on a clock."""

    lifetime_s: float = 20.0
    now_s: Callable[[], float] = time.monotonic
    issued: list[tuple[str, float]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def issue(self) -> Token:
        """Issue a token."""
        with self._lock:
            token = f"tok-{token_hex(12)}"
            self.issued.append((token, self.now_s()))
        return Token(token, self.lifetime_s)

    def accepts(self, authorization: str) -> bool:
        """Return whether a header Authorization has a token that is valid now."""
        ends = {f"Bearer {token}": at_s + self.lifetime_s for token, at_s in list(self.issued)}
        return self.now_s() < ends.get(authorization, float("-inf"))


@dataclass
class TokenServer:
    """Where it listens: tokens at /token; and what it was asked, by path.

    `forms` are those of the token requests, `headers` those of every request.
    """

    url: str
    endpoint: TokenEndpoint
    paths: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def auth(self) -> dict[str, Any]:
        """The credentials of a client, as an environment has them."""
        return {
            "token_url": f"{self.url}/token", "client_id": "ada", "client_secret": "hunter22",
        }  # fmt: skip


@contextmanager
def serving_tokens(
    endpoint: TokenEndpoint | None = None, answer: Callable[[], tuple[int, bytes]] | None = None
) -> Iterator[TokenServer]:
    """Serve on a free port; `answer` gives status and body of token requests instead."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.path != "/token":
                self._answer_shop()
                return
            server.forms.append({name: value for name, (value,) in parse_qs(form).items()})
            if answer:
                self._say(*answer())
                return
            token = server.endpoint.issue()
            content = {"access_token": token.text, "token_type": "Bearer",
                       "expires_in": token.lifetime_s}  # fmt: skip
            self._say(200, json.dumps(content).encode())

        def do_GET(self) -> None:
            self._answer_shop()

        def _answer_shop(self) -> None:
            sent = self.headers.get("Authorization", "")
            is_open = self.path.partition("?")[0] == "/health"
            well = is_open or server.endpoint.accepts(sent)
            self._say(200 if well else 401, json.dumps({"sent": sent}).encode())

        def _say(self, status: int, body: bytes) -> None:
            server.paths.append(self.path)
            server.statuses.append(status)
            server.headers.append(dict(self.headers.items()))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Write no log."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that leaves is what some tests want."""

    with Server(("127.0.0.1", 0), Handler) as http:
        server = TokenServer(f"http://127.0.0.1:{http.server_port}", endpoint or TokenEndpoint())
        with in_background(http):
            yield server
