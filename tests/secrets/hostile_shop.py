"""A shop, with its metrics and its Prometheus, that repeats whatever it was ever sent.

It repeats in every form that a careless system may write, at every offset, and in every place:
bodies, content types, status lines, labels, comments, warnings and errors.
"""

import base64
import html
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from tests.tiny_server import in_background

METRIC = "shop_orders_total"
LOGIN_TOKEN = "saved-T0ken/of+login~1"
OAUTH_TOKEN = "fetched.T0ken-of_endpoint~2"
SESSION = "Session-Value/of+cookie=3"
HEADER_TOKEN = "T0ken-of_a.header~4"
FORM_TOKEN = "csrf-T0ken-of'a&form~5"


def _wholly_percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def wholly_unicode(text: str) -> str:
    """Escape every character for JSON."""
    units = text.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _base64(before: str) -> Callable[[str], str]:
    return lambda text: base64.b64encode(f"{before}{text}!?".encode()).decode()


FORMS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    wholly_unicode,
    _base64(""),
    _base64("a"),
    _base64("bc"),
    lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    lambda text: text.encode().hex(),
    lambda text: text.encode().hex().upper(),
    lambda text: quote(text, safe=""),
    _wholly_percent,
    html.escape,
)


@dataclass
class HostileShop:
    """Where it listens, and every value that it was sent."""

    url: str
    heard: dict[str, None] = field(default_factory=dict)
    orders: int = 0
    responses: int = 0
    is_down: bool = False

    def hear(self, headers: dict[str, str], path: str, body: bytes) -> None:
        """Keep every value of a request."""
        values = [*headers.values(), *(value for _, value in parse_qsl(path.partition("?")[2]))]
        values += [word for value in headers.values() for word in value.split()]
        for value in headers.values():
            values += _decoded(value).split(":", 1) if value.startswith("Basic ") else ()
        values += [part.partition("=")[2] for part in path.partition("?")[2].split("&")]
        if "json" in headers.get("Content-Type", ""):
            values += _texts(json.loads(body))
        else:  # forms, parts of forms, texts
            values += [value for _, value in parse_qsl(body.decode())]
            values += body.decode().splitlines()
        values += [unquote(segment) for segment in path.partition("?")[0].split("/")]
        values += [part.partition("=")[2].strip() for part in headers.get("Cookie", "").split(";")]
        self.heard |= dict.fromkeys(value for value in values if len(value) > 3)

    def echo(self, form: int) -> str:
        """Return everything that was heard, in one form."""
        return " ; ".join(FORMS[form % len(FORMS)](value) for value in tuple(self.heard))

    def page(self) -> str:
        """Return an exposition."""
        lines = ["# TYPE process_start_time_seconds gauge", "process_start_time_seconds 1000"]
        lines += [f"# HELP {METRIC} {self.echo(0)}", f"# TYPE {METRIC} counter"]
        lines += [f'{METRIC}{{kind="card"}} {self.orders}', "# TYPE keys gauge"]
        for number, value in enumerate(tuple(self.heard)):
            label = FORMS[number % len(FORMS)](value).replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'keys{{number="{number}",key="{label}"}} 1')
        return "\n".join([*lines, ""])


def _decoded(basic: str) -> str:
    return base64.b64decode(basic.removeprefix("Basic ")).decode()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    members = value.values() if isinstance(value, dict) else value
    for member in members if isinstance(value, dict | list) else ():
        yield from _texts(member)


@contextmanager
def hostile_shop() -> Iterator[HostileShop]:
    """Serve the shop."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._respond()

        def do_GET(self) -> None:
            self._respond()

        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            shop.hear(dict(self.headers.items()), self.path, body)
            shop.responses += 1
            path = unquote(self.path.partition("?")[0])
            if path.startswith("/order/"):
                self._order(int(path.rpartition("/")[2]))
            elif path == "/login":
                self._say(json.dumps({"access": LOGIN_TOKEN, "of": shop.echo(0)}))
            elif path == "/token":
                token = {"access_token": OAUTH_TOKEN, "expires_in": 30, "of": shop.echo(1)}
                self._say(json.dumps(token))
            elif path == "/session":
                form = f"""<input name="csrf" value="{FORM_TOKEN}">"""
                cookie = f"sid={SESSION}; Path=/"
                self._say(
                    form + shop.echo(2), headers={"Set-Cookie": cookie, "X-Token": HEADER_TOKEN}
                )
            elif path == "/metrics":
                self._say(shop.page(), content_type="text/plain")
            elif path.startswith("/api/v1/"):
                query = dict(parse_qsl(self.path.partition("?")[2] or body.decode()))
                self._query(path, query.get("query", ""))
            else:
                status = 503 if shop.is_down else 200
                echo = json.dumps({"version": shop.echo(shop.responses), "of": shop.echo(2)})
                self._say(echo, status)

        def _query(self, path: str, query: str) -> None:
            echo = shop.echo(shop.responses)
            if "errors_total" in query or "[" in query or shop.is_down:
                reason = "x" * (shop.responses % 200) + echo
                error = {"status": "error", "errorType": "timeout", "error": reason}
                self._say(json.dumps(error), 503)
                return
            data: object = []
            if query == "time()":
                data = {"resultType": "scalar", "result": [0, "5"]}
            elif path.endswith("/query"):
                data = {"resultType": "vector", "result": [
                    {"metric": {"job": "shop", "key": echo}, "value": [1, "1"]}]}  # fmt: skip
            elif path.endswith("/targets"):
                labels = {"job": "shop", "key": echo}
                data = {"activeTargets": [{"labels": labels, "scrapeInterval": "1s"}]}
            elif path.endswith("/values"):
                data = [METRIC, "up", "errors_total"]
            elif path.endswith("/buildinfo"):
                data = {"version": echo}
            warnings = [echo, shop.echo(3)]
            self._say(json.dumps({"status": "success", "data": data, "warnings": warnings}))

        def _order(self, number: int) -> None:
            shop.orders += 1
            echo = shop.echo(number)
            kind = number % 5
            if kind == 0:
                self._say("x" * (1_900 + number) + echo, 500, "text/plain")
            elif kind == 1:
                self._say(json.dumps({"state": "x" * (150 + number // 5) + echo}))
            elif kind == 2:
                self._say(f"<p>{html.escape(echo)}</p>", content_type=f"text/x; of={echo[:300]}")
            elif kind == 3:
                self._say(json.dumps({"state": {"deep": [echo, {echo: 1}]}}))
            else:
                self.wfile.write(f"HTTP/1.1 abc {echo}\r\n\r\n".encode(errors="replace"))
                self.close_connection = True

        def _say(
            self, text: str, status: int = 200, content_type: str = "application/json",
            headers: Mapping[str, str] = MappingProxyType({}),
        ) -> None:  # fmt: skip
            content = text.encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", content_type.replace("\n", " "))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Write no log into the output of the test."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shop = HostileShop(f"http://127.0.0.1:{server.server_port}")
        with in_background(server):
            yield shop
