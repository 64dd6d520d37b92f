"""The HTTP client of every flow: HTTP/1.1 over one connection per origin.

What a load needs and no more, since each microsecond is a request that is not sent: keep-alive,
content-length and chunked answers, gzip and deflate, TLS. No retry, redirect, proxy or cookie.
"""

import _socket
import re
import socket
import time
from typing import Self
from urllib.parse import quote

from config.network import Network
from scenarios.http.connection import Connection, ConnectionBroken
from scenarios.http.messages import NotSent, Origin, Request, Response
from scenarios.http.readiness import PollingReadiness, Waiting
from scenarios.http.transport import tls_of

_PLAIN_TARGET = re.compile(r"[!#-;=?-Z_a-z~]*")  # what a request line carries as it is
_SAFE = "!#$%&'()*+,/:;=?@[]~"
_LINE_BREAK = re.compile(r"[\r\n\0]")


class HttpClient:
    """One virtual user's connections, one an origin. Use it from one thread or greenlet."""

    def __init__(self, network: Network, waiting: Waiting = PollingReadiness) -> None:
        """Open no connection yet."""
        self._network = network
        self._waiting = waiting
        self._connections: dict[Origin, Connection] = {}

    def send(self, request: Request) -> Response:
        """Send one request once, bounded in time and size. Raises NotSent or ResponseLost."""
        envelope = request.envelope
        deadline = time.monotonic() + envelope.timeout_s
        data = _message(request)
        connection = self._connections.pop(envelope.origin, None)
        if connection is None or not connection.is_fresh():
            connection = self._connect(envelope.origin, deadline)
        try:
            answer = connection.exchange(data, envelope, deadline)
        except BaseException:
            connection.close()
            raise
        if connection.may_go_on():
            self._connections[envelope.origin] = connection
        else:
            connection.close()
        return answer

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        for each in self._connections.values():
            each.close()
        self._connections.clear()

    def _connect(self, origin: Origin, deadline: float) -> "Connection":
        host, port = self._network.route(origin.host, origin.port)
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NotSent(f"could not connect: {_words(error)}") from error
        tls = tls_of(self._network.ca_file) if origin.is_tls else None
        trouble = "no address"
        for family, kind, protocol, _, address in addresses:
            connection = Connection(_socket.socket(family, kind, protocol), self._waiting)
            try:
                connection.open(address, deadline)
                if tls:
                    connection.encrypt(tls, origin.host, deadline)
            except (OSError, ConnectionBroken) as error:
                connection.close()
                trouble = _words(error)
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise NotSent(f"could not connect: {trouble}")


def _message(request: Request) -> bytes:
    """Write a request out. Raises NotSent for what HTTP cannot carry."""
    envelope, target, trace, body, headers = request
    more = f"\r\nContent-Length: {len(body)}\r\n\r\n" if body is not None else envelope.bodiless
    if headers:
        more = _lines(headers) + more
    try:
        if not _PLAIN_TARGET.fullmatch(target):
            target = quote(target, safe=_SAFE)
        head = f"{envelope.opening}{target}{envelope.closing}{trace}{more}".encode("ascii")
    except UnicodeEncodeError as error:
        raise NotSent(f"could not be sent: {_words(error)}") from error
    return head + body if body else head


def _lines(headers: tuple[tuple[str, str], ...]) -> str:
    for name, value in headers:
        if _LINE_BREAK.search(value):
            raise NotSent(f"could not be sent: the header {name!r} has more than one line")
    return "".join(f"\r\n{name}: {value}" for name, value in headers)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
