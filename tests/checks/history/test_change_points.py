"""Tests of change points in simulated histories."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.history.change_points import change_points

NIGHTS = 90
NOISE = 0.05  # of a p95 from night to night, in proportion


def history(seed: int, shift_at: int = NIGHTS, shift: float = 0.0) -> list[float]:
    values = 1.2 * np.exp(np.random.default_rng(seed).normal(0, NOISE, NIGHTS))
    values[shift_at:] *= 1 + shift
    return [float(value) for value in values]


@pytest.mark.core
@pytest.mark.long
def test_a_shift_is_dated_within_two_nights() -> None:
    found = [change_points(history(seed, shift_at=60, shift=0.15)) for seed in range(20)]
    dated = [any(abs(each.position - 60) <= 2 for each in points) for points in found]
    assert sum(dated) >= 19


@pytest.mark.parametrize(
    ("histories", "quiet"), [(30, 28), pytest.param(300, 285, marks=pytest.mark.long)]
)
def test_histories_without_a_shift_have_no_change_point(histories: int, quiet: int) -> None:
    found = [change_points(history(seed)) for seed in range(histories)]
    assert sum(not points for points in found) >= quiet


def test_heavy_tails_are_not_taken_for_a_shift() -> None:
    generator = np.random.default_rng(7)
    quiet = [
        not change_points(np.exp(0.05 * generator.standard_t(2.5, NIGHTS)).tolist())
        for _ in range(20)
    ]
    assert sum(quiet) >= 19


def test_the_sizes_before_and_after_are_medians() -> None:
    (point,) = change_points([2.0] * 30 + [3.0] * 30)
    assert (point.position, point.before, point.after) == (30, 2.0, 3.0)
    assert point.change_ratio == pytest.approx(0.5)


def test_two_shifts_are_both_found() -> None:
    generator = np.random.default_rng(3)
    values = np.repeat([1.0, 1.5, 1.0], 30) * np.exp(generator.normal(0, 0.03, 90))
    positions = [each.position for each in change_points(values.tolist())]
    assert positions == [30, 60]


def test_the_same_history_always_has_the_same_change_points() -> None:
    values = history(5, shift_at=45, shift=0.12)
    assert change_points(values) == change_points(values)


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 9, [1.0] * 90])
def test_short_and_constant_series_have_none(values: list[float]) -> None:
    assert change_points(values) == ()


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_value_that_is_not_positive_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        change_points([1.0, value])


@given(st.lists(st.floats(1e-6, 1e6), max_size=40), st.floats(1e-3, 1e3))
def test_the_unit_of_the_values_does_not_matter(values: list[float], factor: float) -> None:
    scaled = [value * factor for value in values]
    assert [each.position for each in change_points(values)] == [
        each.position for each in change_points(scaled)
    ]
