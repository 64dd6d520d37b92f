from fractions import Fraction
from itertools import accumulate
from math import comb
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.binomial import interval_ranks

_SHARES = st.sampled_from([Fraction(1, 2), Fraction(1, 20), Fraction(1, 100)])
_TAIL = Fraction(25, 1000)


def test_the_ranks_of_a_hundred_thousand_values_neither_overflow_nor_vanish() -> None:
    n, p = 100_000, 0.05
    normal = NormalDist(n * p, (n * p * (1 - p)) ** 0.5)
    low, high = interval_ranks(n, 1 - p)
    assert low == pytest.approx(n - normal.inv_cdf(0.975), abs=5)
    assert high == pytest.approx(n - normal.inv_cdf(0.025), abs=5)


@pytest.mark.parametrize("quantile", [0.5, 0.95, 0.99])
def test_one_value_bounds_no_quantile(quantile: float) -> None:
    assert interval_ranks(1, quantile) == (None, None)


@given(st.integers(1, 2_000), _SHARES)
def test_the_interval_encloses_the_nearest_rank(n: int, share: Fraction) -> None:
    low, high = interval_ranks(n, float(1 - share))
    rank = -(-(1 - share) * n // 1)
    assert (low or 1) <= rank <= (high or n)


def test_a_p95_of_a_hundred_values_lies_between_ranks_90_and_100() -> None:
    assert interval_ranks(100, 0.95) == (90, 100)


def test_the_median_of_a_hundred_values_lies_between_ranks_40_and_61() -> None:
    assert interval_ranks(100, 0.5) == (40, 61)


def test_a_p99_of_a_hundred_values_has_no_upper_bound() -> None:
    assert interval_ranks(100, 0.99)[1] is None


@pytest.mark.parametrize(("quantile", "smallest"), [(0.5, 6), (0.95, 2), (0.99, 2)])
def test_a_fail_can_be_proven_from_so_many_values_on(quantile: float, smallest: int) -> None:
    assert interval_ranks(smallest - 1, quantile)[0] is None
    assert interval_ranks(smallest, quantile)[0] is not None


@pytest.mark.parametrize(("quantile", "smallest"), [(0.5, 6), (0.95, 72), (0.99, 368)])
def test_a_pass_can_be_proven_from_so_many_values_on(quantile: float, smallest: int) -> None:
    assert interval_ranks(smallest - 1, quantile)[1] is None
    assert interval_ranks(smallest, quantile)[1] is not None


@given(st.integers(2, 120), _SHARES)
def test_each_end_of_the_interval_holds_with_97_5_percent_and_the_next_rank_does_not(
    n: int, share: Fraction
) -> None:
    low, high = interval_ranks(n, float(1 - share))
    masses = (comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(n))
    at_most = list(accumulate(masses))
    # the value of rank r is above the quantile when fewer than r values are at or below it
    above = {rank: 1 - at_most[n - rank] for rank in range(1, n + 1)}
    below = {rank: at_most[n - rank] for rank in range(1, n + 1)}
    assert low == max((rank for rank, p in above.items() if p <= _TAIL), default=None)
    assert high == min((rank for rank, p in below.items() if p <= _TAIL), default=None)
