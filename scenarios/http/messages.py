"""Requests and responses: the seam between the flow and the client that sends.

NoResponse
├── NotSent        the request never left: no connection could be made
└── ResponseLost   it may have arrived: timeout, reset, protocol error
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import msgspec

from config.client_certificate import ClientCertificate
from scenarios.http.streams import Stream, StreamOrder

MAX_BODY_BYTES = 10_000_000
TRACE_HEADER = "X-Trace-ID"
# of every request, unless its step has others
DEFAULT_HEADERS = (
    ("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate"), ("User-Agent", "trial-balance")
)  # fmt: skip

# A server closes idle connections after a while, and a request that meets the closing one is in
# doubt. Closing first, after this many seconds, avoids it (uvicorn and most others: 5 s).
KEEPALIVE_S = 2.0

# Without a body, they have Content-Length: 0, so that the server does not wait for one.
_MAY_HAVE_A_BODY = ("POST", "PUT", "PATCH")


class NoResponse(Exception):
    """No status line came back; the text is the reason."""


class NotSent(NoResponse):
    """The request never left."""


class ResponseLost(NoResponse):
    """The request left, or may have left, and no status line came back."""


class Origin(NamedTuple):
    """Where requests go. `host` is as in the URL, an IPv6 address without its brackets.

    `authority` is the value of the Host header: host and port as they are in the URL. Connections
    that show another client certificate, or none, are not shared.
    """

    is_tls: bool
    host: str
    port: int
    authority: str
    certificate: ClientCertificate | None = None


class RequestTemplate:
    """What all requests of one step have in common, rendered once instead of per request.

    The head of a request is `opening`, target, `closing`, trace id, the headers that differ from
    request to request, and the length of the body, or `bodiless` if there is none. `plain_target`
    is the latest target that needed no encoding.
    """

    def __init__(
        self, method: str, origin: Origin, headers: tuple[tuple[str, str], ...], timeout_s: float,
        left_out: Iterable[str] = (), trace_header: str = TRACE_HEADER,
        stream: StreamOrder | None = None,
    ) -> None:  # fmt: skip
        """Render the head around target and trace id. `timeout_s` bounds the whole exchange.

        Of the headers that every request has, those of `left_out` are not sent. `stream` is what is
        asked of a response that is one.
        """
        self.method = method
        self.origin = origin
        self.timeout_s = timeout_s
        self.stream = stream
        self.headers = _complete(headers, origin, left_out)
        self.opening = f"{method} "
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        self.trace_header = trace_header
        self.closing = f" HTTP/1.1\r\n{lines}{trace_header}: "
        length = "\r\nContent-Length: 0" if method in _MAY_HAVE_A_BODY else ""
        self.bodiless = f"{length}\r\n\r\n"
        self.plain_target = ""


class Request(msgspec.Struct, frozen=True, gc=False):  # which costs less than a dataclass
    """One request. `headers` are only those that differ from request to request."""

    template: RequestTemplate
    target: str
    trace: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        """The absolute URL, as it is shown to people."""
        origin = self.template.origin
        return f"{'https' if origin.is_tls else 'http'}://{origin.authority}{self.target}"

    @property
    def content_type(self) -> str:
        """The value of Content-Type, or ""."""
        headers = (*self.template.headers, *self.headers)
        return next((value for name, value in headers if name.lower() == "content-type"), "")


class Response(msgspec.Struct, frozen=True, gc=False):
    """A status line, and at most MAX_BODY_BYTES of the body.

    `body_error` is why the body is incomplete, or "". `head` is without informational responses
    before it. `target` is that of the request, to which a relative Location refers. `stream` has
    the events of a response that was read as a stream.
    """

    status: int
    body: bytes
    body_error: str = ""
    head: bytes = b""
    sets_cookies: bool = False
    target: str = "/"
    stream: Stream | None = None

    @property
    def content_type(self) -> str:
        """The value of Content-Type in lower case, or ""."""
        return header_value(self.head, b"content-type").decode("latin-1").lower()


class Sender(Protocol):
    """Sends requests over the connections of one virtual user."""

    def send(self, request: Request) -> Response:
        """Send one request once. Raises NotSent or ResponseLost."""
        ...

    def parallel(self, count: int) -> "Sequence[Sender]":
        """Return senders with connections of their own, for requests at the same time."""
        ...

    def streaming(self) -> "Sender":
        """Return a sender with connections of its own, which reads responses as streams."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def split_url(url: str, certificate: ClientCertificate | None = None) -> tuple[Origin, str]:
    """Split a service's URL into its origin and the path that precedes those of its requests.

    >>> split_url("https://shop.example/v2/")  # doctest: +ELLIPSIS
    (Origin(is_tls=True, host='shop.example', port=443, ...), '/v2')
    """
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    authority = parts.netloc.rpartition("@")[2]
    origin = Origin(is_tls, parts.hostname or "", port, authority, certificate)
    return origin, parts.path.rstrip("/")


def header_value(head: bytes, name: bytes) -> bytes:
    r"""Return a header's value from a head, or b"" without it; `name` is in lower case.

    >>> header_value(b"HTTP/1.1 200 OK\r\nAge: 7\r\n", b"age")
    b'7'
    """
    begin = head.lower().find(b"\r\n" + name + b":")
    if begin < 0:
        return b""
    begin += len(name) + 3
    return head[begin : head.find(b"\r\n", begin)].strip()


def _complete(
    headers: tuple[tuple[str, str], ...], origin: Origin, left_out: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """Prepend the headers that every request has, unless the step sets them or leaves them out."""
    given = {name.lower() for name in (*left_out, *(name for name, _ in headers))}
    defaults = (("Host", origin.authority), *DEFAULT_HEADERS)
    return (*(header for header in defaults if header[0].lower() not in given), *headers)
