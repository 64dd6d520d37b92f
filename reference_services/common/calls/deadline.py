"""httpx transport with a deadline for the whole call.

httpx bounds each read and write separately, so a server that sends one byte now and then never
times out. Here every wait is also bounded by the time that is left until the deadline:

    call   connect ── write ── read ── read ── read ──┤ deadline
    wait   each at most min(its own timeout, time left)
"""

import math
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

CHUNK_BYTES = 64 * 1024

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextmanager
def deadline_at(moment: float) -> Iterator[None]:
    """Bound every wait within the block by this moment of `time.monotonic`."""
    token = _deadline.set(moment)
    try:
        yield
    finally:
        _deadline.reset(token)


def deadline_transport(limits: httpx.Limits) -> httpx.HTTPTransport:
    """Build an HTTPTransport whose connections observe the deadline of `deadline_at`."""
    transport = httpx.HTTPTransport(limits=limits)
    # httpx has no argument for the network backend of httpcore.
    transport._pool = httpcore.ConnectionPool(
        ssl_context=httpx.create_ssl_context(),
        max_connections=limits.max_connections,
        max_keepalive_connections=limits.max_keepalive_connections,
        keepalive_expiry=limits.keepalive_expiry,
        network_backend=_Backend(),
    )
    return transport


def _remaining_s(timeout_s: float | None, error: type[Exception]) -> float | None:
    left_s = _deadline.get() - time.monotonic()
    if left_s <= 0:
        raise error("the deadline has passed")
    bounds_s = [bound for bound in (timeout_s, left_s) if bound is not None and bound < math.inf]
    return min(bounds_s, default=None)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _remaining_s(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In chunks: httpcore restarts its timeout whenever the socket accepts a part.
        for start in range(0, len(buffer), CHUNK_BYTES):
            chunk = buffer[start : start + CHUNK_BYTES]
            self._stream.write(chunk, _remaining_s(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left_s = _remaining_s(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left_s))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(self, *args: Any, **options: Any) -> httpcore.NetworkStream:
        options["timeout"] = _remaining_s(options.get("timeout"), httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(*args, **options))
