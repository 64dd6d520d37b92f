"""How does one request go out when there is no hurry, and what came back? By httpx.

No retry, no redirect, no proxy and no cookie happens behind the flow's back.
"""

import time
from contextlib import closing
from types import TracebackType
from typing import Self

import httpx

from config.network import Network
from scenarios.http.messages import (
    KEEPALIVE_S,
    MAX_BODY_BYTES,
    TRACE_HEADER,
    Answer,
    NotSent,
    Request,
    Unanswered,
)
from scenarios.http.transport import Deadline, open_transport


class HttpxSender:
    """One virtual user's connections. Use as a context manager."""

    def __init__(self, network: Network) -> None:
        """Open no connection yet."""
        self._deadline = Deadline()
        transport = open_transport(network, self._deadline, KEEPALIVE_S)
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
        self._deadline.begin(timeout_s)
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
            return _read_answer(response, self._deadline.at)

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
