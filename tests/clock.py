"""How long did it take, but for the time in which the machine itself stood still?

A test that holds work to a bound says nothing of the work while a virtual machine is paused, or its
cores are with somebody else. A thread that should wake up fifty times a second notices this.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

HALT_S = 0.1
_BEAT_S = 0.02
_ATTEMPTS = 4

T = TypeVar("T")


@dataclass
class Clock:
    """The halts of the machine since `began_at`: instants of `time.monotonic`, over `HALT_S` apart.

    >>> paused = Clock(began_at=10.0, halts=[(11.0, 14.0)])
    >>> paused.awake_s(10.0, 15.0), paused.awake_s(13.0, 15.0), paused.awake_s(14.5, 15.0)
    (2.0, 1.0, 0.5)
    """

    began_at: float
    halts: list[tuple[float, float]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _beat_at: float = 0.0

    def beat(self) -> float:
        """Say that the machine goes on; return the instant."""
        with self._lock:
            before, self._beat_at = self._beat_at or self.began_at, time.monotonic()
            if self._beat_at - before > HALT_S:
                self.halts.append((before, self._beat_at))
            return self._beat_at

    def lasted_s(self) -> float:
        """Return how long it is since the beginning."""
        return time.monotonic() - self.began_at

    def took_s(self) -> float:
        """Return how long it is since the beginning, without the halts."""
        return self.awake_s(self.began_at, self.beat())

    def awake_s(self, since: float, until: float) -> float:
        """Return how long the machine went on between two instants."""
        halted_s = (min(until, end) - max(since, begin) for begin, end in self.halts)
        return until - since - sum(each for each in halted_s if each > 0)


@contextmanager
def ticking() -> Iterator[Clock]:
    """Notice halts within the block."""
    measured, over = Clock(time.monotonic()), threading.Event()

    def watch() -> None:
        while not over.wait(_BEAT_S):
            measured.beat()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield measured
        measured.beat()
    finally:
        over.set()
        thread.join()


def undisturbed(work: Callable[[], T]) -> T:
    """Do it again where the machine stood still meanwhile, a few times at most."""
    for attempt in range(1, _ATTEMPTS + 1):
        with ticking() as measured:
            done = work()
        if not measured.halts or attempt == _ATTEMPTS:
            break
    return done
