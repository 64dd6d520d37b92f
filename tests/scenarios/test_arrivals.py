"""Is each iteration due when the closed model says? In virtual time."""

from hypothesis import given
from hypothesis import strategies as st

from scenarios.arrivals import ClosedModel, arrivals_of
from scenarios.model import Profile


def dues(model: ClosedModel, took_s: float) -> list[float]:
    """Drive one user in virtual time, each iteration of the same length."""
    due: list[float] = []
    now_s = 0.0
    while (next_s := model.due_s(len(due), now_s)) is not None:
        due.append(next_s)
        now_s += took_s
    return due


def test_an_iteration_is_due_when_its_user_is_free() -> None:
    assert dues(ClosedModel(iterations=3, until_s=60.0), took_s=2.5) == [0.0, 2.5, 5.0]


def test_no_iteration_is_due_once_the_time_is_over() -> None:
    assert dues(ClosedModel(iterations=None, until_s=5.0), took_s=2.5) == [0.0, 2.5]


@given(
    iterations=st.integers(min_value=1, max_value=50),
    until_s=st.floats(min_value=0.1, max_value=100.0),
    took_s=st.floats(min_value=0.5, max_value=10.0),
)
def test_no_more_are_due_than_were_asked_for_and_none_too_late(
    iterations: int, until_s: float, took_s: float
) -> None:
    due = dues(ClosedModel(iterations, until_s), took_s)
    assert len(due) <= iterations
    assert all(at_s < until_s for at_s in due)
    assert len(due) == iterations or len(due) * took_s >= until_s * (1 - 1e-9)


def test_a_profile_of_iterations_is_bounded_by_its_longest_duration() -> None:
    assert arrivals_of(Profile(users=2, iterations=7)) == ClosedModel(7, 600.0)
    short = Profile.model_validate({"users": 2, "iterations": 7, "max_duration": "30s"})
    assert arrivals_of(short) == ClosedModel(7, 30.0)


def test_a_profile_of_a_duration_has_no_number_of_iterations() -> None:
    profile = Profile.model_validate({"users": 2, "duration": "5m"})
    assert arrivals_of(profile) == ClosedModel(None, 300.0)
