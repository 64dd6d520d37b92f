"""A service of a user, with nothing but the standard library: a counter, and a row for each use."""

import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

DATABASE = Path("uses.db")
LOCK = Lock()


class Meter(BaseHTTPRequestHandler):
    """POST /uses counts a use, and writes its row."""

    protocol_version = "HTTP/1.1"
    uses = 0

    def do_GET(self) -> None:
        is_metrics = self.path == "/metrics"
        text = f"# TYPE uses_total counter\nuses_total {Meter.uses}\n" if is_metrics else "ok"
        self.respond(200, text)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with LOCK, sqlite3.connect(DATABASE) as database:
            database.execute("INSERT INTO uses VALUES (?)", (self.headers.get("X-Tenant"),))
            Meter.uses += 1
        self.respond(201, "counted")

    def respond(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Write no log."""


if __name__ == "__main__":
    with sqlite3.connect(DATABASE) as created:
        created.execute("CREATE TABLE uses (tenant)")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Meter)
    print(server.server_port, flush=True)
    server.serve_forever()
