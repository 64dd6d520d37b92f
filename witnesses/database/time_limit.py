"""How long a query may take, and the thread that cuts a connection when that has passed."""

import os
import socket
import time
from collections.abc import Callable
from threading import Event, Thread


class TimeLimit:
    """The time for the next rows of a query, and for all of them.

    The server ends a statement by itself; where it does not, the connection is cut `grace_s` later.
    """

    def __init__(self, batch_s: int, whole_s: float, grace_s: float = 0.0) -> None:
        self.batch_s = batch_s
        self.whole_s = whole_s
        self._grace_s = grace_s
        self._whole_ends_at = time.monotonic() + whole_s
        self.renew()

    def renew(self) -> None:
        """Restart the limit: rows have arrived."""
        of_batch = time.monotonic() + self.batch_s + self._grace_s
        self.ends_at = min(of_batch, self._whole_ends_at)

    @property
    def is_over(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() >= self.ends_at

    @property
    def passed_s(self) -> float:
        """The limit that has passed: that of the whole, or of a statement."""
        return self.whole_s if time.monotonic() >= self._whole_ends_at else self.batch_s


class Watchdog:
    """Cuts a connection as soon as its time limit has passed, and then calls `after_cut`."""

    def __init__(self, limit: TimeLimit, after_cut: Callable[[], None]) -> None:
        self._limit = limit
        self._after_cut = after_cut
        self._line: socket.socket | None = None
        self._is_done = Event()
        self._thread = Thread(target=self._watch, name="database watch", daemon=True)
        self.was_cut = False

    def watch(self, fileno: int) -> None:
        """Begin, with the connection of a file descriptor."""
        # A line of its own: the driver's may be closed, and its number given to another.
        self._line = socket.socket(fileno=os.dup(fileno))
        self._thread.start()

    def close(self) -> None:
        """Stop watching the time."""
        self._is_done.set()
        if self._line:
            self._thread.join()
            self._line.close()

    def _watch(self) -> None:
        while not self._is_done.wait(max(0.0, self._limit.ends_at - time.monotonic())):
            if self._line and self._limit.is_over:
                self.was_cut = True
                self._line.shutdown(socket.SHUT_RDWR)
                self._after_cut()
                return
