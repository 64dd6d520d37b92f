"""Fetch one response whole, with one deadline and one size: what the harness asks beside a flow.

Health, metrics and Prometheus are all asked here. The deadline of the client bounds the whole call,
from connecting to the last byte; its `max_bytes` bounds the body, before and after decoding.

FetchFailed
├── ResponseLate       it was not whole at the deadline
├── ResponseUnusable   it is too large, cannot be decoded, or broke off; the text says which
└── NotConnected       there was none; `__cause__` says why
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import h11
import httpx

from scenarios.http.content_encoding import codings_in, decode
from scenarios.http.messages import NotSent
from scenarios.http.transport import BoundedClient, TooMuchReceived

_HEAD_TOO_LARGE = 431  # h11's hint for a head, a chunk's line or trailers that do not end


class FetchFailed(Exception):
    """No response can be used."""


class ResponseLate(FetchFailed):
    """The response was not whole at the deadline."""


class ResponseUnusable(FetchFailed):
    """There is a response, and its message says why it is not used."""


class NotConnected(FetchFailed):
    """There is no response."""


@dataclass(frozen=True)
class Fetched:
    """A whole response; `certificate_until` is when the certificate expires, as OpenSSL writes."""

    status: int
    headers: httpx.Headers
    body: bytes
    certificate_until: str = field(default="", repr=False)

    @property
    def text(self) -> str:
        """The body as text; a charset that the response names is not looked up."""
        return self.body.decode(errors="replace")


def fetch(
    client: BoundedClient,
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    deadline_s: float | None = None,
    auth: httpx.Auth | None = None,
) -> Fetched:
    """Send a request and return its response. Raises FetchFailed.

    `deadline_s` and `auth` are the client's unless they are given. No redirect is followed.
    """
    options: dict[str, Any] = {} if deadline_s is None else {"timeout": deadline_s}
    options |= {} if auth is None else {"auth": auth}
    given = {"Accept-Encoding": "gzip, deflate", **(headers or {})}
    has_head = False
    try:
        with client.stream(method, url, headers=given, content=content, **options) as response:
            has_head = True
            _check_version(response)
            # the certificate can only be read while the connection is open
            certificate_until = _certificate_until(response)
            body = _read(response, client.max_bytes)
    except NotSent as error:  # without a token
        raise NotConnected(str(error)) from error
    except httpx.TimeoutException as error:
        raise ResponseLate("the deadline has passed") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _failure(error, has_head=has_head) from error
    return Fetched(
        response.status_code, response.headers, _decoded(response, body, client.max_bytes),
        certificate_until,
    )  # fmt: skip


def _check_version(response: httpx.Response) -> None:
    version: bytes = response.extensions["http_version"]
    if not version.startswith(b"HTTP/1."):  # h11 reads any
        raise ResponseUnusable(f"it is in {version.decode('latin-1')}, not in HTTP/1.1")


def _read(response: httpx.Response, max_bytes: int) -> bytes:
    body = BytesIO()  # unlike a list of pieces, it needs no second copy
    for piece in response.iter_raw():
        if body.tell() + len(piece) > max_bytes:
            raise ResponseUnusable(f"the body is over {max_bytes:,} bytes")
        body.write(piece)
    return body.getvalue()


def _decoded(response: httpx.Response, body: bytes, max_bytes: int) -> bytes:
    named = response.headers.get("Content-Encoding", "")
    # only a success announces the coding of a body that it has
    if not named or (not body and response.status_code != httpx.codes.OK):
        return body
    codings = codings_in(named.lower().encode("latin-1", "replace"))
    body, error = decode(body, codings, "", max_bytes)
    if error:
        raise ResponseUnusable(error)
    return body


def _failure(error: Exception, *, has_head: bool) -> FetchFailed:
    cause = error.__cause__
    while cause is not None:
        if isinstance(cause, TooMuchReceived):
            return ResponseUnusable(str(cause))
        if isinstance(cause, h11.RemoteProtocolError) and (
            cause.error_status_hint == _HEAD_TOO_LARGE
        ):
            return ResponseUnusable("its head, trailers or the line of a chunk do not end")
        cause = cause.__cause__ or cause.__context__
    is_theirs = has_head and isinstance(error, httpx.TransportError)
    return ResponseUnusable("the body broke off") if is_theirs else NotConnected(str(error))


def _certificate_until(response: httpx.Response) -> str:
    tls: ssl.SSLObject | None
    tls = response.extensions["network_stream"].get_extra_info("ssl_object")
    certificate = (tls.getpeercert() if tls else None) or {}
    return str(certificate.get("notAfter", ""))
