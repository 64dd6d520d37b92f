"""How does a virtual user wait for its connection? Its greenlet rests, and the others go on."""

import time
from typing import Any
from weakref import WeakSet

import gevent
from gevent.hub import Hub

_READ, _WRITE = 1, 2
_NEVER = float("inf")
_LOOK_S, _LOOK_EACH_S = 0.01, 0.00001


class GeventWait:
    """Waits for one socket in gevent's event loop.

    A timer a request would cost as much as the waiting. So whoever waits says until when, and one
    greenlet, `expire_waits`, looks at all of them once the soonest of these instants has come.
    """

    waits: "WeakSet[GeventWait]" = WeakSet()
    soonest = _NEVER

    def __init__(self, descriptor: int) -> None:
        """Watch a descriptor."""
        self._hub: Hub = gevent.get_hub()
        self._read = self._hub.loop.io(descriptor, _READ)
        self._write = self._hub.loop.io(descriptor, _WRITE)
        self._current: Any = self._read
        self._greenlet: gevent.Greenlet | None = None
        self._deadline = 0.0
        self.waits.add(self)

    def readable(self, deadline: float) -> bool:
        """Wait until there is something to read; False at the deadline."""
        return self._wait(self._read, deadline)

    def writable(self, deadline: float) -> bool:
        """Wait until something can be written; False at the deadline."""
        return self._wait(self._write, deadline)

    def close(self) -> None:
        """Wait no more."""
        self.waits.discard(self)
        self._read.close()
        self._write.close()

    def expire(self, now: float) -> float:
        """Wake who waits if its deadline has passed; return the one that has not."""
        if self._greenlet is None:
            return _NEVER
        if self._deadline <= now:
            self._current.stop()
            self._deadline = _NEVER
            self._hub.loop.run_callback(self._give_up, self._greenlet)
        return self._deadline

    def _give_up(self, greenlet: Any) -> None:
        """Wake a greenlet, unless it was killed meanwhile: it may wait for something else now."""
        if self._greenlet is not None and greenlet is self._greenlet:
            greenlet.switch(False)

    def _wait(self, watcher: Any, deadline: float) -> bool:
        self._deadline = deadline
        GeventWait.soonest = min(GeventWait.soonest, deadline)
        self._current = watcher
        self._greenlet = greenlet = gevent.getcurrent()
        watcher.start(greenlet.switch, True)
        try:
            return bool(self._hub.switch())
        finally:
            self._greenlet = None
            watcher.stop()


def expire_waits() -> None:
    """Wake, again and again, whoever has waited until its deadline."""
    while True:
        looked_at = 0
        if (now := time.monotonic()) >= GeventWait.soonest:
            waits = list(GeventWait.waits)
            GeventWait.soonest = min((each.expire(now) for each in waits), default=_NEVER)
            looked_at = len(waits)
        gevent.sleep(max(_LOOK_S, looked_at * _LOOK_EACH_S))
