"""A shop of one process that keeps its orders in SQLite: slow, broken or killed as a test likes.

`python -m tests.integration.load_shop PORT DATABASE [--delay S] [--breaks-after N]` serves it.
"""

import argparse
import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.paths import ROOT
from tests.secured_servers import free_port

ENVIRONMENT = """
environment: shop
services:
  shop: {{url: "http://127.0.0.1:{port}"}}
databases: {{shop: "sqlite:///{database}"}}
headers: {{X-Tenant-ID: "{{{{ tenant }}}}"}}
exclusive: true
load: {{allowed: true, max_users: 100, max_rate: 1000/s}}
"""

SCENARIO = """
scenario: shop
quantities:
  orders:
    database: {{shop: "SELECT count(*) FROM orders WHERE tenant = :tenant"}}
    traces: {{shop: "SELECT trace, count(*) FROM orders WHERE tenant = :tenant GROUP BY trace"}}
flow:
  - step: order
    request: POST shop /orders
    json: {{owner: "{{{{ unique }}}}"}}
    timeout: 2s
    expect: {{status: 201, json: {{state: done}}}}
    counts: {{orders: 1}}
  - step: look
    request: GET shop /look
    timeout: 2s
profiles:
  load: {profile}
checks:
  latency: [{{step: order, p95: 2s}}]
  success_rate: {success_rate}
  usage: [orders]
"""

JSON = "application/json"


@dataclass
class Shop:
    """The shop as a process, and what it has by now."""

    folder: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def database(self) -> Path:
        return self.folder / "shop.sqlite"

    @property
    def environment(self) -> Path:
        return self.folder / "shop.yaml"

    def begin(self) -> None:
        """Start it, and return once it listens; its environment file is there from then on."""
        self.environment.write_text(ENVIRONMENT.format(port=self.port, database=self.database))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.load_shop", str(self.port),
             str(self.database), *self.options],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "open\n"

    def kill(self) -> None:
        """End it as a crash does."""
        if self.process and self.process.stdout:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()

    def orders(self) -> int:
        """Count all orders."""
        with sqlite3.connect(self.database) as connection:
            number: int = connection.execute("SELECT count(*) FROM orders").fetchone()[0]
        connection.close()
        return number

    def files(self, profile: str, success_rate: str = "100%") -> list[str]:
        """Write the environment and a scenario of one profile; return the options for them."""
        environment, scenario = self.environment, self.folder / "orders.yaml"
        environment.write_text(ENVIRONMENT.format(port=self.port, database=self.database))
        scenario.write_text(SCENARIO.format(profile=profile, success_rate=success_rate))
        return ["--env", str(environment), "--scenario", str(scenario), "--profile", "load"]


OpenShop = Callable[..., Shop]


@contextmanager
def opened_shop(folder: Path, *options: str) -> Iterator[Shop]:
    """Have a shop open within the block."""
    shop = Shop(folder, options)
    shop.begin()
    try:
        yield shop
    finally:
        shop.kill()


class Counter:
    """Where orders are taken, each a row with its trace."""

    def __init__(self, database: Path, delay_s: float, breaks_after: int | None) -> None:
        self._rows = sqlite3.connect(database, isolation_level=None)
        self._rows.execute("PRAGMA journal_mode=WAL")
        self._rows.execute("PRAGMA synchronous=OFF")
        self._rows.execute("CREATE TABLE IF NOT EXISTS orders (tenant TEXT, trace TEXT)")
        self._delay_s, self._breaks_after = delay_s, breaks_after
        self._taken = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests until it is closed."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                headers = {name.lower(): value for name, _, value in
                           (line.partition(": ") for line in head.split("\r\n")[1:])}  # fmt: skip
                await reader.readexactly(int(headers.get("content-length", 0)))
                method, path, _ = head.split(maxsplit=2)
                status, kind, body = await self._answer(f"{method} {path}", headers)
                writer.write(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n"
                             f"Content-Length: {len(body)}\r\n\r\n{body}".encode())  # fmt: skip
        writer.close()

    async def _answer(self, asked: str, headers: dict[str, str]) -> tuple[str, str, str]:
        if asked == "POST /orders":
            return await self._take_order(headers)
        if asked == "GET /metrics":
            return "200 OK", "text/plain", f"# TYPE taken counter\ntaken_total {self._taken}\n"
        return "200 OK", JSON, "{}"

    async def _take_order(self, headers: dict[str, str]) -> tuple[str, str, str]:
        self._taken += 1
        breaks = self._breaks_after is not None and self._taken > self._breaks_after
        await asyncio.sleep(self._delay_s / 2)
        if not breaks:
            row = (headers["x-tenant-id"], headers["x-trace-id"])
            self._rows.execute("INSERT INTO orders VALUES (?, ?)", row)
        await asyncio.sleep(self._delay_s / 2)  # a row may be there without its answer
        if breaks:
            return "500 Broken", JSON, "{}"
        return "201 Created", JSON, '{"state": "done"}'


async def serve(port: int, counter: Counter) -> None:
    """Serve until the end."""
    server = await asyncio.start_server(counter.serve, "127.0.0.1", port)
    print("open", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("database", type=Path)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--breaks-after", type=int)
    asked = parser.parse_args()
    asyncio.run(serve(asked.port, Counter(asked.database, asked.delay, asked.breaks_after)))
