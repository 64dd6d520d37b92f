"""Validate the names and values of HTTP headers, and reserve those that the client sets."""

from typing import Annotated

from config.requirements import matches, requires

# The HTTP client sets these itself: connection handling, framing, and the trace id.
RESERVED = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade", "x-trace-id"}
)  # fmt: skip

_IS_TOKEN = matches(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "not a valid header name")
_IS_VALUE = matches(r"[!-~]([ -~]*[!-~])?", "not a valid header value: ASCII, no spaces around it")
_IS_FREE = requires(
    lambda name: name.lower() not in RESERVED, "the client itself says this; leave it out"
)

HeaderName = Annotated[str, _IS_TOKEN]
HeaderValue = Annotated[str, _IS_VALUE]
FlowHeaderName = Annotated[HeaderName, _IS_FREE]
FlowHeaders = dict[FlowHeaderName, HeaderValue]
