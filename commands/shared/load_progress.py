"""Follow a load by its recordings, for the progress on a terminal."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from reports.live_load import LimitSoFar, LoadSnapshot
from scenarios.driver.arrivals import OpenModel, arrivals_of
from scenarios.driver.plan import Plan
from scenarios.evidence.live_rows import LiveLoad
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.model import ITERATION, Scenario

_P95 = 95.0
_EVERY_S = 1.0
_RATE_OVER = 10  # snapshots


@dataclass
class LoadProgress:
    """The snapshots of one profile, at most one per second."""

    plan: Plan
    profile: str
    folder: RunFolder
    clock: Callable[[], float] = time.monotonic
    _began: float = 0.0
    _next: float = 0.0
    _last: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_RATE_OVER))

    def __post_init__(self) -> None:
        """Begin before the first request."""
        self._began = self.clock()
        self._load = LiveLoad(self.folder.exchanges, self.profile, ITERATION)
        self._limits = p95_limits(self.plan.scenario)

    def snapshot(self, ended: int, scheduled: int | None, dropped: int) -> LoadSnapshot | None:
        """Return the load as it is now, or None if the last one is not a second old."""
        now = self.clock()
        if now < self._next:
            return None
        self._next = now + _EVERY_S
        self._load.update()
        if not ended and not self._load.requests.total():
            self._began = now  # the generator has started, and its first request has not ended
        elapsed_s = now - self._began
        self._last.append((elapsed_s, ended))
        (from_s, before), until_s = self._last[0], self._last[-1][0]
        return LoadSnapshot(
            self.profile, ended, scheduled, elapsed_s, self._remaining_s(elapsed_s, ended),
            (ended - before) / (until_s - from_s) if until_s > from_s else 0.0, dropped,
            dict(self._load.requests), dict(self._load.failed),
            [
                LimitSoFar(step, p95_s, limit_s)
                for step, limit_s in self._limits.items()
                if step in self._load.times
                and (p95_s := self._load.times[step].percentile(_P95)) is not None
            ],
        )  # fmt: skip

    def _remaining_s(self, elapsed_s: float, ended: int) -> float | None:
        """Return how long the load still takes, by its duration or by how fast it went so far."""
        profile = self.plan.profiles[self.profile]
        arrivals = arrivals_of(profile)
        if isinstance(arrivals, OpenModel) or not arrivals.iterations:
            return max(0.0, profile.duration_s - elapsed_s)
        left = arrivals.iterations - ended
        return elapsed_s / ended * left if ended else None


def p95_limits(scenario: Scenario) -> dict[str, float]:
    """Return the strictest p95 limit of each step and of the iteration, in seconds."""
    limits: dict[str, float] = {}
    for objective in scenario.checks.latency:
        limit_s = objective.limits().get(_P95)
        steps = [objective.step] if objective.step else [each.step for each in scenario.steps]
        for step in steps if limit_s is not None else ():
            limits[step] = min(limit_s or 0.0, limits.get(step, limit_s or 0.0))
    return limits
