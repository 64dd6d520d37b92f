"""Feed Locust's own statistics, for its web page and its summary, with recorded exchanges.

One sum per step and interval is added, since an event per request would slow the load down.
"""

import time
from collections import Counter

import numpy as np
from locust.env import Environment
from locust.stats import RequestStats, StatsEntry, StatsError, bucket_response_time

from scenarios.driver.load_state import Load
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.exchanges import CODES, INTENT, Column
from scenarios.evidence.row_changes import RowChanges

_METHOD = "step"
_MS = 1000.0


class LocustStatistics:
    """Locust's statistics of one load."""

    def __init__(self, locust: Environment, load: Load) -> None:
        """Start at the beginning of the recording."""
        self._locust = locust
        self._load = load
        self._changes = RowChanges(load.recorder)

    def add_new_rows(self) -> None:
        """Add what was recorded since the previous call."""
        add_rows(self._locust, self._load, self._changes.read()[1])

    def close(self) -> None:
        """Stop reading the recording."""
        self._changes.close()


def add_rows(locust: Environment, load: Load, rows: Column) -> None:
    """Add the concluded rows to Locust's statistics, which are rounded.

    Exchanges that the end of the load cut off are no failures of the services, and are left out.
    """
    steps = load.assignment.flow.step_names
    rows = rows[(rows["outcome"] > INTENT) & (rows["cut_off"] == 0)]
    if locust.runner is None or not len(rows):
        return
    stats = locust.runner.stats
    for number in np.unique(rows["step"]).tolist():
        of_step = rows[rows["step"] == number]
        entry = _entry(stats, steps[number], of_step)
        stats.entries[steps[number], _METHOD].extend(entry)
        stats.total.extend(entry)
        _add_errors(stats, steps[number], of_step)


def _entry(stats: RequestStats, step: str, rows: Column) -> StatsEntry:
    """Sum the rows of one step up as Locust's StatsEntry does request by request."""
    service_times_ms = (rows["done_s"] - rows["sent_s"]) * _MS
    now = time.time()
    failed = int(np.count_nonzero(rows["outcome"] != CODES[Outcome.OK]))
    entry = StatsEntry(stats, step, _METHOD)
    entry.num_requests = len(rows)
    entry.num_failures = failed
    entry.total_response_time = float(service_times_ms.sum())  # type: ignore[assignment]
    entry.min_response_time = float(service_times_ms.min())  # type: ignore[assignment]
    entry.max_response_time = float(service_times_ms.max())  # type: ignore[assignment]
    entry.last_request_timestamp = now
    entry.num_reqs_per_sec[int(now)] = len(rows)
    if failed:
        entry.num_fail_per_sec[int(now)] = failed
    buckets = Counter(map(bucket_response_time, service_times_ms.tolist()))
    entry.response_times.update(buckets)
    return entry


def _add_errors(stats: RequestStats, step: str, rows: Column) -> None:
    outcomes = {code: outcome for outcome, code in CODES.items() if outcome is not Outcome.OK}
    for code, outcome in outcomes.items():
        for status in rows["status"][rows["outcome"] == code].tolist():
            text = f"{outcome}: status {status}" if status else str(outcome)
            key = StatsError.create_key(_METHOD, step, text)
            error = stats.errors.setdefault(key, StatsError(_METHOD, step, text))
            error.occurred()
