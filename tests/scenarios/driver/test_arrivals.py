"""Due times of closed and open models, and of their parts, in virtual time.

The closed model is driven; the due times of the open model are compared with Λ.
"""

import math
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.driver.arrivals import WHOLE, ClosedModel, LoadPart, OpenModel, arrivals_of
from scenarios.language.profiles import Profile
from scenarios.language.rates import RateStage, parse_stage

BLOCK = 4_096
CLOSE = 1e-6

# Rates and times as people write them, with so few digits that no Λ ends close to a whole number.
_RATES = st.one_of(
    st.integers(1, 3_000).map(lambda tenths: tenths / 10),
    st.integers(1, 600).map(lambda per_minute: per_minute / 60),
    st.sampled_from([0.3, 0.1, 1 / 3_600, 500 / 3_600]),
)
_TIMES_S = st.integers(1, 30_000).map(lambda milliseconds: milliseconds / 1_000)
_STAGES = st.one_of(
    st.builds(RateStage, _RATES, _RATES, _TIMES_S),
    st.builds(lambda rate, duration_s: RateStage(rate, rate, duration_s), _RATES, _TIMES_S),
    st.builds(RateStage, st.just(0.0), _RATES, _TIMES_S),
    st.builds(RateStage, _RATES, st.just(0.0), _TIMES_S),
    st.builds(RateStage, st.just(0.0), st.just(0.0), _TIMES_S),
)
_CONSTANT = st.lists(_STAGES, min_size=1, max_size=6).map(lambda each: OpenModel(tuple(each)))
_POISSON = st.builds(
    lambda stages, seed: OpenModel(tuple(stages), poisson=True, seed=seed),
    st.lists(_STAGES, min_size=1, max_size=3),
    st.integers(0, 2**32),
)


def due_times(model: ClosedModel, duration_s: float) -> list[float]:
    """Drive one user in virtual time, with iterations of the same duration."""
    due: list[float] = []
    now_s = 0.0
    while (next_s := model.due_s(len(due), now_s)) is not None:
        due.append(next_s)
        now_s += duration_s
    return due


def at_rates(*stages: str, poisson: bool = False, seed: int = 0) -> OpenModel:
    """Return an open model of stages in the notation of scenarios."""
    return OpenModel(tuple(parse_stage(each) for each in stages), poisson, seed)


def times_s(model: OpenModel) -> np.ndarray:
    """Return all due times as an array."""
    return np.array(list(model.due_times()))


def test_an_iteration_is_due_when_its_user_is_idle() -> None:
    assert due_times(ClosedModel(iterations=3, until_s=60.0), duration_s=2.5) == [0.0, 2.5, 5.0]


def test_no_iteration_is_due_once_the_time_is_over() -> None:
    assert due_times(ClosedModel(iterations=None, until_s=5.0), duration_s=2.5) == [0.0, 2.5]


@given(
    iterations=st.integers(min_value=1, max_value=50),
    until_s=st.floats(min_value=0.1, max_value=100.0),
    duration_s=st.floats(min_value=0.5, max_value=10.0),
)
def test_a_closed_model_has_no_more_iterations_than_given_and_none_after_its_end(
    iterations: int, until_s: float, duration_s: float
) -> None:
    due = due_times(ClosedModel(iterations, until_s), duration_s)
    assert len(due) <= iterations
    assert all(at_s < until_s for at_s in due)
    assert len(due) == iterations or len(due) * duration_s >= until_s * (1 - 1e-9)


@given(st.integers(0, 10_000), st.integers(1, 50))
def test_the_parts_of_a_number_add_up_and_differ_by_one_at_most(total: int, of: int) -> None:
    parts = [LoadPart(index, of).of_number(total) for index in range(of)]
    assert sum(parts) == total
    assert parts == sorted(parts, reverse=True)
    assert parts[0] - parts[-1] <= 1


def test_the_whole_load_is_part_0_of_1() -> None:
    assert LoadPart(0, 1) == WHOLE
    assert WHOLE.of_number(7) == 7


