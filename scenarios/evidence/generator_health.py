"""The health of one generator over time: STEM.health, a row of fixed size per period.

    period   ├─────────┼─────────┼─────────┤      a second, later a 3,600th of the time so far
    row                ●         ●         ●      its CPU time, longest delay, most in flight

It is written outside of the path of requests, and each row reaches the operating system at once, so
a killed generator loses its last period only, and a disk that is full ends it, with the reason in
the log. It shows when a generator was busy; without it, a generator is judged by its mean.
"""

import logging
import os
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.failures import failure_of
from scenarios.evidence.files import open_new
from scenarios.evidence.mapped_rows import read_rows

_log = logging.getLogger(__name__)

HEALTH = ".health"
HEALTH_ROW = np.dtype(
    [("from_s", "<f8"), ("to_s", "<f8"), ("cpu_s", "<f8"), ("loop_delay_s", "<f8"),
     ("in_flight", "<u4")]
)  # fmt: skip
HEALTH_BYTES = HEALTH_ROW.itemsize
MAX_HEALTH_ROWS = 200_000  # more than a load of years has
NO_HEALTH: NDArray[Any] = np.empty(0, HEALTH_ROW)

_LEAST_PERIOD_S, _PERIODS = 1.0, 3_600
_MAX_TIME_S = 1e9
_LEAST_LAST_S = 0.1  # the CPU time of less is mostly that of the clock's resolution


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One period: seconds since the anchor, CPU seconds used, and the maxima in it."""

    from_s: float
    to_s: float
    cpu_s: float
    loop_delay_s: float
    in_flight: int


class HealthPeriods:
    """Turns observations into a row per period. It reads no clock."""

    def __init__(self, now_s: float, cpu_s: float) -> None:
        """Begin the first period; `cpu_s` is the CPU time that the process has used so far."""
        self._from_s, self._cpu_s = now_s, cpu_s
        self._loop_delay_s, self._in_flight = 0.0, 0

    def observe(
        self, now_s: float, cpu_s: float, loop_delay_s: float, in_flight: int
    ) -> HealthRow | None:
        """Add an observation; return the period if it is over."""
        self._loop_delay_s = max(self._loop_delay_s, loop_delay_s)
        self._in_flight = max(self._in_flight, in_flight)
        period_s = max(_LEAST_PERIOD_S, self._from_s / _PERIODS)
        return self._next(now_s, cpu_s) if now_s >= self._from_s + period_s else None

    def end(self, now_s: float, cpu_s: float) -> HealthRow | None:
        """Return the rest, unless it is too short."""
        return self._next(now_s, cpu_s) if now_s >= self._from_s + _LEAST_LAST_S else None

    def _next(self, now_s: float, cpu_s: float) -> HealthRow:
        row = HealthRow(
            self._from_s, now_s, cpu_s - self._cpu_s, self._loop_delay_s, self._in_flight
        )
        self._from_s, self._cpu_s = now_s, cpu_s
        self._loop_delay_s, self._in_flight = 0.0, 0
        return row


class HealthFile:
    """Appends the rows of one generator; the file is created with the first."""

    row_bytes = HEALTH_BYTES

    def __init__(self, path: Path) -> None:
        """Create nothing yet."""
        self.path = path
        self.written = 0
        self.error = ""
        self._descriptor = -1

    def append(self, row: HealthRow) -> None:
        """Append a period; after an error none any more, since a row may be torn."""
        if self.error:
            return
        content = np.array(
            [(row.from_s, row.to_s, row.cpu_s, row.loop_delay_s, row.in_flight)], HEALTH_ROW
        ).tobytes()
        try:
            if self._descriptor < 0:
                self._descriptor = open_new(self.path)
            if os.write(self._descriptor, content) < len(content):
                raise OSError(ENOSPC, os.strerror(ENOSPC))
            self.written += 1
        except OSError as error:
            self.error = failure_of(error)
            _log.warning("the health of the generator is recorded no more: %s", self.error)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_health(path: Path) -> NDArray[Any]:
    """Read the valid rows in order of time; none if the file is missing. A torn row is left out."""
    rows = read_rows(path, HEALTH_ROW, MAX_HEALTH_ROWS)
    # a figure that is not a number compares as false
    valid = (rows["from_s"] >= 0) & (rows["from_s"] < rows["to_s"]) & (rows["to_s"] < _MAX_TIME_S)
    for column in ("cpu_s", "loop_delay_s"):
        valid &= (rows[column] >= 0) & (rows[column] < _MAX_TIME_S)
    kept = rows[valid]
    return kept[np.argsort(kept["from_s"], kind="stable")]
