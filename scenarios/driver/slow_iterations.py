"""Find out during a load whether a percentile of its recent iterations exceeds a limit.

The p-th percentile of n values is over a limit exactly when more than n - ⌈p·n⌉ of them are, as the
judge of latency counts: a failed iteration only if it was slower than the limit. So no percentile
is estimated: per second and limit, two numbers are kept.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from scenarios.evidence.recording import Stop, StopReason
from scenarios.language.objectives import allowed_over, percentile_name
from scenarios.language.profiles import AbortOn

_MIN_ITERATIONS = 10  # fewer are no base for a percentile


@dataclass
class _Count:
    """The iterations that ended within one second, and how many of them were over a limit."""

    ended: int = 0
    over: int = 0


class SlowIterations:
    """The response times of the iterations that ended in a sliding window, against limits."""

    def __init__(self, abort_on: AbortOn) -> None:
        """Take the limits in seconds by percentile, and the length of the window."""
        self._limits: Mapping[float, float] = abort_on.limits()
        self._window_s = abort_on.over
        self._recent: deque[tuple[int, dict[float, _Count]]] = deque()  # second, by percentile

    def add(self, duration_s: float, now_s: float, *, is_ok: bool) -> None:
        """Count an iteration that has ended now."""
        second, recent = int(now_s), self._recent
        if not recent or recent[-1][0] != second:
            recent.append((second, {percentile: _Count() for percentile in self._limits}))
        for percentile, limit_s in self._limits.items():
            is_over, count = duration_s > limit_s, recent[-1][1][percentile]
            count.ended += is_ok or is_over
            count.over += is_over

    def find_abort(self, now_s: float, begin_s: float) -> Stop | None:
        """Return why a load has to abort itself, or None; a window from `begin_s` on is too short.

        An entry counts a whole second, and is dropped when that lies before the window.
        """
        while self._recent and self._recent[0][0] + 1 < now_s - self._window_s:
            self._recent.popleft()
        is_early = now_s - begin_s < self._window_s
        stops = () if is_early else map(self._find_slow, self._limits)
        return next(filter(None, stops), None)

    def _find_slow(self, percentile: float) -> Stop | None:
        counts = [by_percentile[percentile] for _, by_percentile in self._recent]
        ended, over = sum(each.ended for each in counts), sum(each.over for each in counts)
        allowed = allowed_over(ended, percentile)
        if ended < _MIN_ITERATIONS or over <= allowed:
            return None
        return Stop(
            StopReason.TOO_SLOW,
            f"aborted: {percentile_name(percentile)} over {self._limits[percentile]:g} s: {over:,} "
            f"of {ended:,} iterations in the last {self._window_s:g} s took longer, at most "
            f"{allowed:,} may",
        )
