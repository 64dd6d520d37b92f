"""Run the part of a load of one process: its virtual users, its arrivals and its own health."""

import gc
import random
import time
from collections.abc import Callable

import gevent
import psutil
from gevent.event import Event
from gevent.queue import SimpleQueue

from config.failures import failure_of
from scenarios.driver.arrivals import ClosedModel
from scenarios.driver.iteration import run_iteration
from scenarios.driver.load_state import Load, LoadAssignment
from scenarios.driver.setup import NOT_SET_UP, failed_set_up, set_up_user
from scenarios.engine.gevent_readiness import GeventReadiness, expire_deadlines
from scenarios.evidence.generator_health import HealthPeriods, HealthRow
from scenarios.evidence.recording import Stop, StopReason
from scenarios.http.client import HttpClient

_TICK_S = 0.02
_TICKS_PER_CHECK = 25
_USERS_POLL_S, _USERS_TIMEOUT_S = 0.1, 5.0


class UserLoop:
    """The loop of one virtual user, with connections of its own.

    In an open model, the load runner puts each arrival (number and due time) into `arrivals` of an
    idle user; None ends the loop.
    """

    def __init__(self, load_runner: "LoadRunner") -> None:
        """Create the client of this user."""
        self._load_runner = load_runner
        self._sender = HttpClient(load_runner.load.assignment.flow.network, GeventReadiness)
        self.number = load_runner.next_user()
        self._user = NOT_SET_UP
        self.arrivals: SimpleQueue[tuple[int, float] | None] = SimpleQueue()

    def run(self) -> None:
        """Set this user up, and run iterations until none is due any more."""
        load, idle = self._load_runner.load, self._load_runner.idle
        arrivals, now_s = load.assignment.arrivals, load.recorder.now_s
        if load.assignment.flow.user_setup.blocks and not self._set_up():
            return
        if isinstance(arrivals, ClosedModel):
            while (due := load.next_iteration(now_s(), self.number)) is not None:
                self._iterate(*due)
                if arrivals.think_s[1]:
                    gevent.sleep(random.uniform(*arrivals.think_s))  # noqa: S311 - no secret
            return
        idle.append(self)
        while (arrival := self.arrivals.get()) is not None:
            self._iterate(*arrival)
            idle.append(self)

    def close(self) -> None:
        """Close the connections."""
        self._sender.close()

    def _set_up(self) -> bool:
        """Set this user up, and wait for the others; return whether the load goes on."""
        runner, load = self._load_runner, self._load_runner.load
        try:
            part = load.assignment
            self._user = set_up_user(part.flow, self._sender, load.recorder, self.number, part.data)
        finally:
            runner.users_set_up += 1
        if not self._user.is_ok:
            runner.abort(failed_set_up(load.recorder.path))
            return False
        runner.is_ready.wait()
        return True

    def _iterate(self, number: int, due_s: float) -> None:
        load, is_ok = self._load_runner.load, False
        data = load.assignment.data
        given = self._user.variables
        if data.sources:
            given = {**given, **data.rows(number, self.number)}
        try:
            is_ok = run_iteration(
                load.assignment.flow,
                number,
                due_s,
                self._sender,
                load.recorder,
                given,
                cookies=self._user.cookies,
            )
        except OSError as error:  # of the recorder; an error of a request is an outcome
            message = f"the recording cannot be written: {failure_of(error)}"
            self._load_runner.abort(Stop(StopReason.CANNOT_RECORD, message))
        finally:
            load.end_iteration(is_ok, load.recorder.now_s(), due_s)


