"""Tests of exchanges over time."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.latency import percentile
from reports.time_series import INTERVALS_S, time_series

START = pd.Timestamp("2026-11-27T02:00:00", tz="UTC")


def exchanges_of(
    due_s: Sequence[float], response_s: Sequence[float], outcomes: Sequence[str] = (),
    steps: Sequence[str] = (),
) -> pd.DataFrame:  # fmt: skip
    due_at = START + pd.to_timedelta(np.asarray(due_s, float), unit="s")
    return pd.DataFrame({
        "step": pd.Series(list(steps) or ["use"] * len(due_s), dtype="category"),
        "due_at": due_at,
        "done_at": due_at + pd.to_timedelta(np.asarray(response_s, float), unit="s"),
        "response_s": np.asarray(response_s, float),
        "outcome": pd.Series(list(outcomes) or ["ok"] * len(due_s), dtype="category"),
    })  # fmt: skip


def test_a_stall_is_seen_where_the_requests_were_due_not_where_they_ended() -> None:
    series = time_series(exchanges_of([0.0, 1.0, 4.5], [0.1, 3.0, 0.1]))
    slow = series[series["p95_s"] > 1]
    assert [at.second for at in slow["at"]] == [1]
    assert series.set_index(series["at"].dt.second)["done"].to_dict() == {0: 1, 1: 0, 4: 2}


def test_counts_by_outcome_are_of_the_interval_in_which_they_ended() -> None:
    outcomes = ["ok", "rejected", "unknown", "not sent"]
    (row,) = time_series(exchanges_of([0.0] * 4, [0.1] * 4, outcomes)).to_dict("records")
    assert [row[name] for name in ("ok", "rejected", "unknown", "not_sent")] == [1] * 4


def test_a_refusal_does_not_flatter_a_percentile() -> None:
    (row,) = time_series(exchanges_of([0, 0], [0.001, 0.9], ["rejected", "ok"])).to_dict("records")
    assert row["p50_s"] == 0.9


def test_the_longest_response_is_beside_the_percentiles() -> None:
    (row,) = time_series(exchanges_of([0, 0, 0], [0.1, 0.9, 0.2])).to_dict("records")
    assert (row["max_s"], row["p50_s"]) == (0.9, 0.2)


def test_each_step_has_rows_of_its_own() -> None:
    series = time_series(exchanges_of([0.0, 0.0], [0.1, 0.2], steps=["use", "open"]))
    assert series.set_index("step")["p50_s"].to_dict() == {"use": 0.1, "open": 0.2}


@pytest.mark.parametrize(("whole_s", "interval_s"), [(1, 1), (250, 1), (301, 2), (86_400, 300)])
def test_the_interval_is_the_shortest_that_keeps_the_series_short(
    whole_s: float, interval_s: int
) -> None:
    series = time_series(exchanges_of([0.0, whole_s - 0.5], [0.1, 0.5]))
    assert set(series["interval_s"]) == {interval_s}
    assert interval_s in INTERVALS_S


def test_a_short_run_has_shorter_intervals_where_they_are_asked_for() -> None:
    series = time_series(exchanges_of([0.0, 1.5], [0.1, 0.1]), 80, shortest_s=0.1)
    assert set(series["interval_s"]) == {0.1}
    assert time_series(exchanges_of([0.0, 1.5], [0.1, 0.1]))["interval_s"].tolist() == [1, 1]


def test_without_exchanges_there_is_no_row() -> None:
    assert time_series(exchanges_of([], [])).empty


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 5)), min_size=1, max_size=60))
def test_the_percentiles_are_those_of_the_report(due: list[tuple[int, float]]) -> None:
    series = time_series(exchanges_of([at for at, _ in due], [response for _, response in due]))
    for row in series[series["due"] > 0].to_dict("records"):
        times = sorted(response for at, response in due if at == row["at"].second)
        assert row["p95_s"] == percentile(times, 95)
    assert series["due"].sum() == series["done"].sum() == len(due)
