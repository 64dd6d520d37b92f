"""A replica of a shop: it counts uses with prometheus_client, and in a file of truth.

    python -m benchmarks.replica_service PORT METRICS_ADDRESS TRUTH

Replicas share PORT: the kernel gives each connection to one of them. A use is written to TRUTH
before it is counted. SIGTERM ends a replica after its last response.
"""

import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from prometheus_client import Counter, start_http_server

USES = Counter("shop_uses", "Uses of the shop.", ["kind"])


class SharedServer(ThreadingHTTPServer):
    """A server whose port others listen at, too; its end waits for the responses."""

    daemon_threads = False
    request_queue_size = 128

    def server_bind(self) -> None:
        """Bind to the shared port."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()


def main(arguments: list[str]) -> None:
    """Serve until SIGTERM."""
    port, (host, _, metrics_port), path = (
        int(arguments[0]), arguments[1].rpartition(":"), arguments[2],
    )  # fmt: skip
    truth = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Respond to a health check."""
            self._respond(b"{}")

        def do_POST(self) -> None:
            """Count a use."""
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kind = parse_qs(urlsplit(self.path).query)["kind"][0]
            os.write(truth, f"{kind}\n".encode())
            USES.labels(kind).inc()
            self._respond(b"{}")

        def _respond(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Write no log."""

    start_http_server(int(metrics_port), host)
    with SharedServer(("127.0.0.1", port), Shop) as server:
        signal.signal(signal.SIGTERM, lambda *_: Thread(target=server.shutdown).start())
        print("ready", flush=True)
        server.serve_forever(poll_interval=0.02)
    os._exit(0)  # the metrics end with the traffic


if __name__ == "__main__":
    main(sys.argv[1:])