class LoadRunner:
    """Runs one process' part of a load from its first iteration to its last.

    anchor         begin            begin + warm-up        until           end
      |─ users start ─|── counted only ──|─ measured window ──|─ in flight ───|

    CPU, memory and the delay of the event loop are those of the measured window. It ends early if
    the load stops, or with the last of a given number of iterations.
    """

    def __init__(
        self, assignment: LoadAssignment, on_abort: Callable[[Stop], None] | None = None
    ) -> None:
        """Open the recording, and start; `on_abort` is called if the load has to stop itself.

        Raises OSError.
        """
        gc.collect()
        gc.freeze()  # the objects so far stay: collecting them again would stall the users
        recorder = assignment.recorder()
        self.load = Load(assignment, recorder, recorder.now_s(), time.process_time())
        self.idle: list[UserLoop] = []
        self._users = self.users_set_up = 0
        self.is_ready = Event()
        self._on_abort = on_abort or self.stop
        self._process = psutil.Process()
        self._periods = HealthPeriods(recorder.now_s(), time.process_time())
        self._in_window = self.is_closed = False
        self._greenlets = [gevent.spawn(expire_deadlines), gevent.spawn(self._monitor)]
        if assignment.flow.user_setup.blocks:
            self.load.is_preparing = True
            self._greenlets.append(gevent.spawn(self._begin_when_set_up))
        if not isinstance(assignment.arrivals, ClosedModel):
            self._greenlets.append(gevent.spawn(self._dispatch_arrivals))

    def next_user(self) -> int:
        """Return the number of a new user of this process, from 0."""
        self._users += 1
        return self._users - 1

    def stop(self, stop: Stop) -> None:
        """Start no further iteration."""
        self.load.stop(stop, self.load.recorder.now_s())
        self.is_ready.set()
        self._release_idle_users()

    def abort(self, stop: Stop) -> None:
        """Stop the whole load, in all processes, unless this part has stopped already."""
        if not self.load.stopped:
            self._on_abort(stop)

    def close(self) -> None:
        """End the recording."""
        if not self.is_closed:
            self.is_closed = True
            gevent.killall(self._greenlets)
            self._release_idle_users()
            self._end_window()
            now_s, cpu_s = self.load.recorder.now_s(), time.process_time()
            self._note_health(self._periods.end(now_s, cpu_s))
            self.load.close()

    def _begin_when_set_up(self) -> None:
        """Begin the load when all users have started and are set up."""
        load, started = self.load, 0
        while not started or self._users > started or self.users_set_up < self._users:
            started = self._users
            gevent.sleep(_USERS_POLL_S)
        load.restart(load.recorder.now_s(), time.process_time())
        load.is_preparing = False
        self.is_ready.set()

    def _dispatch_arrivals(self) -> None:
        """Give each arrival to an idle user when it is due; without one, drop it."""
        load, idle, now_s = self.load, self.idle, self.load.recorder.now_s
        if load.is_preparing:
            self.is_ready.wait()
        self._wait_for_users()
        load.restart(now_s(), time.process_time())
        for due_s in load.arrivals():
            wait_s = due_s - now_s()
            if wait_s > 0:
                gevent.sleep(wait_s)
            if load.stopped:
                break
            if not idle:
                load.dropped += 1
            elif load.has_used_up_data(idle[-1].number, now_s()):
                break
            else:
                idle.pop().arrivals.put((load.start_iteration(), due_s))
        load.all_arrived = True
        while not load.is_over(now_s()):
            gevent.sleep(_TICK_S)
        self._release_idle_users()

    def _wait_for_users(self) -> None:
        """Wait until all users have started, or the timeout passes.

        Their number is not known here: all have started when it does not grow any more.
        """
        deadline, started = time.monotonic() + _USERS_TIMEOUT_S, 0
        while time.monotonic() < deadline and (not started or len(self.idle) > started):
            started = len(self.idle)
            gevent.sleep(_USERS_POLL_S)

    def _release_idle_users(self) -> None:
        """End the loops of the users that wait for an arrival."""
        while self.idle:
            self.idle.pop().arrivals.put(None)

    def _monitor(self) -> None:
        """Measure the delay of the event loop, and check every half second whether to abort."""
        load, health, ticks = self.load, self.load.health, 0
        while True:
            before_s = time.monotonic()
            gevent.sleep(_TICK_S)
            late_s = time.monotonic() - before_s - _TICK_S
            now_s = load.recorder.now_s()
            in_flight = load.started - load.ended
            self._note_health(self._periods.observe(now_s, time.process_time(), late_s, in_flight))
            if load.is_preparing and not load.stopped:
                continue
            if not self._in_window and now_s >= load.warm_until_s():
                self._begin_window()
                late_s = 0.0
            if not health.to_s:
                health.loop_delay_max_s = max(health.loop_delay_max_s, late_s)
                if self._window_ends(now_s):
                    self._end_window()
            ticks += 1
            if ticks % _TICKS_PER_CHECK == 0:
                self._check(now_s)

    def _note_health(self, row: HealthRow | None) -> None:
        if row:
            self.load.recorder.health.append(row)

    def _begin_window(self) -> None:
        self._in_window = True
        if self.load.assignment.warm_up_s:
            health = self.load.health
            health.from_s, health.cpu_before_s = self.load.warm_until_s(), time.process_time()
            health.loop_delay_max_s = 0.0

    def _window_ends(self, now_s: float) -> bool:
        """Return whether the window is over: by time, or with the last iteration."""
        arrivals = self.load.assignment.arrivals
        if isinstance(arrivals, ClosedModel) and arrivals.iterations is not None:
            return self.load.is_over(now_s)
        return now_s >= self.load.until_s() or bool(self.load.stopped)

    def _end_window(self) -> None:
        health = self.load.health
        if not health.to_s:
            now_s, until_s = self.load.recorder.now_s(), self.load.until_s()
            # with a rate, all iterations may have ended before the time is over; the window goes on
            is_complete = self.load.all_arrived and not self.load.stopped
            health.to_s = until_s if is_complete else min(now_s, until_s)
            health.cpu_s = time.process_time() - health.cpu_before_s
        health.memory_bytes = max(health.memory_bytes, self._process.memory_info().rss)

    def _check(self, now_s: float) -> None:
        self.load.recorder.note_clock_steps()
        health = self.load.health
        health.memory_bytes = max(health.memory_bytes, self._process.memory_info().rss)
        if stop := self.load.find_abort(now_s):
            self.abort(stop)
