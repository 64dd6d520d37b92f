"""A response as a stream of events: what is asked of it, and what came of it.

sent ──── first event ── gap ── event ───── gap ───── event ── end: by the service, or a hang-up
└──── first_s ────────┘                └─ longest_gap_s ─┘
"""

from enum import IntEnum, StrEnum
from typing import NamedTuple

MAX_EVENTS = 10_000  # of one response


class StreamKind(StrEnum):
    """The kinds of streams, in the words of a scenario."""

    SSE = "sse"
    JSON_LINES = "json_lines"


class StreamOrder(NamedTuple):
    """What a step asks of the response: its kind, and after how many events the client hangs up."""

    kind: StreamKind
    hang_up_after: int | None = None


class Event(NamedTuple):
    """One event. Of server-sent events, `id` is the last id so far, also of an event before."""

    data: str
    event: str = "message"
    id: str = ""


class StreamEnd(IntEnum):
    """How a stream ended; 0 is no stream."""

    ENDED = 1  # by the service, as HTTP has it
    HUNG_UP = 2  # by the client, as its step has it
    BROKEN = 3  # anything else: cut off, not in time, too large


class Stream(NamedTuple):
    """The events of one response, and when they came, in seconds since the request was sent.

    Without an event there is no first one, and with a single one no gap; in a stream that broke,
    the time from the last event until then is a gap, too.
    """

    events: tuple[Event, ...]
    end: StreamEnd
    first_s: float | None = None
    longest_gap_s: float | None = None
