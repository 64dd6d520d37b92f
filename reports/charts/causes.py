"""Report who took the time that was waited in a period: the load generator, or the service.

    due ├── lag ──┤ sent ├──────── service ────────┤ done
    generator          network, SUT, and a generator that is too busy to read the response

So the time until the response was there is the service's only where the generator kept up.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from checks.saturation import MAX_CPU_RATIO, MAX_LAG_S
from reports import formatting as write
from reports.charts.source import ChartSource
from scenarios.evidence.recording import Recording

_HALF = 0.5


@dataclass(frozen=True, slots=True)
class GeneratorState:
    """How busy a process of the generator was in a period: share of a core, delay of its loop."""

    cpu_ratio: float
    usual_delay_s: float
    longest_delay_s: float

    @property
    def is_behind(self) -> bool:
        """Whether it may have been too busy to read responses when they came."""
        return self.cpu_ratio > MAX_CPU_RATIO or self.usual_delay_s > MAX_LAG_S


def cause_of(source: ChartSource, begin: datetime, end: datetime) -> str:
    """Report who took most of the time that was waited for what was due in a period."""
    due_at = source.exchanges["due_at"]
    waited = source.exchanges[(due_at >= begin) & (due_at < end)]
    whole_s = float(waited["response_s"].sum())
    lag_ratio = float(waited["lag_s"].sum()) / whole_s if whole_s else 0.0
    if lag_ratio > _HALF:
        share = write.render_percentage(lag_ratio)
        return f"the load generator, not the service, took {share} of the response time then"
    states = (_state_of(each, begin, end) for each in source.recordings)
    behind = next((each for each in states if each and each.is_behind), None)
    if behind:
        return ("the load generator did not keep up then (CPU "
                f"{write.render_percentage(behind.cpu_ratio)} of a core, event loop up to "
                f"{write.render_seconds(behind.longest_delay_s)} late), so it is not known "
                "whether the service was slow")  # fmt: skip
    share, rest = (write.render_percentage(each) for each in (1 - lag_ratio, lag_ratio))
    return (f"the service and the network took {share} of the response time then, the load "
            f"generator {rest}")  # fmt: skip


def _state_of(recording: Recording, begin: datetime, end: datetime) -> GeneratorState | None:
    """Return how busy a process was in a period, or None where that was not recorded."""
    rows, anchor_at = recording.health, recording.start.anchor_at
    from_s, to_s = begin.timestamp() - anchor_at, end.timestamp() - anchor_at
    rows = rows[(rows["to_s"] > from_s) & (rows["from_s"] < to_s)]
    if not len(rows):
        return None
    took_s = float((rows["to_s"] - rows["from_s"]).sum())
    delays_s = rows["loop_delay_s"]
    return GeneratorState(
        float(rows["cpu_s"].sum()) / took_s, float(np.median(delays_s)), float(delays_s.max())
    )
