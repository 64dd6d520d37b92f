"""Trace id of the current request, kept in a context variable."""

import re
from contextvars import ContextVar
from uuid import uuid4

TRACE_HEADER = "X-Trace-ID"

TRACE_LENGTH = 128

_ACCEPTABLE = re.compile(rf"[\x21-\x7e]{{1,{TRACE_LENGTH}}}")
_current: ContextVar[str] = ContextVar("trace_id", default="")


def current_trace_id() -> str:
    """Return the trace id of the current request, or "" outside of a request."""
    return _current.get()


def begin_trace(offered: str | None) -> str:
    """Set the current trace id and return it.

    A new one is generated if the offered one is absent, too long or not printable ASCII.
    """
    trace_id = offered if offered and _ACCEPTABLE.fullmatch(offered) else str(uuid4())
    _current.set(trace_id)
    return trace_id
