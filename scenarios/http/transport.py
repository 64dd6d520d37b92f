"""Open httpx clients for single requests: of probes, health checks and scrapes of metrics.

A client connects to the address that the environment maps a host to, trusts its CA, and uses no
proxy, no netrc and no redirect. httpx bounds each wait by itself, so a server that sends a byte now
and then would never time out; here one deadline bounds a whole exchange, from the request hook to
the last byte of the body, and so does one number of bytes.
"""

import logging
import math
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any

import httpcore
import httpx

from config.client_certificate import ClientCertificate
from config.network import Network
from scenarios.http.tls import tls_context

MAX_PAGE_BYTES = 16 * 1024 * 1024
# Of a whole response, per byte of its body: chunks' extensions, trailers.
_RECEIVED_RATIO = 2
# Before the head is whole: twice that of h11, which starts anew at each informational response.
MAX_HEAD_BYTES = 200_000

_PIECE_BYTES = 65_536

# their logs quote the headers of requests and responses, which may hold secrets
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class TooMuchReceived(httpcore.ReadError):
    """A response has too many bytes beside its body, or before its head is whole."""


class Deadline(threading.local):
    """The instant (time.monotonic) by which the current exchange of this thread has to end.

    With it end the bytes that the exchange may receive.
    """

    at = math.inf
    received_bytes = 0
    has_head = False

    def __init__(self, max_bytes: float = math.inf) -> None:
        """Bound no time yet; `max_bytes` is of one exchange."""
        self._max_bytes = max_bytes

    def begin(self, within_s: float) -> None:
        """Start an exchange that may take `within_s` seconds."""
        self.at = time.monotonic() + within_s
        self.received_bytes = 0
        self.has_head = False

    def receive(self, data: bytes) -> bytes:
        """Count bytes of the response. Raises TooMuchReceived."""
        self.received_bytes += len(data)
        if not self.has_head and self.received_bytes > MAX_HEAD_BYTES:
            size = f"{MAX_HEAD_BYTES:,} bytes"
            raise TooMuchReceived(f"the head is over {size} with its informational responses")
        if self.received_bytes > self._max_bytes:
            size = f"{self._max_bytes:,} bytes"
            raise TooMuchReceived(f"the response is over {size} with its framing")
        return data

    def left_s(self, bound_s: float | None, late: type[Exception]) -> float | None:
        """Return how long a wait may take that has a bound of its own. Raises `late` if none."""
        left_s = self.at - time.monotonic()
        if left_s <= 0:
            raise late("the deadline has passed")
        bounds = [bound for bound in (bound_s, left_s) if bound is not None and bound < math.inf]
        return min(bounds, default=None)


class RoutedBackend(httpcore.SyncBackend):
    """Connects to the address that the environment maps a host to, within the deadline."""

    def __init__(self, network: Network, deadline: Deadline) -> None:
        """Open no connection yet."""
        self._network = network
        self._deadline = deadline

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **options: Any
    ) -> httpcore.NetworkStream:
        """Connect to the address of a host. Raises httpcore's errors."""
        host, port = self._network.route(host, port)
        left_s = self._deadline.left_s(timeout, httpcore.ConnectTimeout)
        stream = super().connect_tcp(host, port, left_s, *args, **options)
        return _BoundStream(stream, self._deadline)


class _BoundStream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left_s = self._deadline.left_s(timeout, httpcore.ReadTimeout)
        return self._deadline.receive(self._stream.read(max_bytes, left_s))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # in pieces, since httpcore restarts the timeout whenever the socket accepts a part
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


class _Connection(httpcore.HTTPConnection):
    """A connection that is not used again if more than its response has come."""

    def has_expired(self) -> bool:
        # httpcore asks the socket only. What h11 has read already would be the next response.
        http_1 = self._connection
        if isinstance(http_1, httpcore.HTTP11Connection) and http_1.is_idle():
            return super().has_expired() or bool(http_1._h11_state.trailing_data[0])
        return super().has_expired()


class _Pool(httpcore.ConnectionPool):
    def create_connection(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        return _Connection(
            origin=origin,
            ssl_context=self._ssl_context,
            keepalive_expiry=self._keepalive_expiry,
            network_backend=self._network_backend,
        )


class BoundedClient(httpx.Client):
    """A client whose exchanges have a deadline; `fetch` takes bodies of at most `max_bytes`."""

    max_bytes = MAX_PAGE_BYTES

    def _build_redirect_request(self, request: httpx.Request, _: httpx.Response) -> httpx.Request:
        """Return any request: none is sent, and httpx refuses responses whose Location is odd."""
        return request


def open_client(
    network: Network, timeout_s: float, headers: Mapping[str, str] | None = None,
    kept: int | None = None, max_bytes: int = MAX_PAGE_BYTES,
    certificate: ClientCertificate | None = None, auth: httpx.Auth | None = None,
) -> BoundedClient:  # fmt: skip
    """Return a client whose exchanges take at most `timeout_s` seconds, body included.

    A request with a timeout of its own takes at most that.

    `kept` is the maximum number of idle connections; 0 opens one connection per request. The
    client shows `certificate` in handshakes, and authenticates each request by `auth`.
    """
    deadline = Deadline(_RECEIVED_RATIO * max_bytes + MAX_HEAD_BYTES)
    tls = tls_context(network.ca_file, certificate)

    def begin(request: httpx.Request) -> None:
        deadline.begin(request.extensions["timeout"]["read"])

    def end_head(_: httpx.Response) -> None:
        deadline.has_head = True

    transport = httpx.HTTPTransport(verify=tls, trust_env=False)
    # httpx has no parameter for a network backend, so replace its pool by one with ours
    transport._pool = _Pool(
        ssl_context=tls,
        keepalive_expiry=timeout_s,
        max_keepalive_connections=kept,
        network_backend=RoutedBackend(network, deadline),
    )
    client = BoundedClient(
        transport=transport,
        timeout=timeout_s,
        headers=dict(headers or {}),
        auth=auth,
        trust_env=False,
        event_hooks={"request": [begin], "response": [end_head]},
    )
    client.max_bytes = max_bytes
    return client