@given(st.integers(1, 1_000), st.integers(1, 20))
def test_workers_share_the_iterations_of_a_closed_model(iterations: int, of: int) -> None:
    whole = ClosedModel(iterations, until_s=60.0)
    parts = [whole.part(LoadPart(index, of)) for index in range(of)]
    assert sum(len(due_times(each, duration_s=0.01)) for each in parts) == iterations
    assert max(each.iterations or 0 for each in parts) == math.ceil(iterations / of)


def test_a_part_without_iterations_has_none_due() -> None:
    part = ClosedModel(iterations=2, until_s=60.0).part(LoadPart(2, 3))
    assert part.iterations == 0
    assert part.due_s(0, now_s=0.0) is None


@pytest.mark.parametrize("iterations", [None, 7])
def test_a_part_of_a_closed_model_keeps_its_end_and_pauses(
    iterations: int | None,
) -> None:
    part = ClosedModel(iterations, until_s=42.0, think_s=(1.0, 3.0)).part(LoadPart(1, 3))
    assert (part.until_s, part.think_s) == (42.0, (1.0, 3.0))
    assert part.iterations == (2 if iterations else None)


@pytest.mark.parametrize(
    ("stages", "expected_s"),
    [
        (["2/s for 3s"], [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]),
        (["0.3/s for 10s"], [0.0, 1 / 0.3, 2 / 0.3]),
        (["90/m for 2s"], [0.0, 2 / 3, 4 / 3]),
        (["1/h for 1s"], [0.0]),
        (["from 0/s to 2/s over 3s"], [0.0, math.sqrt(3), math.sqrt(6)]),
        (["from 2/s to 0/s over 3s"], [0.0, 3 - math.sqrt(6), 3 - math.sqrt(3)]),
        (["from 1/s to 3/s over 2s"], [0.0, math.sqrt(3) - 1, math.sqrt(5) - 1, math.sqrt(7) - 1]),
        (["2/s for 1s", "1/s for 2s"], [0.0, 0.5, 1.0, 2.0]),
        (["0.5/s for 1s", "1/s for 1s"], [0.0, 1.5]),
        (["0/s for 5s", "1/s for 2s"], [5.0, 6.0]),
        (["1/s for 2s", "0/s for 5s", "1/s for 2s", "0/s for 1h"], [0.0, 1.0, 7.0, 8.0]),
        (["from 1/s to 0/s over 2s", "from 0/s to 1/s over 2s"], [0.0, 2.0]),
        (["from 0/s to 1/s over 2s", "1/s for 1s", "from 1/s to 0/s over 2s"], [0.0, 2.0, 3.0]),
        (["1/m for 1s", "1/m for 1s", "3600/h for 2s"], [0.0, 3 - 2 / 60, 4 - 2 / 60]),
    ],
)
def test_the_due_times_of_known_stages_are_as_computed_by_hand(
    stages: list[str], expected_s: list[float]
) -> None:
    assert list(at_rates(*stages).due_times()) == pytest.approx(expected_s, abs=1e-9)


@pytest.mark.parametrize(
    ("stages", "scheduled"),
    [
        (["1/s for 500ms"], 1),
        (["1/s for 1s"], 1),
        (["1/s for 1001ms"], 2),
        (["1/s for 1500ms"], 2),
        # In floats 3.3000000000000003, 1.0000000000000002 and 0.9999999999999999 times a power of
        # ten: what rounding adds is no iteration, and what it takes away is one.
        (["1.1/s for 30s"], 33),
        (["700/m for 18m"], 12_600),
        (["0.1/s for 1s"] * 10, 1),
        (["0.7/s for 1s"] * 10, 7),
        (["1/m for 1s"] * 60, 1),
        (["0/s for 10s"], 0),
        (["20/s for 10s"], 200),
    ],
)
def test_only_arrivals_before_the_end_are_scheduled(stages: list[str], scheduled: int) -> None:
    model = at_rates(*stages)
    assert model.scheduled == scheduled
    assert len(list(model.due_times())) == scheduled


