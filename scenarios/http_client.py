"""How does one request go out when there is no hurry, and what came back? By httpx.

No retry, no redirect, no proxy and no cookie happens behind the flow's back.
"""

import time
from contextlib import closing
from types import TracebackType
from typing import Any, Self

import httpcore
import httpx

from config.network import Network
from scenarios.sending import (
    KEEPALIVE_S,
    MAX_BODY_BYTES,
    TRACE_HEADER,
    Answer,
    NotSent,
    Request,
    Unanswered,
)
from scenarios.wire import RoutedBackend, open_transport


class HttpxSender:
    """One virtual user's connections. Use as a context manager."""

    def __init__(self, network: Network) -> None:
        """Open no connection yet."""
        self._bound = _Bound(network)
        transport = open_transport(network, self._bound, KEEPALIVE_S)
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
        timeout_s = request.envelope.timeout_s
        self._bound.deadline = time.monotonic() + timeout_s
        try:
            response = self._client.send(self._build(request), stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSent(f"could not connect: {_words(error)}") from error
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise NotSent(f"could not be sent: {_words(error)}") from error
        except httpx.TimeoutException as error:
            raise Unanswered(f"no answer within {timeout_s:g} s") from error
        except httpx.HTTPError as error:
            raise Unanswered(f"the connection broke: {_words(error)}") from error
        with closing(response):
            self._client.cookies.clear()
            return _read_answer(response, self._bound.deadline)

    def _build(self, request: Request) -> httpx.Request:
        """Make the request; what HTTP cannot carry never leaves."""
        envelope = request.envelope
        try:
            return self._client.build_request(
                envelope.method,
                request.url,
                headers=[*envelope.headers, *request.headers, (TRACE_HEADER, request.trace)],
                content=request.body,
                timeout=envelope.timeout_s,
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
    head = f"\r\ncontent-type: {response.headers.get('content-type', '')}\r\n".lower().encode()
    return Answer(response.status_code, bytes(body[:MAX_BODY_BYTES]), broken, head)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
