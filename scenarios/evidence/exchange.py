"""One request with its outcome and times: the record that all stages work on.

due ── lag ── sent ── service time ── done
└────────── response time ──────────────┘
"""

from dataclasses import dataclass
from enum import IntFlag, StrEnum


class Mark(IntFlag):
    """What an exchange brought to its end."""

    ITERATION = 1  # the last of an iteration that came to its end
    WAIT = 2  # the last poll of a wait: it is done, or its time is over


class Outcome(StrEnum):
    """The outcome of a request."""

    OK = "ok"  # the expected response
    REJECTED = "rejected"  # any other response
    UNKNOWN = "unknown"  # sent, without a response: the service may have carried it out or not
    NOT_SENT = "not sent"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request. Times are monotonic seconds since the generator's anchor.

    Without a response (unknown, not sent), `done_s` is when the client gave up. `cut_off`: the load
    ended before the response; nothing is known of the outcome. `marks` are bits of Mark.
    """

    generator: str
    sequence: int
    iteration: int
    step: str
    due_s: float
    sent_s: float
    done_s: float
    outcome: Outcome
    status: int | None = None
    reason: str = ""
    cut_off: bool = False
    marks: int = 0

    @property
    def has_response(self) -> bool:
        """Whether a status line was received."""
        return self.outcome in (Outcome.OK, Outcome.REJECTED)

    @property
    def response_s(self) -> float:
        """The response time: done − due, in seconds."""
        return self.done_s - self.due_s


def trace_id(run_id: str, generator: str, sequence: int) -> str:
    """Return the id of a request: its trace header, unless that is `traceparent`."""
    return f"{run_id}-{generator}-{sequence}"
