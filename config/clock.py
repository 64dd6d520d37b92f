"""The clock of the harness: the wall clock, read once, and continued by the monotonic clock.

A wall clock can be set while a run lasts, by a person, by NTP, or after the machine was suspended.
No instant of a run is taken from it but the first one:

    wall clock      ─────●─────────┐  set back by 5 s
                       anchor      └──────────────
    harness' clock       ●────────────────────────    anchor + monotonic clock
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

# Processes that this one starts continue its anchor: the monotonic clock is that of the machine.
ANCHOR_VARIABLE = "TRIAL_BALANCE_CLOCK_ANCHOR"

_MIN_STEP_S = 0.1


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The wall clock of a machine was set forward by `step_s`, or back where that is negative.

    `at` is when this was noticed, in epoch seconds on the harness' clock.
    """

    at: float
    step_s: float


class Clock:
    """Epoch seconds that no change of the wall clock moves; each reading notices such a change."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        anchor: float | None = None,
    ) -> None:
        """Fix the anchor, wall clock minus monotonic clock, unless another process has."""
        self.monotonic = monotonic
        self._wall = wall
        self._lock = Lock()
        self._offset = sum(self._offsets()) / 2
        self.anchor = self._offset if anchor is None else anchor
        self._steps: list[ClockStep] = []

    @property
    def steps(self) -> tuple[ClockStep, ...]:
        """The steps of the wall clock up to now."""
        self.now_at()
        return tuple(self._steps)

    def now_at(self) -> float:
        """Return the time in epoch seconds."""
        with self._lock:
            low, high = self._offsets()
            now_at = self.at(self.monotonic())
            step_s = max(low - self._offset, 0.0) or min(high - self._offset, 0.0)
            # Each reading is compared with the previous one, so that slow drift is no step.
            self._offset += step_s
            if abs(step_s) > _MIN_STEP_S:
                self._steps.append(ClockStep(now_at, step_s))
        return now_at

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.fromtimestamp(self.now_at(), UTC)

    def at(self, monotonic_s: float) -> float:
        """Return in epoch seconds when the monotonic clock showed a time."""
        return self.anchor + monotonic_s

    def _offsets(self) -> tuple[float, float]:
        """Return the least and the most that the wall clock can be ahead of the monotonic one.

        A process that is suspended between two readings sees a wide interval, never a step.
        """
        before_s = self.monotonic()
        wall_at = self._wall()
        return wall_at - self.monotonic(), wall_at - before_s


def _inherited_anchor() -> float | None:
    try:
        return float(os.environ[ANCHOR_VARIABLE])
    except (KeyError, ValueError):
        return None


CLOCK = Clock(anchor=_inherited_anchor())


def anchor_environment(clock: Clock = CLOCK) -> dict[str, str]:
    """Return the variable with which a process on this machine continues the clock."""
    return {ANCHOR_VARIABLE: repr(clock.anchor)}


def render_step(step_s: float) -> str:
    """Return a step in words.

    >>> render_step(-5.0004), render_step(3600)
    ('set back by 5.0 s', 'set forward by 3,600.0 s')
    """
    return f"set {'back' if step_s < 0 else 'forward'} by {abs(step_s):,.1f} s"