@pytest.mark.parametrize("tail", ["0000000003", "0000000007", "000000001", "0000000013"])
def test_a_rounding_error_at_the_end_schedules_no_further_arrival(
    tail: str,
) -> None:
    model = at_rates(f"1/s for 3.{tail}s")
    assert len(list(model.due_times())) == model.scheduled


@pytest.mark.parametrize("number", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 5])
def test_due_times_are_evenly_spaced_across_blocks(number: int) -> None:
    model = at_rates(f"{number}/s for 1s")
    assert times_s(model) == pytest.approx(np.arange(number) / number, abs=1e-12)
    assert model.scheduled == number


@pytest.mark.parametrize("of", [2, 3, 5, 7])
@pytest.mark.parametrize("poisson", [False, True])
def test_parts_continue_across_blocks(of: int, poisson: bool) -> None:
    whole = at_rates("from 0/s to 200/s over 60s", "150/s for 60s", poisson=poisson, seed=3)
    all_s = list(whole.due_times())
    assert len(all_s) > 3 * BLOCK
    for index in range(of):
        assert list(whole.part(LoadPart(index, of)).due_times()) == all_s[index::of]


@pytest.mark.parametrize("seed", range(4))
def test_poisson_arrivals_continue_across_blocks(seed: int) -> None:
    due_s = times_s(at_rates("1000/s for 50s", poisson=True, seed=seed))
    assert len(due_s) > 10 * BLOCK
    assert np.all(np.diff(due_s) > 0)
    assert np.max(np.diff(due_s)) < 0.03


@given(st.one_of(_CONSTANT, _POISSON), st.integers(1, 9))
def test_the_parts_of_an_open_model_add_up_to_the_whole(whole: OpenModel, of: int) -> None:
    parts = [whole.part(LoadPart(index, of)) for index in range(of)]
    assert sorted(chain.from_iterable(part.due_times() for part in parts)) == list(
        whole.due_times()
    )
    assert sum(part.scheduled for part in parts) == whole.scheduled
    assert {part.until_s for part in parts} == {whole.until_s}


@given(st.one_of(_CONSTANT, _POISSON), st.integers(1, 5), st.integers(0, 4))
def test_the_number_of_due_times_is_the_scheduled_number_in_the_whole_and_in_a_part(
    whole: OpenModel, of: int, index: int
) -> None:
    part = whole.part(LoadPart(index % of, of))
    assert len(list(whole.due_times())) == whole.scheduled
    assert len(list(part.due_times())) == part.scheduled


@given(st.one_of(_CONSTANT, _POISSON))
def test_due_times_ascend_between_start_and_end(model: OpenModel) -> None:
    due_s = list(model.due_times())
    assert all(earlier < later for earlier, later in pairwise(due_s))
    assert all(0.0 <= each < model.until_s for each in due_s)


@given(_CONSTANT)
def test_the_nth_is_due_when_n_have_arrived(model: OpenModel) -> None:
    arrived = [model.arrived(each) for each in model.due_times()]
    assert arrived == pytest.approx(range(len(arrived)), abs=CLOSE)
    assert len(arrived) >= model.arrived(model.until_s) - CLOSE


def test_a_long_load_is_exact_to_its_end() -> None:
    model = at_rates("from 0/s to 100/s over 10m", "0.3/s for 1h", "from 100/s to 0/s over 10m")
    arrived = np.array([model.arrived(each) for each in times_s(model)])
    assert len(arrived) == 61_080
    assert np.max(np.abs(arrived - np.arange(len(arrived)))) < CLOSE


@pytest.mark.parametrize(
    ("at_s", "arrived"),
    [(-1.0, 0.0), (0.0, 0.0), (1.0, 0.5), (2.0, 2.0), (3.5, 5.0), (5.0, 8.0), (60.0, 8.0)],
)
def test_the_number_of_arrivals_is_the_area_below_the_rate(at_s: float, arrived: float) -> None:
    model = at_rates("from 0/s to 2/s over 2s", "2/s for 3s")
    assert model.arrived(at_s) == pytest.approx(arrived)


def test_an_open_model_ends_with_its_last_stage() -> None:
    assert at_rates("2/s for 1m", "from 2/s to 0/s over 30s").until_s == 90.0


