"""A shop behind a login form: a hidden field against CSRF, cookies, an upload, redirects."""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.tiny_server import in_background

REPORT = b"a;b\r\n\x00\xff--1;2\r\n"
SCENARIO = """\
scenario: login
flow:
  - step: open the form
    request: GET shop /login
    save: {csrf: {text: 'name="csrf" value="([^"]+)"'}}
  - step: log in
    request: POST shop /login
    form: {user: "ann & bob", csrf: "{{ csrf }}"}
    expect: {status: 303, headers: {Location: {contains: /account}}}
    save: {next: {header: Location}}
  - step: follow
    request: GET shop {{ next }}
    headers: {X-CSRF: "{{ csrf }}"}
    expect: {json: {user: "ann & bob", "length(files)": 0}}
  - step: upload
    request: POST shop /files
    headers: {X-CSRF: "{{ csrf }}"}
    multipart:
      title: "Report {{ unique }}"
      report: {file: report.bin, type: text/csv}
    expect: {status: [200, 201]}
    save: {file: {header: Location}}
  - step: download
    request: GET shop {{ file }}
    expect: {text: "Report {{ unique }}"}
  - step: log out
    request: POST shop /logout
    expect: {status: 2xx}
  - step: is logged out
    request: GET shop /account
    expect: {status: 401}
profiles:
  e2e: {users: 1, iterations: 2}
  benchmark: {users: 3, iterations: 9}
"""
# each user logs in once, and its iterations keep the cookie
USER_SCENARIO = """\
scenario: login
user_setup:
  - step: open the form
    request: GET shop /login
    save: {csrf: {text: 'name="csrf" value="([^"]+)"'}}
  - step: log in
    request: POST shop /login
    form: {user: "ann & bob", csrf: "{{ csrf }}"}
    expect: {status: 303}
    save: {next: {header: Location}}
flow:
  - step: follow
    request: GET shop {{ next }}
    expect: {json: {user: "ann & bob"}}
  - step: upload
    request: POST shop /files
    headers: {X-CSRF: "{{ csrf }}"}
    multipart: {title: "Report {{ unique }}", report: {file: report.bin, type: text/csv}}
    expect: {status: 201}
    save: {file: {header: Location}}
  - step: download
    request: GET shop {{ file }}
    expect: {text: "Report {{ unique }}"}
  - step: is refused without the session
    request: GET shop /account
    headers: {Cookie: null}
    expect: {status: 401}
profiles:
  e2e: {users: 1, iterations: 2}
  benchmark: {users: 3, iterations: 9}
"""
ENVIRONMENT = """\
environment: here
services: {{shop: {{url: "{url}/", health: none, metrics: none}}}}
load: {{allowed: true}}
"""


@dataclass
class LoginShop:
    """Where it listens, its sessions by cookie (user, CSRF token), and the uploaded files."""

    url: str = ""
    forms: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    logins: int = 0

    def write_files(self, folder: Path, text: str = SCENARIO) -> tuple[Path, Path]:
        """Write the scenario and the environment, with the file that is uploaded."""
        scenario, environment = folder / "login.yaml", folder / "here.yaml"
        (folder / "report.bin").write_bytes(REPORT)
        scenario.write_text(text)
        environment.write_text(ENVIRONMENT.format(url=self.url))
        return scenario, environment


@contextmanager
def login_shop() -> Iterator[LoginShop]:
    """Serve the shop."""
    shop = LoginShop()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/login":
                form, csrf = secrets.token_hex(8), secrets.token_hex(8)
                shop.forms[form] = csrf
                page = f'<form><input type="hidden" name="csrf" value="{csrf}"></form>'
                self.say(200, page, f"Set-Cookie: Form={form}; Path=/login; HttpOnly")
            elif self.path.startswith("/account"):
                user, _ = shop.sessions.get(self.cookie("sid"), ("", ""))
                text = json.dumps({"user": user, "files": []})
                self.say(200 if user and not self.cookie("Form") else 401, text)
            elif not self.path.startswith("/files/"):
                self.say(404, "")
            else:
                title = shop.files[int(self.path.rpartition("/")[2])][0]
                self.say(200 if self.cookie("sid") in shop.sessions else 401, title)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            {"/login": self.log_in, "/files": self.upload, "/logout": self.log_out}[self.path](body)

        def log_in(self, body: bytes) -> None:
            form = parse_qs(body.decode(), strict_parsing=True)
            csrf = shop.forms.pop(self.cookie("Form"), None)
            if form["csrf"] != [csrf]:
                self.say(403, "no such form")
                return
            session = secrets.token_hex(8)
            shop.sessions[session] = form["user"][0], form["csrf"][0]
            shop.logins += 1
            self.say(303, "", f"Location: {shop.url}/account?first#top",
                     f"Set-Cookie: sid={session}; HttpOnly; Max-Age=60")  # fmt: skip

        def upload(self, body: bytes) -> None:
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            form: Any = BytesParser(policy=HTTP).parsebytes(head + body)
            title, report = form.iter_parts()
            _, csrf = shop.sessions.get(self.cookie("sid"), ("", ""))
            if not csrf or self.headers["X-CSRF"] != csrf:
                self.say(403 if csrf else 401, "")
                return
            content = report.get_payload(decode=True)
            shop.files.append((title.get_payload(), content))
            self.say(201, "", f"Location: files/{len(shop.files) - 1}")

        def log_out(self, _: bytes) -> None:
            shop.sessions.pop(self.cookie("sid"))
            self.say(200, "", "Set-Cookie: sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT")

        def cookie(self, name: str) -> str:
            morsel = SimpleCookie(self.headers.get("Cookie", "")).get(name)
            return morsel.value if morsel else ""

        def say(self, status: int, text: str, *headers: str) -> None:
            self.send_response(status)
            for header in (*headers, f"Content-Length: {len(text.encode())}"):
                self.send_header(*re.split(": ", header, maxsplit=1))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Write no log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        shop.url = f"http://127.0.0.1:{server.server_port}"
        with in_background(server):
            yield shop
