"""Wait for a connection by blocking the thread; a load waits otherwise."""

import select
import time
from collections.abc import Callable
from typing import Protocol


class Wait(Protocol):
    """Waits for one socket, until a deadline on the monotonic clock at most."""

    def readable(self, deadline: float) -> bool:
        """Wait until there is something to read; False at the deadline."""
        ...

    def writable(self, deadline: float) -> bool:
        """Wait until something can be written; False at the deadline."""
        ...

    def close(self) -> None:
        """Wait no more."""
        ...


Waiting = Callable[[int], Wait]  # makes the wait of a socket, by its descriptor


class PollingReadiness:
    """Waits by stopping the thread."""

    def __init__(self, descriptor: int) -> None:
        """Watch a descriptor."""
        self._descriptor = descriptor

    def readable(self, deadline: float) -> bool:
        """Wait until there is something to read; False at the deadline."""
        return self._wait(select.POLLIN, deadline)

    def writable(self, deadline: float) -> bool:
        """Wait until something can be written; False at the deadline."""
        return self._wait(select.POLLOUT, deadline)

    def close(self) -> None:
        """Wait no more."""

    def _wait(self, events: int, deadline: float) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, events)
        left_s = deadline - time.monotonic()
        return left_s > 0 and bool(poll.poll(left_s * 1000))
