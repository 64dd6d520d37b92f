"""Requests and responses: the seam between the flow and the client that sends.

NoResponse
├── NotSent        the request never left: no connection could be made
└── ResponseLost   it may have arrived: timeout, reset, protocol error
"""

from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

MAX_BODY_BYTES = 10_000_000
TRACE_HEADER = "X-Trace-ID"
JSON_TYPE = "application/json"

# A server closes idle connections after a while, and a request that meets the closing one is in
# doubt. Closing first, after this many seconds, avoids it (uvicorn and most others: 5 s).
KEEPALIVE_S = 2.0

# A length of 0 where there is no body, as httpx sends it: the server need not wait for one.
_MAY_HAVE_A_BODY = ("POST", "PUT", "PATCH")


class NoResponse(Exception):
    """No status line came back; the text is the reason."""


class NotSent(NoResponse):
    """The request never left."""


class ResponseLost(NoResponse):
    """The request left, or may have, and its answer did not come."""


class Origin(NamedTuple):
    """Where requests go: host names as the URL has them, IPv6 addresses without brackets."""

    is_tls: bool
    host: str
    port: int
    authority: str


class RequestTemplate:
    """What all requests of one step share; headers whose value changes are not in it.

    `opening` and `closing` are how the request's head reads around target and trace id, `bodiless`
    is how it ends where there is no body.
    """

    def __init__(
        self, method: str, origin: Origin, headers: tuple[tuple[str, str], ...], timeout_s: float,
        has_body: bool,
    ) -> None:  # fmt: skip
        """Write what can be written ahead."""
        self.method = method
        self.origin = origin
        self.timeout_s = timeout_s
        self.headers = _complete(headers, origin, has_body)
        self.opening = f"{method} "
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        self.closing = f" HTTP/1.1\r\n{lines}{TRACE_HEADER}: "
        length = "\r\nContent-Length: 0" if method in _MAY_HAVE_A_BODY else ""
        self.bodiless = f"{length}\r\n\r\n"


class Request(NamedTuple):
    """One request, ready to send. `headers` are those that differ from request to request."""

    envelope: RequestTemplate
    target: str
    trace: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        """The whole address."""
        origin = self.envelope.origin
        return f"{'https' if origin.is_tls else 'http'}://{origin.authority}{self.target}"


class Response(NamedTuple):
    """A status line, and at most MAX_BODY_BYTES of what followed it.

    `broken` is why the body is not whole, or "". `head` is the head in small
    letters, or as much of it as is needed.
    """

    status: int
    body: bytes
    broken: str = ""
    head: bytes = b""

    @property
    def content_type(self) -> str:
        """The value of Content-Type, or ""."""
        return header_value(self.head, b"content-type").decode("latin-1")


class Sender(Protocol):
    """What sends requests: one virtual user's connections."""

    def send(self, request: Request) -> Response:
        """Send one request once. Raises NotSent or ResponseLost."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def split_url(url: str) -> tuple[Origin, str]:
    """Return a service's origin and the path that its requests' paths are appended to.

    >>> split_url("https://shop.example/v2/")
    (Origin(is_tls=True, host='shop.example', port=443, authority='shop.example'), '/v2')
    """
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    authority = parts.netloc.rpartition("@")[2]
    return Origin(is_tls, parts.hostname or "", port, authority), parts.path.rstrip("/")


def header_value(head: bytes, name: bytes) -> bytes:
    r"""Return a header's value from a head in small letters, b"" where it is not there.

    >>> header_value(b"http/1.1 200 ok\r\nage: 7\r\n", b"age")
    b'7'
    """
    begin = head.find(b"\r\n" + name + b":")
    if begin < 0:
        return b""
    begin += len(name) + 3
    return head[begin : head.find(b"\r\n", begin)].strip()


def _complete(
    headers: tuple[tuple[str, str], ...], origin: Origin, has_body: bool
) -> tuple[tuple[str, str], ...]:
    """Add what a request needs and its step does not say."""
    given = {name.lower() for name, _ in headers}
    defaults = [("Host", origin.authority), ("Accept", "*/*"),
                ("Accept-Encoding", "gzip, deflate"), ("User-Agent", "trial-balance")]  # fmt: skip
    defaults += [("Content-Type", JSON_TYPE)] if has_body else []
    return (*(each for each in defaults if each[0].lower() not in given), *headers)
