"""When must a call be over? A deadline on every read and write of a connection.

httpx bounds each wait by itself; a server that sends a byte now and then would never time out.
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

PIECE_BYTES = 64 * 1024

_ends_at: ContextVar[float] = ContextVar("ends_at", default=math.inf)


@contextmanager
def ending_at(moment: float) -> Iterator[None]:
    """End every wait of the connections used within the block at this moment of time.monotonic."""
    token = _ends_at.set(moment)
    try:
        yield
    finally:
        _ends_at.reset(token)


def deadline_transport(limits: httpx.Limits) -> httpx.HTTPTransport:
    """Build httpx' own transport, with connections that keep the deadline."""
    transport = httpx.HTTPTransport(limits=limits)
    # httpx has no argument for the backend that httpcore takes.
    transport._pool = httpcore.ConnectionPool(
        ssl_context=httpx.create_ssl_context(),
        max_connections=limits.max_connections,
        max_keepalive_connections=limits.max_keepalive_connections,
        keepalive_expiry=limits.keepalive_expiry,
        network_backend=_Backend(),
    )
    return transport


def _left_s(timeout_s: float | None, error: type[Exception]) -> float | None:
    left_s = _ends_at.get() - time.monotonic()
    if left_s <= 0:
        raise error("the deadline has passed")
    bounds = [each for each in (timeout_s, left_s) if each is not None and each < math.inf]
    return min(bounds, default=None)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left_s(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces: httpcore begins the time anew whenever the socket takes a part.
        for start in range(0, len(buffer), PIECE_BYTES):
            piece = buffer[start : start + PIECE_BYTES]
            self._stream.write(piece, _left_s(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left_s = _left_s(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left_s))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(self, *args: Any, **options: Any) -> httpcore.NetworkStream:
        options["timeout"] = _left_s(options.get("timeout"), httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(*args, **options))
