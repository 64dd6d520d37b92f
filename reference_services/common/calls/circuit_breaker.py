"""Circuit breaker that opens after a number of consecutive failures.

    CLOSED ── `failures` in a row ──> OPEN ── after `open_s` ──> HALF_OPEN ── success ──> CLOSED
                                        ^                            │
                                        └────────── failure ─────────┘

A library would not do: pybreaker holds one lock during the whole call, so that calls queue up;
others admit any number of probes at once.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from threading import Lock

from reference_services.common.calls.errors import CircuitOpen


class CircuitState(IntEnum):
    """State of the breaker; the number is the value of its metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class CircuitBreaker:
    """Closed: all calls pass. Open: none pass. Half-open: one probe passes and decides the state.

    Every change of state starts a new epoch. The result of a call that was admitted in an earlier
    epoch is ignored.
    """

    def __init__(
        self,
        failures: int,
        open_s: float,
        on_change: Callable[[CircuitState], None] = lambda _state: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open after `failures` in a row, for `open_s` seconds; `on_change` gets each new state."""
        self._failures_to_open = failures
        self._open_s = open_s
        self._on_change = on_change
        self._now = now
        self._lock = Lock()
        self._failures = 0
        self._opened_at = 0.0
        self._epoch = 0
        self._enter(CircuitState.CLOSED)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Run one call within the block; an exception counts as a failure.

        Raises CircuitOpen, without entering the block, when no call is admitted.
        """
        epoch = self._admit()
        try:
            yield
        except BaseException:
            self._record(epoch, has_failed=True)
            raise
        self._record(epoch, has_failed=False)

    def _admit(self) -> int:
        with self._lock:
            if self._state is CircuitState.OPEN:
                left_s = self._opened_at + self._open_s - self._now()
                if left_s > 0:
                    raise CircuitOpen(left_s)
                self._enter(CircuitState.HALF_OPEN)
            elif self._state is CircuitState.HALF_OPEN:
                raise CircuitOpen(self._open_s)
            return self._epoch

    def _record(self, epoch: int, *, has_failed: bool) -> None:
        with self._lock:
            if epoch != self._epoch:
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
        self._epoch += 1
        self._on_change(state)
