"""Open connections: routed, verified and bounded as the environment configures.

No proxy, no netrc and no redirect: a request goes to that address alone. httpx bounds each
wait by itself, and a server that sends a byte now and then would never time out; here one deadline
holds for a whole exchange.
"""

import functools
import math
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any

import httpcore
import httpx

from config.network import Network

_PIECE_BYTES = 65_536


@functools.cache
def tls_of(ca_file: str | None) -> ssl.SSLContext:
    """Return the TLS settings that all connections share, since making them is slow."""
    if ca_file is None:
        return httpx.create_ssl_context(trust_env=False)
    return ssl.create_default_context(cafile=ca_file)


class Deadline(threading.local):
    """By when the exchange that is under way in this thread must be over: time.monotonic's."""

    at = math.inf

    def begin(self, within_s: float) -> None:
        """Begin an exchange that may take so long."""
        self.at = time.monotonic() + within_s

    def left_s(self, most_s: float | None, late: type[Exception]) -> float | None:
        """Return how long a wait may take, its own bound included. Raises `late` at the end."""
        left_s = self.at - time.monotonic()
        if left_s <= 0:
            raise late("the deadline has passed")
        bounds = [each for each in (most_s, left_s) if each is not None and each < math.inf]
        return min(bounds, default=None)


class RoutedBackend(httpcore.SyncBackend):
    """Connects to the address that the environment maps a host to, within the deadline."""

    def __init__(self, network: Network, deadline: Deadline) -> None:
        """Connect to nothing yet."""
        self._network = network
        self._deadline = deadline

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **options: Any
    ) -> httpcore.NetworkStream:
        """Connect to a host, wherever it is. Raises httpcore's errors."""
        host, port = self._network.route(host, port)
        left_s = self._deadline.left_s(timeout, httpcore.ConnectTimeout)
        stream = super().connect_tcp(host, port, left_s, *args, **options)
        return _BoundStream(stream, self._deadline)


class _BoundStream(httpcore.NetworkStream):
    """A connection that no wait of which outlasts the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left_s(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces: httpcore begins the time anew whenever the socket takes a part.
        for start in range(0, len(buffer), _PIECE_BYTES):
            piece = buffer[start : start + _PIECE_BYTES]
            self._stream.write(piece, self._deadline.left_s(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left_s = self._deadline.left_s(timeout, httpcore.ConnectTimeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, left_s)
        return _BoundStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def open_transport(
    network: Network, deadline: Deadline, keepalive_s: float, kept: int | None = None
) -> httpx.HTTPTransport:
    """Return a transport that keeps to a deadline, and so many idle connections for so long."""
    tls = tls_of(network.ca_file)
    transport = httpx.HTTPTransport(verify=tls, trust_env=False)
    # httpx passes no network backend on, so its pool is replaced by one that has ours
    transport._pool = httpcore.ConnectionPool(
        ssl_context=tls,
        keepalive_expiry=keepalive_s,
        max_keepalive_connections=kept,
        network_backend=RoutedBackend(network, deadline),
    )
    return transport


def open_client(
    network: Network,
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
    kept: int | None = None,
) -> httpx.Client:
    """Return a client for single questions, each of which is over in time, answer and all.

    `kept` bounds the idle connections, 0 keeps none.
    """
    deadline = Deadline()
    return httpx.Client(
        transport=open_transport(network, deadline, timeout_s, kept),
        timeout=timeout_s,
        headers=dict(headers or {}),
        trust_env=False,
        event_hooks={"request": [lambda _: deadline.begin(timeout_s)]},
    )
