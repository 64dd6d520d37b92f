"""A metering service that is killed between a charge and its response, and started again.

`python -m tests.integration.killed_meter DATABASE LISTENER MOMENT KILLS START` serves one life of
it. Its charges survive in SQLite or in PostgreSQL, its counters begin at zero. The supervisor keeps
the listening socket, so that requests wait while no process is there to accept them.
"""

import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, LiteralString

import psycopg

from tests.paths import ROOT

SQLITE = "sqlite:///"
CUSTOMERS = 5
CHARGES_OF_A_LIFE = 12
LOST_CHARGE = 3  # of the first life; its trace id is noted
AROUND_CHARGE_S = 0.005  # so that requests of other users are open when one is killed


class Moment(StrEnum):
    """When a process kills itself; `LOSES` also forgets a charge that it responds to."""

    BEFORE_CHARGE = "before-charge"
    AFTER_CHARGE = "after-charge"
    LOSES = "loses"


class Store:
    """What outlives a process: charges, and how often one was killed; each row is committed."""

    def __init__(self, database: str) -> None:
        self._connection: sqlite3.Connection | psycopg.Connection
        if database.startswith(SQLITE):
            self._connection = sqlite3.connect(
                database.removeprefix(SQLITE), isolation_level=None, check_same_thread=False
            )
        else:
            self._connection = psycopg.connect(database.replace("+psycopg", ""), autocommit=True)
        self._mark = "?" if database.startswith(SQLITE) else "%s"
        for table in ("usage (tenant TEXT, trace TEXT, customer TEXT, tokens NUMERIC(12, 3))",
                      "kills (charges INTEGER)", "lost (trace TEXT, customer TEXT)"):  # fmt: skip
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {table}")

    @property
    def kills(self) -> int:
        return len(self.read("SELECT charges FROM kills"))

    def read(self, query: LiteralString) -> list[tuple[Any, ...]]:
        return self._connection.execute(query).fetchall()

    def insert(self, table: str, *values: object) -> None:
        """Commit one row."""
        marks = ", ".join([self._mark] * len(values))
        self._connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)

    def close(self) -> None:
        self._connection.close()


class Meter:
    """One life of the service."""

    def __init__(self, database: str, moment: Moment, kills: int, *, shows_start: bool) -> None:
        self._store, self._moment, self._kills = Store(database), moment, kills
        self._used: Counter[tuple[str, str]] = Counter()
        self._charges, self._lock = 0, Lock()
        self._start = (
            ["# TYPE process_start_time_seconds gauge", f"process_start_time_seconds {time.time()}"]
            if shows_start
            else []
        )

    def charge(self, tenant: str, trace: str, customer: str) -> Decimal:
        """Charge a customer with a random amount of thousandths, and return it."""
        tokens = Decimal(random.randint(1, 100_000)) / 1000
        time.sleep(AROUND_CHARGE_S)
        with self._lock:
            self._charges += 1
            is_last = self._charges == CHARGES_OF_A_LIFE and self._store.kills < self._kills
            if is_last and self._moment is Moment.BEFORE_CHARGE:
                self._die()
            self._used[tenant, customer] += float(tokens)  # type: ignore[assignment]
            if self._is_lost():
                self._store.insert("lost", trace, customer)
            else:
                self._store.insert("usage", tenant, trace, customer, float(tokens))
            if is_last:
                self._die()
        time.sleep(AROUND_CHARGE_S)
        return tokens

    def _is_lost(self) -> bool:
        is_first_life = not self._store.kills
        return self._moment is Moment.LOSES and is_first_life and self._charges == LOST_CHARGE

    def _die(self) -> None:
        self._store.insert("kills", self._charges)
        os.kill(os.getpid(), signal.SIGKILL)

    def exposition(self) -> str:
        """Render the counters of this life."""
        with self._lock:
            lines = [
                f'tokens_used_total{{tenant="{tenant}",customer="{customer}"}} {used!r}'
                for (tenant, customer), used in self._used.items()
            ]
        return "\n".join([*self._start, "# TYPE tokens_used_total counter", *lines, ""])


def serve(listener: socket.socket, meter: Meter) -> None:
    """Serve until killed."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            is_metrics = self.path == "/metrics"
            self._respond(meter.exposition() if is_metrics else "{}")

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            customer = asked["customer"] or f"c{random.randrange(CUSTOMERS)}"
            tenant = self.headers["X-Tenant-ID"]
            trace = self.headers["X-Trace-ID"] or self.headers["traceparent"]
            tokens = meter.charge(tenant, trace, customer)
            self._respond(json.dumps({"customer": customer, "tokens": float(tokens)}))

        def _respond(self, body: str) -> None:
            self.send_response(200)
            kind = "application/json" if body.startswith("{") else "text/plain"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Write no log."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A scrape that timed out is what a Prometheus on a busy machine leaves."""

    server = Server(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.serve_forever()


@contextmanager
def killed_meter(
    database: str, moment: Moment, kills: int, *, shows_start: bool = True
) -> Iterator[int]:
    """Start the service again whenever it was killed, within the block; yield its port."""
    Store(database).close()
    over = Event()
    lives: list[subprocess.Popen[bytes]] = []
    with closing(socket.create_server(("127.0.0.1", 0), backlog=100)) as listener:
        command = [sys.executable, "-m", "tests.integration.killed_meter", database,
                   str(listener.fileno()), moment, str(kills), str(int(shows_start))]  # fmt: skip

        def supervise() -> None:
            while not over.is_set():
                lives.append(subprocess.Popen(command, cwd=ROOT, pass_fds=[listener.fileno()]))
                lives[-1].wait()

        supervisor = Thread(target=supervise)
        supervisor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            while supervisor.is_alive():
                for life in lives:
                    life.kill()
                supervisor.join(0.01)


if __name__ == "__main__":
    serve(
        socket.socket(fileno=int(sys.argv[2])),
        Meter(sys.argv[1], Moment(sys.argv[3]), int(sys.argv[4]), shows_start=sys.argv[5] == "1"),
    )
