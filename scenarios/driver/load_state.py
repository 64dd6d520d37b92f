"""The state of a running load: iterations started, ended and dropped, its health, and its end.

It reads no clock and knows no Locust: `scenarios.engine.load_runner` reports the events. Times are
seconds on the clock of the recorder:

    begin       begin + warm-up             until                 deadline
      |── counted ──|──── measured window ────|── requests in flight ──|
         iterations become due: started, or dropped
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.driver.arrivals import ClosedModel, OpenModel
from scenarios.driver.data import NO_DATA, DataRows
from scenarios.driver.flow import Flow
from scenarios.driver.slow_iterations import SlowIterations
from scenarios.evidence.recording import Recorder, RecordingEnd, Stop, StopReason
from scenarios.language.profiles import Abort, AbortOn

_MIN_ITERATIONS = 10  # fewer are no base for a success rate
_MIN_FAILURES = 3  # of few users, if nothing succeeded
_GRACE_S = 1.0  # for the first user of a load to start


@dataclass(frozen=True)
class LoadAssignment:
    """The part of a load that one process drives.

    `max_iterations` is the limit of the environment. `generator` names the recording, and is a part
    of its trace ids. `is_shipped` if the recording is sent to a master.
    """

    flow: Flow
    profile: str
    arrivals: ClosedModel | OpenModel
    users: int
    max_iterations: int
    exchanges: Path
    generator: str
    warm_up_s: float = 0.0
    abort: Abort = field(default_factory=Abort)
    is_shipped: bool = False
    data: DataRows = NO_DATA
    abort_on: AbortOn | None = None

    @property
    def scheduled(self) -> int | None:
        """The number of iterations, if it is known in advance."""
        arrivals = self.arrivals
        return arrivals.scheduled if isinstance(arrivals, OpenModel) else arrivals.iterations

    def recorder(self) -> Recorder:
        """Open the recording. Raises OSError."""
        path = self.exchanges / f"{self.generator}.jsonl"
        return Recorder(path, self.generator, self.profile, self.users, self.scheduled,
                        self.flow.step_names, self.warm_up_s, self.is_shipped)  # fmt: skip


@dataclass
class GeneratorHealth:
    """The health of a generator within the measured window. Times are in seconds."""

    from_s: float = 0.0
    to_s: float = 0.0
    cpu_before_s: float = 0.0
    cpu_s: float = 0.0
    loop_delay_max_s: float = 0.0
    memory_bytes: int = 0


class Load:
    """The state of one process' part of a load; `is_preparing` while its users are set up."""

    def __init__(
        self, assignment: LoadAssignment, recorder: Recorder, begin_s: float, cpu_s: float = 0.0
    ) -> None:  # fmt: skip
        """Start at `begin_s`; `cpu_s` is the CPU time that the process has used so far."""
        self.assignment = assignment
        self.recorder = recorder
        self.health = GeneratorHealth(from_s=begin_s, cpu_before_s=cpu_s)
        self.started = self.ended = self.dropped = 0
        abort_on = assignment.abort_on
        self._slow = SlowIterations(abort_on) if abort_on else None
        self.all_arrived = self.is_preparing = False
        self.stopped: Stop | None = None
        self._stopped_at_s = math.inf
        self._begin_s = begin_s
        self._recent: deque[list[int]] = deque()  # second, iterations that ended in it, ok ones

    def next_iteration(self, now_s: float, user: int = 0) -> tuple[int, float] | None:
        """Start the next iteration of a closed model, for one of its users.

        Return its number, from 1, and when it is due: now. Return None if the load is over.
        """
        arrivals = self.assignment.arrivals
        if self.stopped or not isinstance(arrivals, ClosedModel):
            return None
        due_s = arrivals.due_s(self.started, now_s - self._begin_s)
        if due_s is None:
            return None
        limit = self.assignment.max_iterations
        if self.started >= limit:
            message = f"stopped at the environment's limit of {limit:,} iterations"
            self.stop(Stop(StopReason.ITERATION_LIMIT, message), now_s)
            return None
        if self.has_used_up_data(user, now_s):
            return None
        self.started += 1
        return self.started, due_s + self._begin_s

    def has_used_up_data(self, user: int, now_s: float) -> bool:
        """Return whether no data row is left for the next iteration; then the load stops."""
        data = self.assignment.data
        message = data.used_up(self.started + 1, user) if data.can_end else ""
        if message:
            self.stop(Stop(StopReason.DATA_USED_UP, message), now_s)
        return bool(message)

    def arrivals(self) -> Iterator[float]:
        """Yield the due times of an open model, ascending."""
        if isinstance(self.assignment.arrivals, OpenModel):
            for due_s in self.assignment.arrivals.due_times():
                yield due_s + self._begin_s

    def restart(self, now_s: float, cpu_s: float) -> None:
        """Let an open model begin now, since its users have started only now."""
        self._begin_s = self.health.from_s = now_s
        self.health.cpu_before_s = cpu_s

    def until_s(self) -> float:
        """Return when the last iteration can become due."""
        return self._begin_s + self.assignment.arrivals.until_s

    def warm_until_s(self) -> float:
        """Return when the measured window begins: after the warm-up."""
        return self._begin_s + self.assignment.warm_up_s

    def start_iteration(self) -> int:
        """Count an iteration of an open model for which a user is idle; return its number."""
        self.started += 1
        return self.started

    def end_iteration(self, is_ok: bool, now_s: float, due_s: float) -> None:
        """Count an iteration that has ended, and was due then."""
        if self._slow:
            self._slow.add(now_s - due_s, now_s, is_ok=is_ok)
        self.ended += 1
        second, recent = int(now_s), self._recent
        if not recent or recent[-1][0] != second:
            recent.append([second, 0, 0])
        recent[-1][1] += 1
        recent[-1][2] += is_ok

    def stop(self, stop: Stop, now_s: float) -> None:
        """Let no further iteration start; the first reason is kept."""
        if not self.stopped:
            self.stopped, self._stopped_at_s = stop, now_s

    def find_abort(self, now_s: float) -> Stop | None:
        """Return why the load has to abort itself, or None: too many failures, or too slow."""
        stop = self._find_failures(now_s)
        if stop or not self._slow:
            return stop
        return self._slow.find_abort(now_s, self.warm_until_s())

    def _find_failures(self, now_s: float) -> Stop | None:
        """Return why too few iterations succeed, or None.

        A load has to abort itself below the success rate of `abort`, in a sliding window of
        `abort.over` seconds. Few users with long timeouts end few iterations in it: the window then
        is as long as the last ten took. Fewer than ten decide only if none succeeded, and every
        user failed twice.
        """
        abort = self.assignment.abort
        self._forget_before(now_s - abort.over)
        ended, ok = sum(entry[1] for entry in self._recent), sum(entry[2] for entry in self._recent)
        least = _MIN_ITERATIONS if ok else self._min_failures
        is_early = now_s - self._begin_s < abort.over
        if is_early or ended < least or ok >= abort.success_rate * ended:
            return None
        span_s = max(abort.over, math.ceil(now_s - self._recent[0][0] - 1) if ended else 0)
        return Stop(
            StopReason.ABORTED,
            f"aborted: {ok:,} of {ended:,} iterations in the last {span_s:g} s succeeded, "
            f"at least {abort.success_rate * 100:g} % required",
        )

    @property
    def _min_failures(self) -> int:
        return min(_MIN_ITERATIONS, max(_MIN_FAILURES, 2 * self.assignment.users))

    def _forget_before(self, from_s: float) -> None:
        """Forget the iterations that ended earlier, except the last ten of all."""
        # An entry counts a whole second, and is dropped when that lies before the window:
        #     entries   │ 10 │ 11 │ 12 │ 13 │        from_s = 11.4
        #     window           ├─────────┤           entry 10 goes, entry 11 stays whole
        recent, ended = self._recent, sum(entry[1] for entry in self._recent)
        while recent and recent[0][0] + 1 < from_s and ended - recent[0][1] >= _MIN_ITERATIONS:
            ended -= recent.popleft()[1]

    def has_started_all(self, now_s: float) -> bool:
        """Return whether no further iteration will start."""
        if self.stopped or self.all_arrived:
            return True
        if self.is_preparing:
            return False
        arrivals = self.assignment.arrivals
        is_over = isinstance(arrivals, ClosedModel) and (
            arrivals.due_s(self.started, now_s - self._begin_s) is None
        )
        # a load with nothing to do is over, but not before its first user has had time to start
        return is_over and (self.started > 0 or now_s - self._begin_s > _GRACE_S)

    def is_over(self, now_s: float) -> bool:
        """Return whether no further iteration will start, and every started one has ended."""
        return self.has_started_all(now_s) and self.ended >= self.started

    def deadline_s(self) -> float:
        """Return when the last iteration in flight has ended: each step has a timeout."""
        flow = self.assignment.flow
        in_flight_s = flow.extent.duration_s + flow.user_setup.extent.duration_s
        return min(self.until_s(), self._stopped_at_s) + in_flight_s

    def close(self) -> None:
        """Record the end.

        Scheduled iterations that were not started are dropped, unless the load was stopped: then
        only those are that found no user before.
        """
        scheduled, health, stop = self.assignment.scheduled, self.health, self.stopped
        left = 0 if scheduled is None else scheduled - self.started - self.dropped
        dropped = self.dropped + (0 if stop else left)
        self.recorder.end(
            RecordingEnd(
                self.started, dropped, health.cpu_s, max(health.to_s - health.from_s, 0.0),
                health.loop_delay_max_s, health.memory_bytes or None,
                stop.reason if stop else None, stop.message if stop else "", health.from_s,
                left if stop else 0,
            )
        )  # fmt: skip
