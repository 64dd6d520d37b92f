"""What is one request and what came of it? The record that passes through everything."""

from dataclasses import dataclass
from enum import StrEnum

CUT_OFF = "the run ended before the answer"


class Outcome(StrEnum):
    """What came of a request."""

    OK = "ok"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    NOT_SENT = "not sent"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request on the wire. Times are seconds since the generator's anchor, monotonic.

    Without an answer (unknown, not sent) `done_s` is when it was given up.
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

    @property
    def answered(self) -> bool:
        """Whether a status line came back."""
        return self.outcome in (Outcome.OK, Outcome.REJECTED)

    @property
    def cut_off(self) -> bool:
        """Whether the run ended before the answer: nothing is known of what came of it."""
        return self.reason == CUT_OFF

    @property
    def response_s(self) -> float:
        """The response time: done − due, in seconds."""
        return self.done_s - self.due_s


def trace_id(run_id: str, generator: str, sequence: int) -> str:
    """Return the X-Trace-ID by which a request can be found in rows, logs and traces."""
    return f"{run_id}-{generator}-{sequence}"
