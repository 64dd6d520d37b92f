"""Count what the client knows of the requests that a histogram of one step times.

    histogram   ├── served in the window ──┤── served elsewhere ──┤ timed out │ refused │ others'? ┤
    judged      ├──────────────────────────┤                      ├ if timed  ┤
    others      foreign_most()             ├──────────────────────┤           ├────────────────────┤

Limits hold for what was served in the measured window, as they do at the client. A histogram has
no way to tell these from the rest, so that the rest may be on either side of a limit.
"""

import math
from dataclasses import dataclass

import numpy as np

from checks.case import Case
from checks.timings import NO_TIMINGS, Timings, timings_by_step


@dataclass(frozen=True, slots=True)
class StepRequests:
    """The requests of one step, of the whole run.

    `served` and `timed_out` are those of the measured window. `served_elsewhere` were served
    before it, in other phases or in the warm-up. `unsure` may have been timed: rejected, or
    without a response. `has_strangers` means that others' requests may have been timed, too.
    """

    timings: Timings
    served_elsewhere: int = 0
    unsure: int = 0
    has_strangers: bool = False

    @property
    def served(self) -> int:
        """How many were served in the measured window."""
        return len(self.timings.served_s)

    @property
    def least(self) -> int:
        """How many its service must have timed: each request that was served."""
        return self.served + self.served_elsewhere

    @property
    def most(self) -> float:
        """How many its service can have timed."""
        known = self.least + len(self.timings.timed_out_s) + self.unsure
        return math.inf if self.has_strangers else known

    def foreign_most(self, count: float) -> float:
        """Return how many of what a histogram counted may not have been in the measured window.

        One that counted more than was sent also times other requests: of other steps, for example.
        """
        rest, is_mixed = max(0.0, count - self.least), self.has_strangers or count > self.most
        return self.served_elsewhere + (rest if is_mixed else min(rest, self.unsure))

    def client_ratio(self, limit_s: float) -> float | None:
        """Return the share within a limit that the client saw, from due to done."""
        judged = self.timings.judged_by(limit_s)
        within = np.count_nonzero(judged.served_s <= limit_s)
        within += np.count_nonzero(judged.timed_out_s <= limit_s)
        return float(within) / len(judged) if len(judged) else None


def requests_of(case: Case, step: str, *, has_strangers: bool) -> StepRequests:
    """Return the requests of a step; of recordings that are not whole, more may have been sent."""
    timings = NO_TIMINGS
    if case.measured is not None:
        timings = timings_by_step(case, case.measured).get(step, NO_TIMINGS)
    of_step = [each.exchanges.of_step(step) for each in case.recordings]
    served = sum(int(np.count_nonzero(each.ok)) for each in of_step)
    sent = sum(int(np.count_nonzero(each.sent)) for each in of_step)
    unsure = sent - served - len(timings.timed_out_s)
    return StepRequests(
        timings, served - len(timings.served_s), max(0, unsure), has_strangers or case.is_partial
    )
