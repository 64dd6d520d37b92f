"""How does one process drive its part of a load? Its users, its arrivals, its own health."""

import gc
import random
import time
from collections.abc import Callable

import gevent
import psutil
from gevent.queue import SimpleQueue

from scenarios.driver.arrivals import ClosedModel
from scenarios.driver.flow import run_iteration
from scenarios.driver.load_state import Load, Order
from scenarios.engine.gevent_readiness import GeventWait, expire_waits
from scenarios.evidence.recording import CANNOT_RECORD
from scenarios.http.client import LeanSender

_TICK_S = 0.02
_TICKS_A_LOOK = 25
_SEATED_S, _SEATING_S = 0.1, 5.0


class Seat:
    """One virtual user's place: its connections, and where an open model calls it."""

    def __init__(self, driving: "Driving") -> None:
        """Take connections of its own."""
        self._driving = driving
        self._sender = LeanSender(driving.load.order.flow.network, GeventWait)
        self.called: SimpleQueue[tuple[int, float] | None] = SimpleQueue()

    def drive(self) -> None:
        """Run iterations until none is due any more."""
        if isinstance(self._driving.load.order.arrivals, ClosedModel):
            self._one_after_the_other(self._driving.load.order.arrivals.think_s)
        else:
            self._whenever_called()

    def close(self) -> None:
        """Give the connections back."""
        self._sender.close()

    def _one_after_the_other(self, think_s: tuple[float, float]) -> None:
        load, now_s = self._driving.load, self._driving.load.recorder.now_s
        while (due := load.next_iteration(now_s())) is not None:
            self._run(*due)
            if think_s[1]:
                gevent.sleep(random.uniform(*think_s))  # noqa: S311 - a pause, no secret

    def _whenever_called(self) -> None:
        idle = self._driving.idle
        while True:
            idle.append(self)
            called = self.called.get()
            if called is None:
                return
            self._run(*called)

    def _run(self, number: int, due_s: float) -> None:
        load, went_well = self._driving.load, False
        try:
            went_well = run_iteration(load.order.flow, number, due_s, self._sender, load.recorder)
        except OSError as error:  # of the recorder: what befalls a request is an outcome
            self._driving.give_up(f"{CANNOT_RECORD}: {error.strerror}")
        finally:
            load.end_iteration(went_well, load.recorder.now_s())


class Driving:
    """One process' part of a load, from its first iteration to its last."""

    def __init__(self, order: Order, on_collapse: Callable[[str], None] | None = None) -> None:
        """Open the recording, and begin; `on_collapse` hears why the load has to stop itself."""
        gc.collect()
        gc.freeze()  # what is there by now stays: looking through it again would halt the users
        recorder = order.recorder()
        self.load = Load(order, recorder, recorder.now_s(), time.process_time())
        self.idle: list[Seat] = []
        self._on_collapse = on_collapse or self.stop
        self._process = psutil.Process()
        self._in_window = self.is_closed = False
        self._greenlets = [gevent.spawn(expire_waits), gevent.spawn(self._watch)]
        if not isinstance(order.arrivals, ClosedModel):
            self._greenlets.append(gevent.spawn(self._call_users))

    def stop(self, reason: str) -> None:
        """Begin nothing more."""
        self.load.stopped = self.load.stopped or reason
        self._release()

    def give_up(self, reason: str) -> None:
        """Have the whole load stop, since it makes no sense any more."""
        if not self.load.stopped:
            self._on_collapse(reason)

    def close(self) -> None:
        """Record the end."""
        if not self.is_closed:
            self.is_closed = True
            gevent.killall(self._greenlets)
            self._release()
            self._end_window()
            self.load.close()

    def _call_users(self) -> None:
        """Call a user whenever an iteration is due; without a free one, it is dropped."""
        load, idle, now_s = self.load, self.idle, self.load.recorder.now_s
        self._seat_users()
        load.begin_now(now_s(), time.process_time())
        for due_s in load.arrivals():
            wait_s = due_s - now_s()
            if wait_s > 0:
                gevent.sleep(wait_s)
            if load.stopped:
                break
            if idle:
                idle.pop().called.put((load.begin(), due_s))
            else:
                load.dropped += 1
        load.all_arrived = True
        while not load.is_over(now_s()):
            gevent.sleep(_TICK_S)
        self._release()

    def _seat_users(self) -> None:
        """Wait until the users have taken their seats: nobody is missed who is only late."""
        give_up_s, seated = time.monotonic() + _SEATING_S, 0
        while time.monotonic() < give_up_s and (not seated or len(self.idle) > seated):
            seated = len(self.idle)
            gevent.sleep(_SEATED_S)

    def _release(self) -> None:
        """Let the users go who wait for a call."""
        while self.idle:
            self.idle.pop().called.put(None)

    def _watch(self) -> None:
        """Look at the generator itself, and at whether the load goes well."""
        load, health, ticks = self.load, self.load.health, 0
        while True:
            before_s = time.monotonic()
            gevent.sleep(_TICK_S)
            late_s = time.monotonic() - before_s - _TICK_S
            now_s = load.recorder.now_s()
            if not self._in_window and now_s >= load.warm_until_s():
                self._begin_window()
                late_s = 0.0
            if not health.to_s:
                health.loop_delay_max_s = max(health.loop_delay_max_s, late_s)
                if self._window_ends(now_s):
                    self._end_window()
            ticks += 1
            if ticks % _TICKS_A_LOOK == 0:
                self._look(now_s)

    def _begin_window(self) -> None:
        self._in_window = True
        if self.load.order.warm_up_s:
            health = self.load.health
            health.from_s, health.cpu_before_s = self.load.warm_until_s(), time.process_time()
            health.loop_delay_max_s = 0.0

    def _window_ends(self, now_s: float) -> bool:
        """Tell whether the window is over: with the time, or with the last of the iterations."""
        arrivals = self.load.order.arrivals
        if isinstance(arrivals, ClosedModel) and arrivals.iterations is not None:
            return self.load.is_over(now_s)
        return now_s >= self.load.until_s() or bool(self.load.stopped)

    def _end_window(self) -> None:
        health = self.load.health
        if not health.to_s:
            now_s, until_s = self.load.recorder.now_s(), self.load.until_s()
            # all may have arrived, and ended, a little before the rate's time is over
            whole = self.load.all_arrived and not self.load.stopped
            health.to_s = until_s if whole else min(now_s, until_s)
            health.cpu_s = time.process_time() - health.cpu_before_s
        health.memory_bytes = max(health.memory_bytes, self._process.memory_info().rss)

    def _look(self, now_s: float) -> None:
        health = self.load.health
        health.memory_bytes = max(health.memory_bytes, self._process.memory_info().rss)
        if reason := self.load.collapse(now_s):
            self.give_up(reason)
