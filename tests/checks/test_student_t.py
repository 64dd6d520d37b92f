"""Student's t, against SciPy."""

import math

import pytest

from checks.student_t import quantile, upper_tail

FREEDOMS = (1, 2, 3, 4, 5, 8, 19, 38, 99, 400)


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_the_tail_is_that_of_scipy(freedom: int) -> None:
    from scipy.special import stdtr  # half a second

    for t in (0.0, 0.1, 1.0, 2.5, 7.0, 40.0, 1e6, math.inf):
        for each in (t, -t):
            assert upper_tail(each, freedom) == pytest.approx(stdtr(freedom, -each), abs=1e-13)


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_the_quantile_is_that_of_scipy(freedom: int) -> None:
    from scipy.special import stdtrit

    for tail in (0.3, 0.025, 0.001):
        assert quantile(tail, freedom) == pytest.approx(stdtrit(freedom, 1 - tail), rel=1e-9)
