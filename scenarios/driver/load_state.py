"""The state of a load: what was started, ended and dropped, its health, and when it is over.

It has no clock and no Locust of its own: the code that drives the users reports the events.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.driver.arrivals import ClosedModel, OpenModel
from scenarios.driver.flow import Flow
from scenarios.evidence.recording import Recorder, RecordingEnd, Stop, StopReason
from scenarios.language.model import Abort

_FEWEST = 10
_GRACE_S = 1.0


@dataclass(frozen=True)
class LoadAssignment:
    """What one process drives.

    `most` is how many iterations the environment stands; `generator` names the recording, and is in
    its trace ids.
    """

    flow: Flow
    profile: str
    arrivals: ClosedModel | OpenModel
    users: int
    most: int
    exchanges: Path
    generator: str
    warm_up_s: float = 0.0
    abort: Abort = field(default_factory=Abort)
    ships: bool = False

    @property
    def scheduled(self) -> int | None:
        """How many iterations there will be, where that is known."""
        arrivals = self.arrivals
        return arrivals.scheduled if isinstance(arrivals, OpenModel) else arrivals.iterations

    def recorder(self) -> Recorder:
        """Open the recording. Raises OSError."""
        path = self.exchanges / f"{self.generator}.jsonl"
        return Recorder(path, self.generator, self.profile, self.users, self.scheduled,
                        self.flow.step_names, self.warm_up_s, self.ships)  # fmt: skip


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
    """One load while it runs. Times are seconds on the recorder's clock."""

    def __init__(
        self, order: LoadAssignment, recorder: Recorder, begin_s: float, cpu_s: float = 0.0
    ) -> None:  # fmt: skip
        """Begin with nothing begun; `cpu_s` is what the process has used so far."""
        self.order = order
        self.recorder = recorder
        self.health = GeneratorHealth(from_s=begin_s, cpu_before_s=cpu_s)
        self.started = self.ended = self.dropped = 0
        self.all_arrived = False
        self.stopped: Stop | None = None
        self._begin_s = begin_s
        self._lately: deque[list[int]] = deque()  # second, ended in it, of these well

    def next_iteration(self, now_s: float) -> tuple[int, float] | None:
        """Return number (from 1) and due time of the next in a closed model; None at the end."""
        arrivals = self.order.arrivals
        if self.stopped or not isinstance(arrivals, ClosedModel):
            return None
        due_s = arrivals.due_s(self.started, now_s - self._begin_s)
        if due_s is None:
            return None
        if self.started >= self.order.most:
            self.stopped = Stop(
                StopReason.ITERATION_LIMIT,
                f"stopped at the environment's limit of {self.order.most:,} iterations",
            )
            return None
        self.started += 1
        return self.started, due_s + self._begin_s

    def arrivals(self) -> Iterator[float]:
        """Yield when each iteration of an open model is due."""
        if isinstance(self.order.arrivals, OpenModel):
            for due_s in self.order.arrivals.dues():
                yield due_s + self._begin_s

    def begin_now(self, now_s: float, cpu_s: float) -> None:
        """Count the arrivals of an open model from now on, once its users are there."""
        self._begin_s = self.health.from_s = now_s
        self.health.cpu_before_s = cpu_s

    def until_s(self) -> float:
        """Return from when on nothing is due any more, unless iterations run out before."""
        return self._begin_s + self.order.arrivals.until_s

    def warm_until_s(self) -> float:
        """Return when the measured window begins."""
        return self._begin_s + self.order.warm_up_s

    def begin(self) -> int:
        """Return the number of an iteration that has arrived and found a user."""
        self.started += 1
        return self.started

    def end_iteration(self, went_well: bool, now_s: float) -> None:
        """Note that an iteration has ended, and how."""
        self.ended += 1
        second, lately = int(now_s), self._lately
        if not lately or lately[-1][0] != second:
            lately.append([second, 0, 0])
        lately[-1][1] += 1
        lately[-1][2] += went_well

    def collapse(self, now_s: float) -> Stop | None:
        """Return why the load has to abort itself, if it has to."""
        abort, lately = self.order.abort, self._lately
        while lately and lately[0][0] + 1 < now_s - abort.over:
            lately.popleft()
        ended, well = sum(each[1] for each in lately), sum(each[2] for each in lately)
        early = now_s - self._begin_s < abort.over
        if early or ended < _FEWEST or well >= abort.success_rate * ended:
            return None
        return Stop(
            StopReason.ABORTED,
            f"aborted: {well:,} of {ended:,} iterations in the last {abort.over:g} s succeeded, "
            f"at least {abort.success_rate * 100:g} % required",
        )

    def is_due_no_more(self, now_s: float) -> bool:
        """Tell whether no further iteration will begin."""
        if self.stopped or self.all_arrived:
            return True
        arrivals = self.order.arrivals
        over = isinstance(arrivals, ClosedModel) and (
            arrivals.due_s(self.started, now_s - self._begin_s) is None
        )
        begun = self.started > 0 or now_s - self._begin_s > _GRACE_S
        return begun and over

    def is_over(self, now_s: float) -> bool:
        """Tell whether nothing is due any more and every iteration has ended."""
        return self.is_due_no_more(now_s) and self.ended >= self.started

    def bound_s(self) -> float:
        """Return by when iterations in flight must have ended."""
        in_flight_s = sum(step.request_template.timeout_s for step in self.order.flow.steps)
        return self.until_s() + in_flight_s

    def close(self) -> None:
        """Record the end; what was scheduled and not begun is dropped."""
        scheduled = self.order.scheduled
        dropped = self.dropped if scheduled is None else scheduled - self.started
        health, stop = self.health, self.stopped
        self.recorder.end(
            RecordingEnd(
                self.started, dropped, health.cpu_s, max(health.to_s - health.from_s, 0.0),
                health.loop_delay_max_s, health.memory_bytes or None,
                stop.reason if stop else None, stop.message if stop else "", health.from_s,
            )
        )  # fmt: skip
