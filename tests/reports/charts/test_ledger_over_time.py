import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.charts.ledger_over_time import LedgerTotals, Totals, bounds_at, totals_of
from tests.reports.charts.conftest import SourceOf
from tests.reports.charts.made_runs import Shape
from witnesses.prometheus.divergence import DatedCount, differs_since
from witnesses.prometheus.growth import Growth


def totals(*at: float) -> Totals:
    return Totals(np.array(sorted(at)), np.arange(len(at) + 1))


def test_the_ledger_over_time_ends_with_the_ledger(run_of: SourceOf) -> None:
    source = run_of(Shape(burst_s=(150, 160)))
    row = next(each for each in source.result.usage if each.label_values == ("coffee",))
    ledger = totals_of(source.case, row)
    assert ledger.confirmed.sums[-1] == row.client.confirmed
    assert ledger.sent.sums[-1] == row.client.most


def test_what_nothing_moves_has_no_steps(run_of: SourceOf) -> None:
    source = run_of(Shape())
    row = replace(source.result.usage[0], quantity="nothing")
    assert totals_of(source.case, row).sent.sums.tolist() == [0]


@given(
    st.lists(st.tuples(st.floats(0, 90), st.floats(0.01, 5)), min_size=1, max_size=30),
    st.lists(st.integers(0, 3), min_size=1, max_size=20),
)
def test_the_first_distance_is_where_the_judge_dates_the_difference(
    requests: list[tuple[float, float]], steps: list[int]
) -> None:
    moves = [DatedCount(at, at + lasts, 1) for at, lasts in requests]
    grown = np.cumsum(steps)
    series = [Growth(5.0 * n + 5, 5.0 * n + 5.1, float(each)) for n, each in enumerate(grown)]
    ledger = LedgerTotals(totals(*(each.done_at for each in moves)),
                          totals(*(each.sent_at for each in moves)))  # fmt: skip
    bounds = bounds_at([series], ledger, 100)
    since = differs_since([series], moves)
    assert (since is None) == (bounds.distance[-1] == 0)
    if since is not None:
        shown = bounds.distance[bounds.at == since]
        assert math.copysign(1, shown[0]) == math.copysign(1, bounds.distance[-1])


def test_of_a_long_run_the_first_difference_is_kept() -> None:
    series = [Growth(float(n), n + 0.01, float(max(0, n - 12_345 > 0))) for n in range(17_280)]
    bounds = bounds_at([series], LedgerTotals(totals(), totals()), 100)
    assert len(bounds.at) <= 100
    assert bounds.at[bounds.distance != 0][0] == 12_346
    assert bounds.scrapes == 17_280


def test_replicas_are_added_up_and_the_stalest_bounds_from_below() -> None:
    first, second = [Growth(10.0, 10.1, 2.0)], [Growth(5.0, 5.1, 1.0), Growth(20.0, 20.1, 3.0)]
    bounds = bounds_at([first, second], LedgerTotals(totals(7.0), totals(6.0)), 100)
    assert bounds.grown.tolist() == [1.0, 3.0, 5.0]
    assert bounds.confirmed.tolist() == [0, 0, 1]


def test_a_sum_is_that_of_all_until_then() -> None:
    assert totals(1.0, 2.0).until(np.array([0.5, 1.0, 3.0])).tolist() == [0, 1, 2]
    assert totals().until(np.array([1.0])).tolist() == [pytest.approx(0)]
