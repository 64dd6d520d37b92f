"""The HTTP client of every flow: HTTP/1.1 over one connection per origin.

It does what a load needs and no more, since the time that it takes is missing for requests:
keep-alive, bodies with a length or in chunks, gzip and deflate, TLS. There is no retry, redirect or
proxy; cookies are the flow's. One user alone, a watch and every virtual user of a load send with
it; they differ in how they wait for a socket (`Readiness`).
"""

import _socket
import re
import socket
import time
from typing import Self
from urllib.parse import quote

from config.network import Network
from scenarios.http.connection import Connection, ConnectionBroken, error_text
from scenarios.http.messages import NotSent, Origin, Request, Response
from scenarios.http.readiness import PollingReadiness, ReadinessFactory
from scenarios.http.stream_connection import StreamConnection
from scenarios.http.tls import tls_context

_PLAIN_TARGET = re.compile(r"[!#-;=?-Z_a-z~]*")  # what a request line carries as it is
# with %, since a target may be percent-encoded already
_SAFE = "!#$%&'()*+,/:;=?@[]~"
_LINE_BREAK = re.compile(r"[\r\n\0]")


class HttpClient:
    """The connections of one virtual user, one per origin. Use it from one thread or greenlet."""

    def __init__(
        self, network: Network, readiness: ReadinessFactory = PollingReadiness,
        connection: type[Connection] = Connection,
    ) -> None:  # fmt: skip
        """Open no connection yet; `connection` is how responses are read."""
        self._network = network
        self._readiness = readiness
        self._connection = connection
        self._connections: dict[Origin, Connection] = {}
        self._others: list[HttpClient] = []
        self._streaming: HttpClient | None = None

    def send(self, request: Request) -> Response:
        """Send a request once, never again. Raises NotSent or ResponseLost.

        The timeout of its template bounds the whole exchange, from connecting to the last byte.
        """
        template = request.template
        now_s = time.monotonic()
        deadline = now_s + template.timeout_s
        data = _message(request)
        # taken out while it is in use: only a connection that can be used again is put back
        connection = self._connections.pop(template.origin, None)
        if connection is None or not connection.is_fresh(now_s):
            connection = self._connect(template.origin, deadline)
        try:
            response = connection.exchange(data, template, deadline)
        except BaseException:  # also Ctrl-C: the next request would read the rest of this response
            connection.close()
            raise
        if connection.is_reusable():
            self._connections[template.origin] = connection
        else:
            connection.close()
        return response

    def parallel(self, count: int) -> list["HttpClient"]:
        """Return this and further clients, which keep their connections as long as this one."""
        missing = count - 1 - len(self._others)
        self._others += [HttpClient(self._network, self._readiness) for _ in range(missing)]
        return [self, *self._others[: count - 1]]

    def streaming(self) -> "HttpClient":
        """Return a client that reads streams, and keeps its connections as long as this one."""
        if self._streaming is None:
            self._streaming = HttpClient(self._network, self._readiness, StreamConnection)
        return self._streaming

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        for other in (*self._others, *([self._streaming] if self._streaming else [])):
            other.close()

    def _connect(self, origin: Origin, deadline: float) -> Connection:
        """Connect to the first address of an origin that accepts. Raises NotSent."""
        host, port = self._network.route(origin.host, origin.port)
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NotSent(f"could not connect: {error_text(error)}") from error
        tls = tls_context(self._network.ca_file, origin.certificate) if origin.is_tls else None
        reason = "no address"
        for family, kind, protocol, _, address in addresses:
            connection = self._connection(_socket.socket(family, kind, protocol), self._readiness)
            try:
                connection.open(address, deadline)
                if tls:
                    connection.encrypt(tls, origin.host, deadline)
            except (OSError, ConnectionBroken) as error:
                connection.close()
                reason = error_text(error)
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise NotSent(f"could not connect: {reason}")


def _message(request: Request) -> bytes:
    """Render a request. Raises NotSent for characters that HTTP does not allow."""
    template, target, body = request.template, request.target, request.body
    more = f"\r\nContent-Length: {len(body)}\r\n\r\n" if body is not None else template.bodiless
    if request.headers:
        more = _lines(request.headers) + more
    try:
        if target != template.plain_target:  # most steps have the same target each time
            if _PLAIN_TARGET.fullmatch(target):
                template.plain_target = target
            else:
                target = quote(target, safe=_SAFE)
        head = f"{template.opening}{target}{template.closing}{request.trace}{more}".encode("ascii")
    except UnicodeEncodeError as error:
        raise NotSent(f"could not be sent: {_not_ascii(request)}") from error
    return head + body if body else head


def _not_ascii(request: Request) -> str:
    """Name what HTTP forbids. A target is encoded, unless it has half of a surrogate pair."""
    for name, value in (*request.template.headers, *request.headers):
        odd = next((each for each in f"{name}{value}" if not each.isascii()), "")
        if odd:
            return f"the header {name!r} has {odd!r}, and HTTP allows ASCII only"
    return "its path or query has half of a surrogate pair, which is no text"


def _lines(headers: tuple[tuple[str, str], ...]) -> str:
    for name, value in headers:
        if _LINE_BREAK.search(value):
            raise NotSent(f"could not be sent: the header {name!r} has more than one line")
    return "".join([f"\r\n{name}: {value}" for name, value in headers])
