"""May another service be called just now? A circuit breaker, after too many failures in a row.

Our own, since the libraries' either hold one lock during the whole call, so that calls queue up
(pybreaker), or let any number of probes through at once.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from threading import Lock

from reference_services.common.calls.errors import CircuitOpen


class CircuitState(IntEnum):
    """The breaker's state, by the value of its metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class CircuitBreaker:
    """Closed: all calls pass. Open: none. Half-open: one probe, which closes or opens it again.

    A state holds one era. The result of a call that was admitted in an earlier era is late news,
    and changes nothing.
    """

    def __init__(
        self,
        failures: int,
        open_s: float,
        on_change: Callable[[CircuitState], None] = lambda _state: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open after so many failures in a row, for so many seconds."""
        self._failures_to_open = failures
        self._open_s = open_s
        self._on_change = on_change
        self._now = now
        self._lock = Lock()
        self._failures = 0
        self._opened_at = 0.0
        self._era = 0
        self._enter(CircuitState.CLOSED)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Make one call within the block; an exception from it is a failure.

        Raises CircuitOpen instead of entering the block when no call may be made.
        """
        era = self._admit()
        try:
            yield
        except BaseException:
            self._judge(era, has_failed=True)
            raise
        self._judge(era, has_failed=False)

    def _admit(self) -> int:
        with self._lock:
            if self._state is CircuitState.OPEN:
                left_s = self._opened_at + self._open_s - self._now()
                if left_s > 0:
                    raise CircuitOpen(left_s)
                self._enter(CircuitState.HALF_OPEN)
            elif self._state is CircuitState.HALF_OPEN:
                raise CircuitOpen(self._open_s)
            return self._era

    def _judge(self, era: int, *, has_failed: bool) -> None:
        with self._lock:
            if era != self._era:
                return
            self._failures = self._failures + 1 if has_failed else 0
            is_probe = self._state is CircuitState.HALF_OPEN
            if has_failed and (is_probe or self._failures >= self._failures_to_open):
                self._opened_at = self._now()
                self._enter(CircuitState.OPEN)
            elif is_probe:
                self._enter(CircuitState.CLOSED)

    def _enter(self, state: CircuitState) -> None:
        self._state = state
        self._failures = 0
        self._era += 1
        self._on_change(state)
