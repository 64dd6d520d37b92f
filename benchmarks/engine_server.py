"""Run an HTTP server whose response times are known: log-normal delays, or regular stalls.

    .venv/bin/python -m benchmarks.engine_server delays FILE [--seed 1]
    .venv/bin/python -m benchmarks.engine_server stalls

It prints its URL. With `delays`, each response is delayed by a time drawn from a log-normal
distribution (median 10 ms, sigma 0.6). Timers of an event loop are coarse, so the true duration is
measured, from the request having been read to the response having been written. On SIGTERM the
server writes one line per request into FILE: X-Trace-ID and seconds. With `stalls`, it responds at
once, but its event loop blocks during the fifth second of every five, by the wall clock:

    wall clock mod 5   0         1         2         3         4         5
                       |-- responds at once -------------------|-blocked-|
"""

import argparse
import asyncio
import math
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import uvloop

MEDIAN_S, SIGMA = 0.010, 0.6
STALL_EVERY_S, STALL_AT_S, STALL_S = 5.0, 4.0, 1.0

_HOST, _BACKLOG = "127.0.0.1", 4096
_STOP_TIMEOUT_S = 10.0
_HEAD_END = b"\r\n\r\n"
_TRACE = b"\r\nx-trace-id:"
_RESPONSE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
    b'{"status":"ok"}'
)

Truth = dict[str, float]


class DelayProtocol(asyncio.Protocol):
    """One connection: delays each response, and records the true duration.

    Supports requests without a body and without pipelining.
    """

    def __init__(self, delay_s: Callable[[], float], truth: Truth) -> None:
        """Keep the source of delays, and the mapping that receives the true durations."""
        self._delay_s = delay_s
        self._truth = truth
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(
            asyncio.WriteTransport, transport
        )  # uvloop's is not a subclass of it

    def data_received(self, data: bytes) -> None:
        """Schedule the response to a complete request."""
        read_s = time.monotonic()
        self._read += data
        if not self._read.endswith(_HEAD_END):
            return
        trace, self._read = trace_id_of(self._read), b""
        delay_s = self._delay_s()
        if delay_s > 0:
            asyncio.get_running_loop().call_later(delay_s, self._respond, trace, read_s)
        else:
            self._respond(trace, read_s)

    def _respond(self, trace: str, read_s: float) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(_RESPONSE)
        self._truth[trace] = time.monotonic() - read_s


def trace_id_of(head: bytes) -> str:
    """Return the X-Trace-ID in the head of a request, or ""."""
    at = head.lower().find(_TRACE)
    if at < 0:
        return ""
    begin = at + len(_TRACE)
    return head[begin : head.index(b"\r\n", begin)].strip().decode("latin-1")


def delay_generator(seed: int) -> Callable[[], float]:
    """Return a function that draws the next log-normal delay, in seconds."""
    generator = random.Random(seed)  # noqa: S311 - nothing is secret here
    return lambda: generator.lognormvariate(math.log(MEDIAN_S), SIGMA)


def stall_remaining_s(at_s: float) -> float:
    """Return the rest of the stall at a wall-clock time, in seconds; 0 outside a stall.

    >>> stall_remaining_s(3.9), stall_remaining_s(4.25), stall_remaining_s(1005.0)
    (0.0, 0.75, 0.0)
    """
    within_s = at_s % STALL_EVERY_S - STALL_AT_S
    return STALL_S - within_s if 0 <= within_s < STALL_S else 0.0


def next_stall_in_s(at_s: float) -> float:
    """Return the time until the next stall, in seconds; 0 within a stall.

    >>> next_stall_in_s(3.75), next_stall_in_s(4.0), next_stall_in_s(5.0)
    (0.25, 0.0, 4.0)
    """
    return 0.0 if stall_remaining_s(at_s) else (STALL_AT_S - at_s) % STALL_EVERY_S


def write_truth(path: Path, truth: Truth) -> None:
    """Write one line per request: X-Trace-ID and duration in seconds."""
    path.write_text("".join(f"{trace} {duration_s!r}\n" for trace, duration_s in truth.items()))


def read_truth(path: Path) -> Truth:
    """Return the true duration of each request in seconds, by its X-Trace-ID."""
    parts = (line.split() for line in path.read_text().splitlines())
    return {trace: float(duration_s) for trace, duration_s in parts}


@contextmanager
def running_server(*arguments: str) -> Iterator[str]:
    """Run the server in a subprocess and yield its URL; terminate it at the end of the block."""
    command = [sys.executable, "-m", "benchmarks.engine_server", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()
            process.wait(_STOP_TIMEOUT_S)


async def _serve(mode: str, seed: int, truth: Truth) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    delay_s = delay_generator(seed) if mode == "delays" else lambda: 0.0
    listener = socket.create_server((_HOST, 0), backlog=_BACKLOG)
    server = await loop.create_server(
        lambda: DelayProtocol(delay_s, truth), sock=listener, backlog=_BACKLOG
    )
    if mode == "stalls":
        _block_loop(loop)
    print(f"http://{_HOST}:{listener.getsockname()[1]}", flush=True)
    await ended.wait()
    server.close()


def _block_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Block the loop for the rest of a stall, and schedule the next one.

    A timer may fire slightly early: then there is no stall yet, and it is scheduled again.
    """
    time.sleep(stall_remaining_s(time.time()))
    loop.call_later(next_stall_in_s(time.time()), _block_loop, loop)


def main() -> None:
    """Serve until SIGTERM; then write the true durations."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("mode", choices=("delays", "stalls"))
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=1, help="seed of the delays (1)")
    options = parser.parse_args()
    truth: Truth = {}
    uvloop.run(_serve(options.mode, options.seed, truth))
    if options.file:
        write_truth(options.file, truth)


if __name__ == "__main__":
    main()
