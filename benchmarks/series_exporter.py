"""Export counters that a benchmark increments: one series per tenant and type.

    python -m benchmarks.series_exporter SERIES LISTENER

LISTENER is the file descriptor of a listening socket.
"""

import json
import math
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

METRIC = "uses_total"


def labels_of(number: int, series: int) -> tuple[str, str]:
    """Return the tenant and the type of a series; there are about as many of each."""
    types = max(1, math.isqrt(series))
    return f"tenant-{number // types:05}", f"type-{number % types:05}"


def export(series: int, listener: socket.socket) -> None:
    """Serve counters on a socket; a POST of `[[number, amount], ...]` increments them."""
    labels = (labels_of(number, series) for number in range(series))
    names = [f'{METRIC}{{tenant="{tenant}",type="{kind}"}} ' for tenant, kind in labels]
    values = [0] * series
    start_time = f"process_start_time_seconds {time.time()}\n"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            lines = [f"{name}{value}\n" for name, value in zip(names, values, strict=True)]
            self._respond("".join([f"# TYPE {METRIC} counter\n", *lines, start_time]).encode())

        def do_POST(self) -> None:
            amounts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for number, amount in amounts:
                values[number] += amount
            self._respond(b"")

        def _respond(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Do not log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.socket = listener
    server.serve_forever()


if __name__ == "__main__":
    export(int(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])))
