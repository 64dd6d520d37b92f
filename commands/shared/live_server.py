"""Serve one page on loopback while a run goes on: read only, and only to this machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_HOST = "127.0.0.1"
_REFRESH_S = 2
_TIMEOUT_S = 10


@contextmanager
def live_server(render: Callable[[], str]) -> Iterator[str]:
    """Serve what `render` returns at each request; yield the address. Close it at the end."""
    server = _Server((_HOST, 0), _handler(render))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{_HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a browser that holds a connection does not hold the run


def _handler(render: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers GET and HEAD of the page, whatever else is asked for is refused."""

        timeout = _TIMEOUT_S
        server_version, sys_version = "trial-balance", ""

        def do_GET(self) -> None:
            self._respond(has_body=True)

        def do_HEAD(self) -> None:
            self._respond(has_body=False)

        def _respond(self, *, has_body: bool) -> None:
            # A page of another site could have its name resolve to this machine: its Host differs.
            port = self.connection.getsockname()[1]
            if self.headers.get("Host") not in (f"{_HOST}:{port}", f"localhost:{port}"):
                self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            elif self.path != "/":
                self.send_error(HTTPStatus.NOT_FOUND)
            else:
                self._send(render().encode(), has_body)

        def _send(self, page: bytes, has_body: bool) -> None:
            self.send_response(HTTPStatus.OK)
            for name, value in (
                ("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(page))),
                ("Cache-Control", "no-store"), ("Refresh", str(_REFRESH_S)),
                ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"),
            ):  # fmt: skip
                self.send_header(name, value)
            self.end_headers()
            if has_body:
                self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Write no log: the terminal shows the run."""

    return Handler
