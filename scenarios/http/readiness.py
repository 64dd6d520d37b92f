"""Wait until a socket is readable or writable: the protocol, and the one that blocks the thread.

Under load, `scenarios.engine.gevent_readiness` waits without blocking the other virtual users.
"""

import select
import time
from collections.abc import Callable
from typing import Protocol


class Readiness(Protocol):
    """The readiness of one socket. Deadlines are on the clock `time.monotonic`."""

    def readable(self, deadline: float) -> bool:
        """Wait until the socket is readable; return False at the deadline."""
        ...

    def writable(self, deadline: float) -> bool:
        """Wait until the socket is writable; return False at the deadline."""
        ...

    def ready(self, deadline: float) -> bool:
        """Wait until the socket is readable or writable; return False at the deadline."""
        ...

    def is_quiet(self) -> bool:
        """Return whether nothing has arrived, neither data nor a close. It does not wait."""
        ...

    def close(self) -> None:
        """Stop watching the socket."""
        ...


ReadinessFactory = Callable[[int], Readiness]  # of a socket, by its file descriptor


class PollingReadiness:
    """Waits by `poll(2)`, which blocks the thread.

    Signal handlers still run, so that Ctrl-C interrupts a wait; if the handler raises nothing,
    Python resumes the wait for the time that is left.
    """

    def __init__(self, descriptor: int) -> None:
        """Watch a file descriptor."""
        self._descriptor = descriptor

    def readable(self, deadline: float) -> bool:
        """Wait until the socket is readable; return False at the deadline."""
        return self._wait(select.POLLIN, deadline)

    def writable(self, deadline: float) -> bool:
        """Wait until the socket is writable; return False at the deadline."""
        return self._wait(select.POLLOUT, deadline)

    def ready(self, deadline: float) -> bool:
        """Wait until the socket is readable or writable; return False at the deadline."""
        return self._wait(select.POLLIN | select.POLLOUT, deadline)

    def is_quiet(self) -> bool:
        """Return whether nothing has arrived, neither data nor a close. It does not wait."""
        return not self._poll(select.POLLIN).poll(0)

    def close(self) -> None:
        """Do nothing: nothing is held between two waits."""

    def _wait(self, events: int, deadline: float) -> bool:
        poll = self._poll(events)
        left_s = deadline - time.monotonic()
        return left_s > 0 and bool(poll.poll(left_s * 1000))

    def _poll(self, events: int) -> select.poll:
        poll = select.poll()
        poll.register(self._descriptor, events)
        return poll
