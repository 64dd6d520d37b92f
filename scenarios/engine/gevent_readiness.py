"""Wait for a socket in gevent's event loop, so that other virtual users run meanwhile.

A timeout bounds the time that a service takes. While the event loop itself stands, no response can
be read, and that time does not count:

    request        ├──── timeout ────┤
    event loop     ──────┐     ┌──────────────
                         └ 3 s ┘ stands
    response                 ▲ arrives, is read when the loop goes on
    deadline                         └── 3 s ──▶
"""

import select
import time
from typing import Any
from weakref import WeakSet

import gevent
from gevent.hub import Hub
from gevent.monkey import get_original

_READ, _WRITE = 1, 2
_NEVER = float("inf")
_CHECK_S, _CHECK_PER_SOCKET_S = 0.01, 0.00001
_LEAST_STALL_S = 0.1
_new_poll = get_original("select", "poll")  # gevent's own would switch to the hub


class GeventReadiness:
    """The readiness of one socket.

    A gevent timer per request would cost as much as the wait itself. Instead, a wait notes its
    deadline, and a single greenlet, `expire_deadlines`, checks all sockets once the earliest
    deadline has passed. `stalled_s` is how long the event loop has stood so far.
    """

    sockets: "WeakSet[GeventReadiness]" = WeakSet()
    earliest_deadline = _NEVER
    stalled_s = 0.0

    def __init__(self, descriptor: int) -> None:
        """Watch a descriptor."""
        self._hub: Hub = gevent.get_hub()
        self._read = self._hub.loop.io(descriptor, _READ)
        self._write = self._hub.loop.io(descriptor, _WRITE)
        self._either = self._hub.loop.io(descriptor, _READ | _WRITE)
        self._current: Any = self._read
        self._arrived = _new_poll()
        self._arrived.register(descriptor, select.POLLIN)
        self._greenlet: gevent.Greenlet | None = None
        self._deadline = self._stalled_before_s = 0.0
        self.sockets.add(self)

    def readable(self, deadline: float) -> bool:
        """Wait until the socket is readable; return False at the deadline."""
        return self._wait(self._read, deadline)

    def writable(self, deadline: float) -> bool:
        """Wait until the socket is writable; return False at the deadline."""
        return self._wait(self._write, deadline)

    def ready(self, deadline: float) -> bool:
        """Wait until the socket is readable or writable; return False at the deadline."""
        return self._wait(self._either, deadline)

    def is_quiet(self) -> bool:
        """Return whether nothing has arrived, neither data nor a close. It does not wait."""
        return not self._arrived.poll(0)

    def close(self) -> None:
        """Stop watching."""
        self.sockets.discard(self)
        for watcher in (self._read, self._write, self._either):
            watcher.close()

    def expire(self, now: float) -> float:
        """Wake the waiting greenlet if its deadline has passed; return the next deadline."""
        if self._greenlet is None:
            return _NEVER
        deadline = self._deadline + GeventReadiness.stalled_s - self._stalled_before_s
        if deadline > now:
            return deadline
        self._current.stop()
        self._deadline = _NEVER
        # by the hub: after a direct switch, nothing would resume the greenlet that runs this
        self._hub.loop.run_callback(self._time_out, self._greenlet)
        return _NEVER

    def _time_out(self, greenlet: Any) -> None:
        """Wake a greenlet, unless it was killed meanwhile and now waits for something else."""
        if self._greenlet is not None and greenlet is self._greenlet:
            greenlet.switch(False)

    def _wait(self, watcher: Any, deadline: float) -> bool:
        if deadline != self._deadline:  # of another request
            self._deadline, self._stalled_before_s = deadline, GeventReadiness.stalled_s
        GeventReadiness.earliest_deadline = min(GeventReadiness.earliest_deadline, deadline)
        self._current = watcher
        self._greenlet = greenlet = gevent.getcurrent()
        watcher.start(greenlet.switch, True)
        try:
            return bool(self._hub.switch())
        finally:
            self._greenlet = None
            watcher.stop()


def expire_deadlines() -> None:
    """Wake every greenlet whose deadline has passed, forever."""
    now = time.monotonic()
    while True:
        checked = 0
        if now >= GeventReadiness.earliest_deadline:
            sockets = list(GeventReadiness.sockets)
            deadlines = (socket.expire(now) for socket in sockets)
            GeventReadiness.earliest_deadline = min(deadlines, default=_NEVER)
            checked = len(sockets)
        # a check of many sockets takes time: check less often, so that it stays a small share
        asleep_s = max(_CHECK_S, checked * _CHECK_PER_SOCKET_S)
        gevent.sleep(asleep_s)
        due, now = now + asleep_s, time.monotonic()
        if now - due > _LEAST_STALL_S:
            GeventReadiness.stalled_s += now - due
