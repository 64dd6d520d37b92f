"""What do Locust's page and its master learn of a load? Sums, once a second or so."""

import time
from collections import Counter

import numpy as np
from locust.env import Environment
from locust.stats import RequestStats, StatsEntry, StatsError, bucket_response_time

from scenarios.driver.load_state import Load
from scenarios.evidence.exchange import CUT_OFF, Outcome
from scenarios.evidence.exchanges import CODES, INTENT, Column
from scenarios.evidence.recording import Changes

_METHOD = "step"
_MS = 1000.0


class Page:
    """Feeds Locust's statistics with what a load records."""

    def __init__(self, locust: Environment, load: Load) -> None:
        """Begin with nothing shown."""
        self._locust = locust
        self._load = load
        self._changes = Changes(load.recorder)

    def show_fresh(self) -> None:
        """Show what is new."""
        show(self._locust, self._load, self._changes.take()[1])

    def close(self) -> None:
        """Show no more."""
        self._changes.close()


def show(locust: Environment, load: Load, rows: Column) -> None:
    """Add rows that are concluded to Locust's statistics; it rounds them, and it may.

    What the end of the load cut off is no failure of the services, and is left out.
    """
    steps, cut_off = load.order.flow.step_names, load.recorder.number_of(CUT_OFF)
    rows = rows[(rows["outcome"] > INTENT) & (rows["reason"] != cut_off)]
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
    """Sum rows of one step up as Locust does, request by request."""
    taken_ms = (rows["done_s"] - rows["sent_s"]) * _MS
    now = time.time()
    failed = int(np.count_nonzero(rows["outcome"] != CODES[Outcome.OK]))
    entry = StatsEntry(stats, step, _METHOD)
    entry.num_requests = len(rows)
    entry.num_failures = failed
    entry.total_response_time = float(taken_ms.sum())  # type: ignore[assignment]
    entry.min_response_time = float(taken_ms.min())  # type: ignore[assignment]
    entry.max_response_time = float(taken_ms.max())  # type: ignore[assignment]
    entry.last_request_timestamp = now
    entry.num_reqs_per_sec[int(now)] = len(rows)
    if failed:
        entry.num_fail_per_sec[int(now)] = failed
    buckets = Counter(map(bucket_response_time, taken_ms.tolist()))
    entry.response_times.update(buckets)
    return entry


def _add_errors(stats: RequestStats, step: str, rows: Column) -> None:
    outcomes = {code: outcome for outcome, code in CODES.items() if outcome is not Outcome.OK}
    for code, outcome in outcomes.items():
        for status in rows["status"][rows["outcome"] == code].tolist():
            words = f"{outcome}: status {status}" if status else str(outcome)
            key = StatsError.create_key(_METHOD, step, words)
            error = stats.errors.setdefault(key, StatsError(_METHOD, step, words))
            error.occurred()
