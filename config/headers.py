"""Validate the names and values of HTTP headers, and reserve those that the client sets."""

import re
from typing import Annotated

from pydantic import AfterValidator

# The HTTP client sets these itself: connection handling, framing, and the trace id.
RESERVED = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade", "x-trace-id"}
)  # fmt: skip

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("not a valid header name")
    return text


def _value(text: str) -> str:
    if not _VALUE.fullmatch(text):
        raise ValueError("not a valid header value: ASCII, no spaces around it")
    return text


def _not_reserved(name: str) -> str:
    if name.lower() in RESERVED:
        raise ValueError("the client itself says this; leave it out")
    return name


HeaderName = Annotated[str, AfterValidator(_name)]
HeaderValue = Annotated[str, AfterValidator(_value)]
FlowHeaderName = Annotated[HeaderName, AfterValidator(_not_reserved)]
FlowHeaders = dict[FlowHeaderName, HeaderValue]
