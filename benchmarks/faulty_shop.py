"""A shop that counts its orders in its metrics and in SQLite, with one fault for some of the time.

    python -m benchmarks.faulty_shop PORT FOLDER [--fault stall] [--seconds 40] [--page-age 3]

`FOLDER/shop.sqlite` has the orders, `FOLDER/fault` the true times: one line, seconds since the
epoch, when the fault begins, and one when it ends. Times count from the first order:

    first order |------ sound ------|== fault ==|--- sound ---| after --seconds

With `--page-age`, `/metrics` is taken once in so many seconds, and shows when by timestamps.
"""

import argparse
import asyncio
import itertools
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import uvicorn
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

DATABASE, TIMES = "shop.sqlite", "fault"
USUAL_S, SLOW_S, STALL_S = 0.02, 0.8, 2.0
_EACH = 4  # order is not counted, of those that come after a counter began to lose
_LARGE = 30_000  # items, each of which the expectation of the scenario looks at
_EDGES_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class FaultName(StrEnum):
    """The faults of the shop."""

    NONE = "none"
    STALL = "stall"
    SLOW_THIRD = "slow-third"
    ERRORS = "errors"
    LOSING_COUNTER = "losing-counter"
    LOSING_ROWS = "losing-rows"
    LARGE_CATALOG = "large-catalog"


# When a fault begins and ends, as shares of the load. A stall is one request that blocks all.
_SPANS = {
    FaultName.STALL: (0.5, 0.5),
    FaultName.SLOW_THIRD: (1 / 3, 2 / 3),
    FaultName.ERRORS: (0.5, 0.6),
    FaultName.LOSING_COUNTER: (0.5, 1.0),
    FaultName.LOSING_ROWS: (0.5, 1.0),
    FaultName.LARGE_CATALOG: (0.5, 1.0),
}


@dataclass
class Fault:
    """A fault, and whether it is there now; writes the times at which it begins and ends."""

    name: FaultName
    load_s: float
    times: Path
    now_s: Callable[[], float] = time.monotonic
    first_s: float | None = None
    is_begun: bool = False
    is_ended: bool = False

    def is_now(self, name: FaultName) -> bool:
        """Tell whether this is the fault, and the time for it."""
        if name is not self.name or self.first_s is None:
            return False
        begin, end = _SPANS[name]
        since_s = self.now_s() - self.first_s
        if since_s >= begin * self.load_s and not self.is_begun:
            self.is_begun = True
            self._note()
        if since_s >= end * self.load_s and end > begin:
            self.finish()
        return self.is_begun and not self.is_ended

    def start_clock(self) -> None:
        """Note the first order."""
        self.first_s = self.now_s() if self.first_s is None else self.first_s

    def finish(self) -> None:
        """End the fault."""
        if not self.is_ended:
            self.is_ended = True
            self._note()

    def _note(self) -> None:
        """Write the time at which the fault begins or ends."""
        with self.times.open("a") as file:
            file.write(f"{time.time()}\n")  # the report's times are wall-clock times


class Shop:
    """The shop's routes, its counter and its rows."""

    def __init__(self, folder: Path, fault: Fault, page_age_s: float = 0.0) -> None:
        self._fault = fault
        self._page_age_s = page_age_s
        self._page, self._page_at = b"", 0.0
        self._numbers = itertools.count()
        self._registry = CollectorRegistry()
        self._orders = Counter("shop_orders", "Orders.", ["tenant"], registry=self._registry)
        self._durations = Histogram(
            "http_request_duration_seconds", "Duration of requests.", ["method", "route"],
            registry=self._registry, buckets=_EDGES_S,
        )  # fmt: skip
        self._rows = sqlite3.connect(
            folder / DATABASE, isolation_level=None, check_same_thread=False
        )
        self._rows.execute("PRAGMA journal_mode=WAL")
        self._rows.execute("CREATE TABLE IF NOT EXISTS orders (tenant TEXT, trace TEXT)")
        self._large = JSONResponse({"items": list(range(_LARGE))}).body

    def application(self) -> Starlette:
        """Return the shop as an ASGI application."""
        return Starlette(routes=[
            Route("/health", self.show_health),
            Route("/metrics", self.show_metrics),
            Route("/catalog", self._timed("/catalog", self.show_catalog)),
            Route("/orders", self._timed("/orders", self.take_order), methods=["POST"]),
        ])  # fmt: skip

    async def show_health(self, _: Request) -> Response:
        """Answer that the shop is healthy."""
        return JSONResponse({"status": "healthy", "version": "1.4.2"})

    async def show_metrics(self, _: Request) -> Response:
        """Answer with the counters."""
        if self._page_age_s and time.time() >= self._page_at + self._page_age_s:
            self._page_at = time.time()  # timestamps are those of the wall clock
            self._page = dated(generate_latest(self._registry), self._page_at)
        page = self._page or generate_latest(self._registry)
        return Response(page, media_type="text/plain; version=0.0.4")

    async def show_catalog(self, _: Request) -> Response:
        """Answer with a few items, or with very many."""
        if self._fault.is_now(FaultName.LARGE_CATALOG):
            return Response(self._large, media_type="application/json")
        return JSONResponse({"items": [1, 2, 3]})

    async def take_order(self, request: Request) -> Response:
        """Count an order, once in the metrics and once in the database, but for the fault."""
        fault, number = self._fault, next(self._numbers)
        fault.start_clock()
        if fault.is_now(FaultName.STALL):
            time.sleep(STALL_S)  # the whole process stands
            fault.finish()
        is_slow = fault.is_now(FaultName.SLOW_THIRD)
        await asyncio.sleep(SLOW_S if is_slow else USUAL_S)
        if fault.is_now(FaultName.ERRORS):
            return JSONResponse({"error": "no connection to the stock"}, status_code=503)
        tenant, loses = request.headers["x-tenant-id"], number % _EACH == 0
        if not (loses and fault.is_now(FaultName.LOSING_ROWS)):
            row = (tenant, request.headers["x-trace-id"])
            self._rows.execute("INSERT INTO orders VALUES (?, ?)", row)
        if not (loses and fault.is_now(FaultName.LOSING_COUNTER)):
            self._orders.labels(tenant).inc()
        return JSONResponse({"state": "done"}, status_code=201)

    def stored(self) -> int:
        """Return how many orders are stored."""
        (number,) = self._rows.execute("SELECT count(*) FROM orders").fetchone()
        return int(number)

    def _timed(
        self, route: str, respond: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def respond_timed(request: Request) -> Response:
            with self._durations.labels(request.method, route).time():
                return await respond(request)

        return respond_timed


def dated(page: bytes, at_s: float) -> bytes:
    r"""Return a page whose samples have a timestamp.

    >>> dated(b"# TYPE up gauge\nup 1\n", 2.5)
    b'# TYPE up gauge\nup 1 2500\n'
    """
    suffix = f" {round(at_s * 1000)}\n".encode()
    return b"".join(
        line if line.startswith(b"#") else line.rstrip() + suffix
        for line in page.splitlines(keepends=True)
    )


def main() -> None:
    """Serve until the end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fault", type=FaultName, default=FaultName.NONE)
    parser.add_argument("--seconds", type=float, default=40, help="length of the load")
    parser.add_argument("--page-age", type=float, default=0, help="greatest age of /metrics")
    options = parser.parse_args()
    fault = Fault(options.fault, options.seconds, options.folder / TIMES)
    shop = Shop(options.folder, fault, options.page_age).application()
    uvicorn.run(shop, host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
