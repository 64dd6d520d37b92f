"""Find when a load generator was saturated, which the mean over a load may hide.

CPU  1.0 ┤            ┌─────┐
     0.9 ┤╌╌╌╌╌╌╌╌╌╌╌╌│╌╌╌╌╌│╌╌╌╌   limit
         │────────────┘     └────
         └────────────┴─────┴───▶   every period of 5 s is looked at
"""

from dataclasses import dataclass

import numpy as np

from scenarios.evidence.recording import Recording

MAX_CPU_RATIO = 0.9
MAX_LOOP_DELAY_S = 0.5
MAX_LAG_S = 0.05
_LEAST_S = 5.0  # what is busy for a moment delays few responses


@dataclass(frozen=True, slots=True)
class BusyPeriod:
    """A time in which a process was busy, in seconds since its anchor, and its share of a core."""

    from_s: float
    to_s: float
    cpu_ratio: float

    @property
    def duration_s(self) -> float:
        """How long it was."""
        return self.to_s - self.from_s


def first_busy_period(recording: Recording) -> BusyPeriod | None:
    """Return the first 5 s of the measured window in which a process was over its limit."""
    rows = recording.health
    end_s = recording.measured_from_s + (recording.end.wall_s if recording.end else np.inf)
    rows = rows[(rows["from_s"] >= recording.measured_from_s) & (rows["to_s"] <= end_s)]
    used_s = np.concatenate([[0.0], np.cumsum(rows["cpu_s"])])
    # the row with which at least _LEAST_S have passed since the beginning of each
    last = np.searchsorted(rows["to_s"], rows["from_s"] + _LEAST_S)
    first = np.flatnonzero(last < len(rows))
    last = last[first]
    took_s = rows["to_s"][last] - rows["from_s"][first]
    ratio = (used_s[last + 1] - used_s[first]) / np.maximum(took_s, _LEAST_S)
    busy = np.flatnonzero(ratio > MAX_CPU_RATIO)
    if not len(busy):
        return None
    row = busy[0]
    return BusyPeriod(
        float(rows["from_s"][first[row]]), float(rows["to_s"][last[row]]), float(ratio[row])
    )
