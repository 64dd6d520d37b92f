"""Find that a target's process was restarted during a run, by the start times of its scrapes."""

import math
from collections.abc import Sequence
from itertools import pairwise

from witnesses.figure import Reason
from witnesses.process_identity import START_TIME_MARGIN_S
from witnesses.prometheus.samples import Sample, ScrapeLog


def restart_of(baseline: Sequence[Sample], scrape_log: ScrapeLog, begin: float) -> Reason | None:
    """Return how a target's process at the baseline differs from those seen after it, if it does.

    `begin` is before the first request (epoch seconds).
    """
    if not scrape_log.ups:
        return Reason.SCRAPES_UNKNOWN
    since = baseline[-1][0] if baseline else -math.inf
    first = [start_time for at, start_time in scrape_log.start_times if at <= since][-1:]
    start_times = {*first, *(started for at, started in scrape_log.start_times if at > since)}
    # A fresh stack has no baseline: its processes must all be older than the first request.
    unseen = scrape_log.fresh and not baseline
    replaced = unseen and any(
        start_time > begin - START_TIME_MARGIN_S for start_time in start_times
    )
    if replaced or len(start_times) > 1:
        return Reason.PROCESS_RESTARTED
    if _is_blurred(scrape_log.start_times, since):
        return Reason.PERHAPS_RESTARTED
    return None


def _is_blurred(start_times: Sequence[Sample], since: float) -> bool:
    """Return whether two processes may share a start time: it is exposed in whole seconds."""
    return any(
        at >= since
        and at < start_time + START_TIME_MARGIN_S
        and start_time == later
        and start_time.is_integer()
        for (at, start_time), (_, later) in pairwise(start_times)
    )
