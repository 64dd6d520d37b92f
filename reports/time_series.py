"""Aggregate exchanges over time: throughput, failures and percentiles per step and interval.

    exchange   due ├───────────────┤ done
    intervals  ├── 10:00:00 ──┼── 10:00:01 ──┼── 10:00:02 ──┤
               │              │              └ counted in `done`, `ok`, … where it ended
               └ its response time is in the percentiles where it was due

So a stall is seen when it begins, not when it is over.
"""

import numpy as np
import pandas as pd

from scenarios.evidence.exchange import Outcome
from scenarios.evidence.exchanges import Column

_NS_PER_S = 1_000_000_000
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
    width = round(interval_s * _NS_PER_S)
    steps = exchanges["step"].cat
    begins = [exchanges[name].to_numpy("datetime64[ns]").astype("int64") // width
              for name in ("due_at", "done_at")]  # fmt: skip
    at, step = np.concatenate(begins), np.tile(steps.codes.to_numpy().astype("int64"), 2)
    first, last = at.min(initial=0), at.max(initial=0)
    # one number per step and interval, in the order of the rows
    keys, row = np.unique(step * (last - first + 1) + at - first, return_inverse=True)
    due, ended = row[: len(exchanges)], row[len(exchanges) :]
    step_of, at_of = np.divmod(keys, last - first + 1)
    counts = {name: np.bincount(ended[(exchanges["outcome"] == outcome).to_numpy()],
                                minlength=len(keys))
              for outcome, name in _COUNTS.items()}  # fmt: skip
    timed = exchanges["outcome"].isin([str(Outcome.OK), str(Outcome.UNKNOWN)]).to_numpy()
    return pd.DataFrame({
        "step": pd.Categorical.from_codes(step_of, categories=steps.categories),
        "at": pd.DatetimeIndex(((at_of + first) * width).view("datetime64[ns]"), tz="UTC"),
        "interval_s": interval_s,
        "due": np.bincount(due, minlength=len(keys)),
        "done": sum(counts.values(), np.zeros(len(keys), "int64")),
        **counts,
        **_percentiles(exchanges["response_s"].to_numpy()[timed], due[timed], len(keys)),
    })  # fmt: skip


def interval_of(exchanges: pd.DataFrame, most: int, shortest_s: float = 1.0) -> float:
    """Return the shortest interval of which at most `most` cover all exchanges, in seconds."""
    if exchanges.empty:
        return INTERVALS_S[0]
    intervals_s = [each for each in (*SHORT_INTERVALS_S, *INTERVALS_S) if each >= shortest_s]
    whole_s = (exchanges["done_at"].max() - exchanges["due_at"].min()).total_seconds()
    return next((each for each in intervals_s if whole_s / each < most), INTERVALS_S[-1])


def _percentiles(response_s: Column, row: Column, rows: int) -> dict[str, Column]:
    """Return nearest-rank percentiles of the response times of each row; NaN without any."""
    # one sort of numbers, since a frame of a million requests would be copied several times
    ordered_s = response_s[np.lexsort((response_s, row))]
    sizes = np.bincount(row, minlength=rows)
    counts, first = sizes[sizes > 0], (np.cumsum(sizes) - sizes)[sizes > 0]
    columns = {}
    for name, percent in {**PERCENTILES, "max_s": 100.0}.items():
        columns[name] = np.full(rows, np.nan)
        columns[name][sizes > 0] = ordered_s[first + np.maximum(1, _ranks(counts, percent)) - 1]
    return columns


def _ranks(counts: Column, percent: float) -> Column:
    ranks: Column = np.ceil(np.round(percent * counts, 6) / 100).astype(int)
    return ranks
