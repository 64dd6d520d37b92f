"""Which request is this? The trace id of the request that the current code serves."""

import re
from contextvars import ContextVar
from uuid import uuid4

TRACE_HEADER = "X-Trace-ID"

TRACE_LENGTH = 128

_ACCEPTABLE = re.compile(rf"[\x21-\x7e]{{1,{TRACE_LENGTH}}}")
_current: ContextVar[str] = ContextVar("trace_id", default="")


def current_trace_id() -> str:
    """Return the trace id of the request being served, or "" outside of one."""
    return _current.get()


def begin_trace(offered: str | None) -> str:
    """Make the offered trace id the current one, or a new one if it is absent or unprintable."""
    trace_id = offered if offered and _ACCEPTABLE.fullmatch(offered) else str(uuid4())
    _current.set(trace_id)
    return trace_id
