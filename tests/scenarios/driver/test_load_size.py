from typing import Any

import pytest

from scenarios.driver.load_size import LoadSize, find_size_conflicts, with_load
from scenarios.language.profiles import Profile

CLOSED = {"users": 10, "iterations": 100, "think": "1s"}
OPEN = {"rate": "5/s", "duration": "1h", "max_users": 9, "arrivals": "poisson", "seed": 7}
STAGES = {"stages": ["5/s for 1m", "from 5/s to 9/s over 1m"]}


def _sized(profile: dict[str, Any], **size: Any) -> Profile:
    return with_load(Profile.model_validate(profile), LoadSize(**size))


def _conflicts(profile: dict[str, Any], **size: Any) -> list[str]:
    return list(find_size_conflicts("load", Profile.model_validate(profile), LoadSize(**size)))


@pytest.mark.parametrize("profile", [CLOSED, OPEN, STAGES], ids=["closed", "open", "stages"])
def test_a_rate_makes_any_profile_an_open_model(profile: dict[str, Any]) -> None:
    sized = _sized(profile, rate_per_s=20.0, duration_s=300.0)
    assert sized.is_open
    assert (sized.max_rate_per_s, sized.duration_s) == (20.0, 300.0)
    assert (sized.users, sized.iterations, sized.think, sized.stages) == (None,) * 4


def test_of_a_rate_users_are_the_most_at_once() -> None:
    assert _sized(CLOSED, rate_per_s=20.0, duration_s=9.0, users=4).virtual_users == 4
    assert _sized(OPEN, rate_per_s=20.0).virtual_users == 9


def test_a_rate_keeps_the_duration_the_arrivals_and_the_seed_of_its_profile() -> None:
    sized = _sized(OPEN, rate_per_s=20.0)
    assert (sized.duration_s, sized.arrivals, sized.seed) == (3600.0, "poisson", 7)


def test_a_duration_replaces_iterations_and_that_of_a_rate() -> None:
    closed = _sized(CLOSED | {"max_duration": "1h"}, duration_s=60.0)
    assert (closed.users, closed.iterations, closed.duration_s) == (10, None, 60.0)
    assert closed.max_duration is None
    assert (_sized(OPEN, duration_s=60.0).duration_s, _sized(OPEN).duration_s) == (60.0, 3600.0)


@pytest.mark.parametrize(
    ("profile", "size", "message"),
    [
        (CLOSED, {"rate_per_s": 2.0}, "--rate has no duration; add one, as in --duration 10m"),
        (STAGES, {"rate_per_s": 2.0}, "--rate has no duration; add one, as in --duration 10m"),
        (OPEN, {"rate_per_s": 2.0, "iterations": 3},
         "--iterations belongs to the closed model; remove it, or remove --rate"),
        (OPEN, {"rate_per_s": 0.0},
         "no iteration arrives at a rate of 0; write for example --rate 20/s"),
        (OPEN, {"users": 3, "iterations": 3},
         "load is an open model: its rate determines the load; remove --users and --iterations"),
        (STAGES, {"duration_s": 3.0},
         "load has stages with durations of their own; remove --duration, or add --rate"),
        (CLOSED, {"duration_s": 3.0, "iterations": 3}, "write either --iterations or --duration"),
        (OPEN | {"warm_up": "30s"}, {"duration_s": 30.0},
         "the warm-up of load, 30 s, covers the whole load; lengthen --duration"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence(
    profile: dict[str, Any], size: dict[str, Any], message: str
) -> None:
    assert _conflicts(profile, **size) == [message]


@pytest.mark.parametrize(
    ("profile", "size"),
    [
        (CLOSED, {}), (OPEN, {}), (STAGES, {}),
        (CLOSED, {"users": 3, "iterations": 9}),
        (CLOSED, {"rate_per_s": 2.0, "duration_s": 3.0, "users": 5}),
        (STAGES, {"rate_per_s": 2.0, "duration_s": 3.0}),
        (OPEN | {"warm_up": "30s"}, {"duration_s": 31.0}),
    ],
)  # fmt: skip
def test_what_fits_has_no_conflict(profile: dict[str, Any], size: dict[str, Any]) -> None:
    assert _conflicts(profile, **size) == []
