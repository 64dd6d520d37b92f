from fractions import Fraction
from itertools import accumulate
from math import comb
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.binomial import interval_ranks, probability_at_most

_SHARES = st.sampled_from([Fraction(1, 2), Fraction(1, 20), Fraction(1, 100)])
_TAIL = Fraction(25, 1000)


def _exact_at_most(k: int, n: int, p: Fraction) -> Fraction:
    terms = (comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))
    return sum(terms, Fraction(0))


@given(st.integers(1, 150), st.data(), _SHARES)
def test_the_probability_is_that_of_exact_fractions(
    n: int, data: st.DataObject, p: Fraction
) -> None:
    k = data.draw(st.integers(0, n))
    assert probability_at_most(k, n, float(p)) == pytest.approx(
        float(_exact_at_most(k, n, p)), rel=1e-9, abs=1e-12
    )


def test_fewer_than_none_has_no_probability() -> None:
    assert probability_at_most(-1, 100, 0.05) == 0.0


@given(st.integers(1, 200), st.integers(0, 50))
def test_all_or_more_is_certain_and_never_above_one(n: int, more: int) -> None:
    assert probability_at_most(n + more, n, 0.05) == pytest.approx(1.0)
    assert probability_at_most(n + more, n, 0.05) <= 1.0


def test_a_hundred_thousand_values_neither_overflow_nor_vanish() -> None:
    n, p = 100_000, 0.05
    normal = NormalDist(n * p, (n * p * (1 - p)) ** 0.5)
    assert probability_at_most(5_100, n, p) == pytest.approx(normal.cdf(5_100.5), abs=1e-3)


def test_a_p95_of_a_hundred_values_lies_between_ranks_90_and_100() -> None:
    assert interval_ranks(100, 0.95) == (90, 100)


def test_the_median_of_a_hundred_values_lies_between_ranks_40_and_61() -> None:
    assert interval_ranks(100, 0.5) == (40, 61)


def test_a_p99_of_a_hundred_values_has_no_upper_bound() -> None:
    assert interval_ranks(100, 0.99)[1] is None


@pytest.mark.parametrize(("n", "provable"), [(58, False), (59, True)])
def test_a_p95_can_be_proven_from_59_values_on(n: int, provable: bool) -> None:
    assert (probability_at_most(0, n, 0.05) <= 0.05) is provable


@given(st.integers(1, 120), _SHARES)
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
