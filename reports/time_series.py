"""Aggregate exchanges over time: throughput, failures and percentiles per step and interval.

    exchange   due ├───────────────┤ done
    intervals  ├── 10:00:00 ──┼── 10:00:01 ──┼── 10:00:02 ──┤
               │              │              └ counted in `done`, `ok`, … where it ended
               └ its response time is in the percentiles where it was due

So a stall is seen when it begins, not when it is over.
"""

from typing import Any

import numpy as np
import pandas as pd

from scenarios.evidence.exchange import Outcome
from scenarios.evidence.exchanges import Column

INTERVALS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)
SHORT_INTERVALS_S = (0.1, 0.2, 0.5)
PERCENTILES = {"p50_s": 50.0, "p95_s": 95.0, "p99_s": 99.0}

_COUNTS = {
    Outcome.OK: "ok",
    Outcome.REJECTED: "rejected",
    Outcome.UNKNOWN: "unknown",
    Outcome.NOT_SENT: "not_sent",
}


def time_series(exchanges: pd.DataFrame, most: int = 300, shortest_s: float = 1.0) -> pd.DataFrame:
    """Return one row per step and interval, ordered by step and time; none without exchanges.

    `exchanges` are those of `Frames`. The interval is the shortest of INTERVALS_S of which at most
    `most` cover them all; a `shortest_s` below 1 permits SHORT_INTERVALS_S. Columns: step
    (category); at (datetime64[ns, UTC]), where the interval begins; interval_s (seconds); due,
    done, ok, rejected, unknown, not_sent (int64, requests); p50_s, p95_s, p99_s (nearest rank),
    max_s (float64, seconds; NaN where nothing was served).
    """
    interval_s = interval_of(exchanges, most, shortest_s)
    width = pd.Timedelta(seconds=interval_s)
    due = _by_interval(exchanges, exchanges["due_at"].dt.floor(width)).size()
    ended_at = exchanges["done_at"].dt.floor(width).rename("at")
    ended = exchanges.groupby(["step", ended_at, "outcome"], observed=True).size()
    outcomes = ended.unstack("outcome", fill_value=0).reindex(columns=list(_COUNTS))
    columns: dict[str, Any] = {"due": due, "done": outcomes.sum(axis="columns")}
    columns |= {name: outcomes[outcome] for outcome, name in _COUNTS.items()}
    counts = pd.DataFrame(columns).fillna(0).astype("int64")
    timed = exchanges[exchanges["outcome"].isin([str(Outcome.OK), str(Outcome.UNKNOWN)])]
    series = counts.join(_percentiles(timed, width)).reset_index()
    series.insert(2, "interval_s", interval_s)
    return series


def interval_of(exchanges: pd.DataFrame, most: int, shortest_s: float = 1.0) -> float:
    """Return the shortest interval of which at most `most` cover all exchanges, in seconds."""
    if exchanges.empty:
        return INTERVALS_S[0]
    intervals_s = [each for each in (*SHORT_INTERVALS_S, *INTERVALS_S) if each >= shortest_s]
    whole_s = (exchanges["done_at"].max() - exchanges["due_at"].min()).total_seconds()
    return next((each for each in intervals_s if whole_s / each < most), INTERVALS_S[-1])


def _by_interval(exchanges: pd.DataFrame, at: "pd.Series[pd.Timestamp]") -> Any:
    return exchanges.groupby(["step", at.rename("at")], observed=True)


def _percentiles(exchanges: pd.DataFrame, width: pd.Timedelta) -> pd.DataFrame:
    """Return nearest-rank percentiles of the response times, by the interval they were due in."""
    groups = _by_interval(exchanges, exchanges["due_at"].dt.floor(width))
    sizes = groups.size()
    response_s = exchanges["response_s"].to_numpy()
    # one sort of numbers, since a frame of a million requests would be copied several times
    ordered_s = response_s[np.lexsort((response_s, groups.ngroup().to_numpy()))]
    counts = sizes.to_numpy()
    first = np.cumsum(counts) - counts
    columns = {
        name: ordered_s[first + np.maximum(1, _ranks(counts, percent)) - 1]
        for name, percent in {**PERCENTILES, "max_s": 100.0}.items()
    }
    return pd.DataFrame(columns, index=sizes.index)


def _ranks(counts: Column, percent: float) -> Column:
    ranks: Column = np.ceil(np.round(percent * counts, 6) / 100).astype(int)
    return ranks
