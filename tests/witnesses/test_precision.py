from fractions import Fraction

import pytest

from witnesses.figure import Figure, Reason
from witnesses.precision import Precision

CENT = Fraction(1, 100)


def added_up(charge: float, times: int) -> float:
    """Add up floats as a counter does: with a loop, since sum() of Python 3.12 compensates."""
    total = 0.0
    for _ in range(times):
        total += charge
    return total


def test_a_float_that_was_added_up_is_read_as_the_multiple_that_it_stands_for() -> None:
    total = added_up(0.1, 100_000)
    assert total != 10_000
    assert Precision(CENT, 100_000).nearest(total, total) == 10_000


def test_one_charge_too_few_or_too_many_is_never_rounded_away() -> None:
    total = added_up(0.1, 100_000)
    assert Precision(CENT, 100_000).nearest(total + 0.01, total) == Fraction(1_000_001, 100)
    assert Precision(CENT, 100_000).nearest(total - 0.01, total) == Fraction(999_999, 100)


def test_a_charge_that_was_rounded_differently_stays_a_difference() -> None:
    total = added_up(12.34, 1_000) + 0.004
    nearest = Precision(CENT, 1_000).nearest(total, total)
    assert nearest != 12_340
    assert abs(float(nearest) - 12_340.004) < 1e-9


def test_a_counter_of_whole_numbers_is_read_as_it_is() -> None:
    figure = Figure.exact(4.5)
    assert Precision().figure(figure, 2.0**60) is figure


def test_a_counter_that_cannot_show_the_resolution_is_void() -> None:
    figure = Precision(CENT).figure(Figure.exact(12.5), 2.0**53 / 100)
    assert (figure.reason, figure.low, figure.high) == (Reason.BEYOND_PRECISION, None, None)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_stays_so(value: float) -> None:
    assert repr(Precision(CENT).nearest(value, 1.0)) == repr(value)


def test_every_bound_of_a_figure_is_read_at_the_resolution() -> None:
    noisy = Figure(0.1 + 0.2, 0.7 + 0.1, Reason.NOT_STEADY_BEFORE, late=1.1 - 1.0)
    figure = Precision(CENT).figure(noisy, 2.0)
    assert (figure.low, figure.high, figure.late) == (
        Fraction(3, 10), Fraction(4, 5), Fraction(1, 10)
    )  # fmt: skip


@pytest.mark.parametrize(("beyond", "is_multiple"), [(0, True), (1, False)])
def test_an_error_as_large_as_rounding_can_be_is_read_as_the_multiple(
    beyond: int, is_multiple: bool
) -> None:
    """One addition to 1,024 rounds by up to half a unit in the last place: 2 ** -43."""
    half = Fraction(1, 2)
    amount = half + Fraction(1, 2**43) + beyond * Fraction(1, 2**60)
    assert Precision(half, 1).nearest(amount, 1024.0) == (half if is_multiple else amount)
