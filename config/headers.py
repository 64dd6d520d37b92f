"""Validate the names and values of HTTP headers, and reserve those that the client sets."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator

from config.requirements import matches, requires

T = TypeVar("T")

# The HTTP client sets these itself: connection handling, framing, and the trace id.
RESERVED = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade", "x-trace-id"}
)  # fmt: skip

_IS_TOKEN = matches(
    r"[!#$%&'*+.^_`|~0-9A-Za-z-]+",
    "{0!r} is not the name of a header; use letters, digits and -, as in X-Request-ID",
)
_IS_VALUE = matches(
    r"[!-~]([ -~]*[!-~])?", "not a valid header value: write ASCII text without spaces around it"
)
_IS_FREE = requires(
    lambda name: name.lower() not in RESERVED, "the client itself says this; leave it out"
)

_HAVE_A_USE = (
    RESERVED | {"accept", "accept-encoding", "authorization", "content-encoding", "content-type",
                "cookie", "host", "user-agent"}
) - {"x-trace-id"}  # fmt: skip
_IS_OF_NO_OTHER_USE = requires(
    lambda name: name.lower() not in _HAVE_A_USE,
    "{0} has another use in HTTP; name X-Trace-ID, X-Request-ID, traceparent or another header",
)


def _named_once(headers: dict[str, T]) -> dict[str, T]:
    """Refuse a name that differs from another one in case only: HTTP takes them for the same."""
    names: dict[str, str] = {}
    for name in headers:
        if (other := names.setdefault(name.lower(), name)) != name:
            raise ValueError(f"{other} and {name} are the same header; keep one of them")
    return headers


def override(common: Mapping[str, T], own: Mapping[str, T | None]) -> dict[str, T]:
    """Return common headers and own ones, which replace those of the same name; None leaves it out.

    >>> override({"Accept": "a", "X-A": "1", "X-B": "1"}, {"accept": "b", "X-B": None})
    {'X-A': '1', 'accept': 'b'}
    """
    names = {name.lower() for name in own}
    kept = {name: value for name, value in common.items() if name.lower() not in names}
    return kept | {name: value for name, value in own.items() if value is not None}


HeaderName = Annotated[str, _IS_TOKEN]
# It carries the id of each request.
TraceHeaderName = Annotated[HeaderName, _IS_OF_NO_OTHER_USE]
HeaderValue = Annotated[str, _IS_VALUE]
FlowHeaderName = Annotated[HeaderName, _IS_FREE]
FlowHeaders = Annotated[dict[FlowHeaderName, HeaderValue], AfterValidator(_named_once)]
Headers = Annotated[dict[HeaderName, HeaderValue], AfterValidator(_named_once)]
# null leaves out a header that every service has, or that every request has
OwnFlowHeaders = Annotated[dict[FlowHeaderName, HeaderValue | None], AfterValidator(_named_once)]
OwnHeaders = Annotated[dict[HeaderName, HeaderValue | None], AfterValidator(_named_once)]
