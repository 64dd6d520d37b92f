"""A server whose delays are known: what does it write down as the truth, and when does it stall?

    .venv/bin/python -m benchmarks.engine_server delays FILE [--seed 1]
    .venv/bin/python -m benchmarks.engine_server stalls

It prints its address. With `delays`, each answer waits a time drawn from a log-normal distribution
(median 10 ms, sigma 0.6). An event loop's timers are coarse, so what was drawn is not the truth:
that is what passed between having read a request and having written its answer, and at the end it
goes into the file, a line a request: X-Trace-ID and seconds. With `stalls`, it answers at once, but
does nothing at all in the fifth second of every five, by the wall clock, as if it were stopped.
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
_END_S = 10.0
_HEAD_END = b"\r\n\r\n"
_TRACE = b"\r\nx-trace-id:"
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
    b'{"status":"ok"}'
)

Truth = dict[str, float]


class Delayed(asyncio.Protocol):
    """One connection: answers each request after a delay, and keeps how long it really took.

    Requests come one after another and without a body.
    """

    def __init__(self, delay_s: Callable[[], float], truth: Truth) -> None:
        """Take where the delays come from, and where the truth goes."""
        self._delay_s = delay_s
        self._truth = truth
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        """Note when a request has been read, and answer it when its delay is over."""
        read_s = time.monotonic()
        self._read += data
        if not self._read.endswith(_HEAD_END):
            return
        trace, self._read = trace_in(self._read), b""
        delay_s = self._delay_s()
        if delay_s > 0:
            asyncio.get_running_loop().call_later(delay_s, self._answer, trace, read_s)
        else:
            self._answer(trace, read_s)

    def _answer(self, trace: str, read_s: float) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(_ANSWER)
        self._truth[trace] = time.monotonic() - read_s


def trace_in(head: bytes) -> str:
    """Return the X-Trace-ID of a request's head, or ""."""
    at = head.lower().find(_TRACE)
    if at < 0:
        return ""
    begin = at + len(_TRACE)
    return head[begin : head.index(b"\r\n", begin)].strip().decode("latin-1")


def drawn_delays(seed: int) -> Callable[[], float]:
    """Return a function that draws the next delay, in seconds."""
    chance = random.Random(seed)  # noqa: S311 - nothing is secret here
    return lambda: chance.lognormvariate(math.log(MEDIAN_S), SIGMA)


def stalled_for_s(at_s: float) -> float:
    """Return how long a stall still lasts at an instant; 0 where there is none.

    >>> stalled_for_s(3.9), stalled_for_s(4.25), stalled_for_s(1005.0)
    (0.0, 0.75, 0.0)
    """
    within_s = at_s % STALL_EVERY_S - STALL_AT_S
    return STALL_S - within_s if 0 <= within_s < STALL_S else 0.0


def next_stall_in_s(at_s: float) -> float:
    """Return how long it is until a stall begins; 0 within one, which must not be missed.

    >>> next_stall_in_s(3.75), next_stall_in_s(4.0), next_stall_in_s(5.0)
    (0.25, 0.0, 4.0)
    """
    return 0.0 if stalled_for_s(at_s) else (STALL_AT_S - at_s) % STALL_EVERY_S


def write_truth(path: Path, truth: Truth) -> None:
    """Write a line a request."""
    path.write_text("".join(f"{trace} {lasted_s!r}\n" for trace, lasted_s in truth.items()))


def read_truth(path: Path) -> Truth:
    """Return how long each request took, in seconds, by its X-Trace-ID."""
    parts = (line.split() for line in path.read_text().splitlines())
    return {trace: float(lasted_s) for trace, lasted_s in parts}


@contextmanager
def serving(*given: str) -> Iterator[str]:
    """Run the server as a process of its own and yield its address; it ends with the block."""
    command = [sys.executable, "-m", "benchmarks.engine_server", *given]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()
            process.wait(_END_S)


async def _serve(mode: str, seed: int, truth: Truth) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    delay_s = drawn_delays(seed) if mode == "delays" else lambda: 0.0
    listener = socket.create_server((_HOST, 0), backlog=_BACKLOG)
    server = await loop.create_server(
        lambda: Delayed(delay_s, truth), sock=listener, backlog=_BACKLOG
    )
    if mode == "stalls":
        _stall(loop)
    print(f"http://{_HOST}:{listener.getsockname()[1]}", flush=True)
    await ended.wait()
    server.close()


def _stall(loop: asyncio.AbstractEventLoop) -> None:
    """Have the loop stand still while a stall lasts, and come back for the next one.

    A timer may come a moment too early: then there is no stall yet, and it is planned again.
    """
    time.sleep(stalled_for_s(time.time()))
    loop.call_later(next_stall_in_s(time.time()), _stall, loop)


def main() -> None:
    """Serve until told to end; then write the truth."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=("delays", "stalls"))
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    truth: Truth = {}
    uvloop.run(_serve(asked.mode, asked.seed, truth))
    if asked.file:
        write_truth(asked.file, truth)


if __name__ == "__main__":
    main()
