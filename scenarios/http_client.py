"""How does one request go out, and what came back? Each wire attempt is one exchange.

No retry, no redirect, no proxy and no cookie happens behind the flow's back.

    NoAnswer
    ├── NotSent      it never left: no connection could be made
    └── Unanswered   it may have arrived: time-out, reset, protocol error
"""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import httpcore
import httpx

from config.network import Network
from scenarios.wire import RoutedBackend, open_transport

MAX_BODY_BYTES = 10_000_000

# A server closes idle connections after a while, and a request that meets the closing one is in
# doubt. Closing first, after this many seconds, avoids it (uvicorn and most others: 5 s).
_KEEPALIVE_S = 2.0


class NoAnswer(Exception):
    """No status line came back; the text says why."""


class NotSent(NoAnswer):
    """The request never left."""


class Unanswered(NoAnswer):
    """The request left, or may have, and its answer did not come."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to send. `body` is a JSON value or None; the time-out is in seconds."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A status line, and at most MAX_BODY_BYTES of what followed it.

    `broken` says why the body is not whole; it is empty where it is.
    """

    status: int
    content_type: str
    body: bytes
    broken: str = ""


class Sender(Protocol):
    """The seam between the flow and the wire."""

    def send(self, request: Request) -> Answer:
        """Send one request once. Raises NotSent or Unanswered."""
        ...


class HttpxSender:
    """One virtual user's connections. Use as a context manager."""

    def __init__(self, network: Network) -> None:
        """Open no connection yet."""
        self._bound = _Bound(network)
        transport = open_transport(network, self._bound, _KEEPALIVE_S)
        self._client = httpx.Client(transport=transport, trust_env=False)

    def __enter__(self) -> Self:
        """Return the sender."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(self, request: Request) -> Answer:
        """Send one request once, bounded in time and size. Raises NotSent or Unanswered."""
        self._bound.deadline = time.monotonic() + request.timeout_s
        try:
            response = self._client.send(self._build(request), stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSent(f"could not connect: {_words(error)}") from error
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise NotSent(f"could not be sent: {_words(error)}") from error
        except httpx.TimeoutException as error:
            raise Unanswered(f"no answer within {request.timeout_s:g} s") from error
        except httpx.HTTPError as error:
            raise Unanswered(f"the connection broke: {_words(error)}") from error
        with closing(response):
            self._client.cookies.clear()
            return _read_answer(response, self._bound.deadline)

    def _build(self, request: Request) -> httpx.Request:
        """Make the request; what HTTP or JSON cannot carry never leaves."""
        try:
            return self._client.build_request(
                request.method,
                request.url,
                headers=dict(request.headers),
                json=request.body,
                timeout=request.timeout_s,
            )
        except (ValueError, TypeError, httpx.InvalidURL) as error:
            raise NotSent(f"could not be sent: {_words(error)}") from error


class _Bound(RoutedBackend):
    """Connections whose every read ends by one deadline: httpx bounds each read by itself only."""

    deadline = 0.0

    def connect_tcp(
        self, host: str, port: int, *args: Any, **options: Any
    ) -> httpcore.NetworkStream:
        """Connect, and bound what comes back."""
        return _BoundStream(super().connect_tcp(host, port, *args, **options), self)


class _BoundStream(httpcore.NetworkStream):
    """A connection that reads no longer than its backend's deadline."""

    def __init__(self, stream: httpcore.NetworkStream, bound: _Bound) -> None:
        self._stream = stream
        self._bound = bound

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some bytes. Raises httpcore.ReadTimeout at the deadline."""
        left_s = self._bound.deadline - time.monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout("the deadline has passed")
        return self._stream.read(max_bytes, left_s if timeout is None else min(timeout, left_s))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write the bytes."""
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(self, *args: Any, **options: Any) -> httpcore.NetworkStream:
        """Encrypt the connection, still bounded."""
        return _BoundStream(self._stream.start_tls(*args, **options), self._bound)

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows of itself."""
        return self._stream.get_extra_info(info)


def _read_answer(response: httpx.Response, deadline: float) -> Answer:
    body, broken = bytearray(), ""
    try:
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                broken = f"the body is over {MAX_BODY_BYTES:,} bytes"
                break
            if time.monotonic() > deadline:
                broken = "the body did not end in time"
                break
    except httpx.TimeoutException:
        broken = "the body did not end in time"
    except httpx.HTTPError as error:
        broken = f"the body broke off: {_words(error)}"
    content_type = response.headers.get("content-type", "")
    return Answer(response.status_code, content_type, bytes(body[:MAX_BODY_BYTES]), broken)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
