"""What may a header say? Names and values as HTTP carries them, but for the client's own."""

import re
from typing import Annotated

from pydantic import AfterValidator

# What a client says of the connection and of the body's length is its own affair.
RESERVED = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade", "x-trace-id"}
)  # fmt: skip

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("this is not a header's name")
    return text


def _value(text: str) -> str:
    if not _VALUE.fullmatch(text):
        raise ValueError("it is not a header's value: ASCII, without spaces around it")
    return text


def _not_reserved(name: str) -> str:
    if name.lower() in RESERVED:
        raise ValueError("the client itself says this; leave it out")
    return name


HeaderName = Annotated[str, AfterValidator(_name)]
HeaderValue = Annotated[str, AfterValidator(_value)]
FlowHeaderName = Annotated[HeaderName, AfterValidator(_not_reserved)]
FlowHeaders = dict[FlowHeaderName, HeaderValue]
