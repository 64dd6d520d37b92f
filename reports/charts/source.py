"""What the charts are computed from: a run's evidence, aggregated once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

import pandas as pd

from checks.case import Case, DrivenProfile
from checks.result import Result
from checks.service_levels import LatencyRow
from reports.charts.layers import MOST_INTERVALS, SHORTEST_INTERVAL_S
from reports.frames import Frames
from reports.time_series import interval_of, time_series
from scenarios.evidence.recording import Recording
from scenarios.language.model import ITERATION

_TIMED = ["step", "due_at", "done_at", "response_s", "outcome"]


@dataclass(frozen=True)
class ChartSource:
    """The last phase of a run in tables; its latency is judged, the others only prepare it."""

    case: Case
    result: Result

    @property
    def driven(self) -> DrivenProfile | None:
        """The last phase."""
        return self.case.measured

    @property
    def recordings(self) -> Sequence[Recording]:
        """The recordings of the last phase."""
        return self.driven.recordings if self.driven else ()

    @cached_property
    def frames(self) -> Frames:
        """The tables of the last phase."""
        return Frames(replace(self.case, driven=self.case.driven[-1:], outside=()), self.result)

    @property
    def exchanges(self) -> pd.DataFrame:
        """The exchanges of the last phase."""
        return self.frames.exchanges

    @cached_property
    def span(self) -> tuple[datetime, datetime]:
        """When the first request was due, and the last one done. There must be one."""
        return self.exchanges["due_at"].min(), self.exchanges["done_at"].max()

    @property
    def measured_from(self) -> datetime:
        """When the warm-up ends in every generator. There must be one."""
        return max(
            datetime.fromtimestamp(each.start.anchor_at + each.measured_from_s, UTC)
            for each in self.recordings
        )

    @cached_property
    def axis(self) -> tuple[datetime, datetime]:
        """The span in whole intervals."""
        begin, end = (pd.Timestamp(each) for each in self.span)
        width = pd.Timedelta(seconds=self.interval_s)
        return begin.floor(width), end.floor(width) + width

    @cached_property
    def interval_s(self) -> float:
        """The interval of all charts over time, in seconds."""
        return interval_of(self.exchanges, MOST_INTERVALS, SHORTEST_INTERVAL_S)

    @cached_property
    def series(self) -> pd.DataFrame:
        """The time series of each step, and of the whole iteration under that name."""
        iterations = self.frames.iterations.rename(columns={"duration_s": "response_s"})
        iterations = iterations.assign(step=pd.Categorical([ITERATION] * len(iterations)))
        parts = [
            time_series(each[_TIMED], MOST_INTERVALS, SHORTEST_INTERVAL_S)
            for each in (iterations, self.exchanges)
            if len(each)
        ]
        return pd.concat([each.astype({"step": "str"}) for each in parts], ignore_index=True)

    def limit_s(self, step: str) -> float | None:
        """Return the strictest p95 limit of a step, if it has one."""
        row = self.latency_of(step)
        return row.p95_limit_s if row else None

    def latency_of(self, step: str) -> LatencyRow | None:
        """Return the judged row of a step, if there is one."""
        return next((each for each in self.result.latency if each.step == step), None)