def test_the_same_seed_draws_the_same_arrivals_and_another_seed_others() -> None:
    one, same, other = (
        times_s(at_rates("100/s for 50s", poisson=True, seed=seed)) for seed in (1, 1, 2)
    )
    assert one.tolist() == same.tolist()
    assert not set(one.tolist()) & set(other.tolist())


def test_due_times_can_be_iterated_again() -> None:
    model = at_rates("10/s for 5s", poisson=True, seed=5)
    assert list(model.due_times()) == list(model.due_times())
    assert model.scheduled == len(list(model.due_times()))


@pytest.mark.parametrize("seed", range(8))
def test_poisson_arrivals_have_their_rate_and_exponential_gaps(seed: int) -> None:
    due_s = times_s(at_rates("100/s for 100s", poisson=True, seed=seed))
    gaps_s = np.diff(due_s, prepend=0.0)
    assert len(due_s) == pytest.approx(10_000, abs=4 * math.sqrt(10_000))
    assert gaps_s.mean() == pytest.approx(0.01, rel=0.05)
    assert gaps_s.std() == pytest.approx(gaps_s.mean(), rel=0.05)
    assert np.mean(gaps_s > 0.01) == pytest.approx(math.exp(-1), abs=0.02)
    assert abs(np.corrcoef(gaps_s[:-1], gaps_s[1:])[0, 1]) < 0.05


def test_the_variance_of_the_number_of_poisson_arrivals_is_its_mean() -> None:
    counts = [at_rates("10/s for 100s", poisson=True, seed=each).scheduled for each in range(200)]
    assert np.mean(counts) == pytest.approx(1_000, abs=4 * math.sqrt(1_000 / 200))
    assert np.var(counts) / np.mean(counts) == pytest.approx(1.0, abs=0.4)


def test_poisson_arrivals_follow_a_ramp() -> None:
    due_s = times_s(at_rates("from 0/s to 200/s over 100s", poisson=True, seed=9))
    for until_s in (25.0, 50.0, 75.0, 100.0):
        expected = until_s**2
        assert np.sum(due_s < until_s) == pytest.approx(expected, abs=4 * math.sqrt(expected))


def test_a_profile_of_iterations_ends_at_its_max_duration() -> None:
    assert arrivals_of(Profile(users=2, iterations=7)) == ClosedModel(7, 600.0)
    short = Profile.model_validate({"users": 2, "iterations": 7, "max_duration": "30s"})
    assert arrivals_of(short) == ClosedModel(7, 30.0)


def test_a_profile_of_a_duration_has_no_number_of_iterations() -> None:
    profile = Profile.model_validate({"users": 2, "duration": "5m"})
    assert arrivals_of(profile) == ClosedModel(None, 300.0)


def test_the_think_time_of_a_profile_is_that_of_its_model() -> None:
    profile = Profile.model_validate({"users": 2, "duration": "5m", "think": "1s to 5s"})
    assert arrivals_of(profile) == ClosedModel(None, 300.0, (1.0, 5.0))


@pytest.mark.parametrize(
    ("written", "model"),
    [
        ({"rate": "20/s", "duration": "1m"}, at_rates("20/s for 1m")),
        ({"rate": "from 0/s to 5/s over 10s"}, at_rates("from 0/s to 5/s over 10s")),
        (
            {"stages": ["5/s for 1m", "from 5/s to 0/s over 10s"], "arrivals": "constant"},
            at_rates("5/s for 1m", "from 5/s to 0/s over 10s"),
        ),
        (
            {"rate": "90/m", "duration": "1h", "arrivals": "poisson", "seed": 7},
            at_rates("1.5/s for 1h", poisson=True, seed=7),
        ),
        (
            {"rate": "1/s", "duration": "1s", "arrivals": "poisson"},
            at_rates("1/s for 1s", poisson=True),
        ),
    ],
)
def test_a_profile_with_a_rate_is_an_open_model(
    written: dict[str, object], model: OpenModel
) -> None:
    assert arrivals_of(Profile.model_validate(written)) == model
