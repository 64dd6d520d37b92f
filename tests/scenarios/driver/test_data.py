"""Which rows iterations use, over all processes: by simulation of the assignment."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from config.environment import Environment
from config.redaction import Secrets
from scenarios.driver.arrivals import LoadPart
from scenarios.driver.data import DataRows, data_rows, iterations_before
from scenarios.language.model import Scenario
from scenarios.language.profiles import Profile
from scenarios.language.tables import Table

ENVIRONMENT = Environment.model_validate(
    {"environment": "test", "services": {"shop": {"url": "http://shop.example"}}}
)
LASTING = Profile.model_validate({"users": 1, "duration": "9s"})
ARRIVING = Profile.model_validate({"rate": "5/s", "duration": "9s"})
TOTAL, PARTS = 10_001, 3


def rows_of(
    part: LoadPart, count: int, profile: Profile, secrets: Secrets | None = None, **keys: Any
) -> DataRows:
    """Return the rows of one part of a load, of a source with so many rows."""
    rows = [{"id": number, "token": f"token-{number}"} for number in range(count)]
    scenario = Scenario.model_validate({
        "scenario": "s", "data": {"ids": {"rows": rows, **keys}},
        "flow": [{"step": "ask", "request": "GET shop /{{ ids.id }}"}],
        "profiles": {"load": {"users": 1, "iterations": 1}},
    })  # fmt: skip
    tables = {"ids": Table(("id", "token"), rows)}
    return data_rows(scenario, ENVIRONMENT, tables, profile, secrets or Secrets(), part)


def used(part: LoadPart, count: int, iterations: int, users: int = 1, **keys: Any) -> list[int]:
    """Return the rows that a part uses in order, until it has none left."""
    data = rows_of(part, count, Profile(users=1, iterations=TOTAL), **keys)
    numbers = []
    for iteration in range(1, iterations + 1):
        user = (iteration - 1) % users
        if data.used_up(iteration, user):
            break
        numbers.append(data.rows(iteration, user)["ids"]["id"])
    return numbers


def used_by_all(count: int, parts: int = PARTS, **keys: Any) -> Counter[int]:
    """Return how often each row is used by a load of so many iterations."""
    found: Counter[int] = Counter()
    for index in range(parts):
        part = LoadPart(index, parts)
        found.update(used(part, count, part.of_number(TOTAL), **keys))
    return found


def test_a_cyclic_row_is_used_as_often_as_any_other_over_all_processes() -> None:
    found = used_by_all(count=7)
    assert found == {row: TOTAL // 7 + (row < TOTAL % 7) for row in range(7)}


def test_a_unique_row_is_used_by_exactly_one_iteration_over_all_processes() -> None:
    assert used_by_all(count=TOTAL, order="unique") == dict.fromkeys(range(TOTAL), 1)


def test_unique_rows_end_every_process_when_all_have_been_used_once() -> None:
    assert used_by_all(count=5_000, order="unique") == dict.fromkeys(range(5_000), 1)


def test_unique_rows_that_wrap_start_over_with_the_first() -> None:
    found = used_by_all(count=5_000, order="unique", at_end="wrap")
    assert found == {row: 2 + (row < 1) for row in range(5_000)}


def test_random_rows_are_the_same_for_a_seed_whatever_the_number_of_processes() -> None:
    found = used_by_all(count=50, order="random", seed=7)
    assert found == used_by_all(count=50, parts=1, order="random", seed=7)
    assert found != used_by_all(count=50, order="random", seed=8)


def test_random_rows_are_used_about_equally_and_in_no_fixed_order() -> None:
    found = used_by_all(count=50, order="random")
    assert set(found) == set(range(50))
    # the count of one row has a standard deviation of 14: this is seven of them
    assert all(abs(count - TOTAL / 50) < 100 for count in found.values())
    numbers = used(LoadPart(), 50, 1_000, order="random")
    assert len(set(pairwise(numbers))) > 500


def test_with_contention_so_many_successive_iterations_of_a_process_use_one_row() -> None:
    assert used(LoadPart(0, 2), 4, 10, contention=3) == [0, 0, 0, 2, 2, 2, 0, 0, 0, 2]
    assert used(LoadPart(1, 2), 4, 6, contention=3) == [1, 1, 1, 3, 3, 3]


def test_unique_rows_with_contention_are_used_by_so_many_iterations_and_no_more() -> None:
    found = used_by_all(count=100, order="unique", contention=8)
    assert found == dict.fromkeys(range(100), 8)


def test_a_row_of_a_user_stays_that_of_the_user_over_all_processes() -> None:
    found: dict[tuple[int, int], int] = {}
    for index in range(3):
        data = rows_of(LoadPart(index, 3), 12, Profile(users=1, iterations=9), per="user",
                       order="unique")  # fmt: skip
        for user in range(4):
            rows = {data.rows(number, user)["ids"]["id"] for number in range(1, 50)}
            (found[index, user],) = rows
        assert data.used_up(1, 4) == "every row of ids has been used: 12, each once"
    assert sorted(found.values()) == list(range(12))


def test_users_with_contention_share_a_row_all_the_time() -> None:
    assert used(LoadPart(), 3, 8, users=4, per="user", contention=2) == [0, 0, 1, 1] * 2


@pytest.mark.parametrize("profile", [LASTING, ARRIVING])
def test_processes_of_a_load_by_time_use_every_row_however_much_faster_one_of_them_is(
    profile: Profile,
) -> None:
    found: Counter[int] = Counter()
    for index, iterations in ((0, 9_000), (1, 100)):
        data = rows_of(LoadPart(index, 2), 10, profile)
        found.update(data.rows(each, 0)["ids"]["id"] for each in range(1, iterations + 1))
    assert found == dict.fromkeys(range(10), 910)


def test_processes_of_a_load_by_time_begin_with_rows_of_their_own() -> None:
    starts = [rows_of(LoadPart(index, 4), 10, LASTING).rows(1, 0)["ids"]["id"]
              for index in range(4)]  # fmt: skip
    assert starts == [0, 2, 5, 7]


def test_a_value_of_a_column_that_is_named_like_a_secret_becomes_one_when_it_is_used() -> None:
    secrets = Secrets()
    data = rows_of(LoadPart(), 3, Profile(users=1, iterations=9), secrets)
    data.rows(2, 0)
    assert secrets.learned == ("token-1",)


def test_two_sources_are_chosen_independently() -> None:
    scenario = Scenario.model_validate({
        "scenario": "s",
        "data": {name: {"rows": [{"n": n} for n in range(50)], "order": "random"}
                 for name in ("one", "two")},
        "flow": [{"step": "ask", "request": "GET shop /{{ one.n }}/{{ two.n }}"}],
        "profiles": {"load": {"users": 1, "iterations": 1}},
    })  # fmt: skip
    tables = {
        name: Table(("n",), source.rows or ()) for name, source in scenario.data.items()
    }  # fmt: skip
    data = data_rows(
        scenario, ENVIRONMENT, tables, Profile(users=1, iterations=200), Secrets()
    )  # fmt: skip
    pairs = [data.rows(number, 0) for number in range(1, 201)]
    assert sum(pair["one"] == pair["two"] for pair in pairs) < 20


def unique(part: LoadPart, earlier: Sequence[int], iterations: int, **keys: Any) -> list[int]:
    """Return the unique rows of a profile that is driven after earlier ones."""
    scenario = Scenario.model_validate({
        "scenario": "s",
        "data": {"ids": {"rows": [{"id": n} for n in range(100)], "order": "unique", **keys}},
        "flow": [{"step": "ask", "request": "GET shop /{{ ids.id }}"}],
        "profiles": {"load": {"users": 1, "iterations": 1}},
    })  # fmt: skip
    tables = {"ids": Table(("id",), scenario.data["ids"].rows or ())}
    data = data_rows(
        scenario, ENVIRONMENT, tables, Profile(users=1, iterations=9), Secrets(), part, earlier
    )
    return [data.rows(number, 0)["ids"]["id"] for number in range(1, iterations + 1)]


@pytest.mark.parametrize("contention", [1, 3])
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_no_unique_row_is_used_by_two_profiles_of_a_run(parts: int, contention: int) -> None:
    used_before: set[int] = set()
    profiles = [1, 7, 10]
    for number, total in enumerate(profiles):
        rows: set[int] = set()
        for index in range(parts):
            part = LoadPart(index, parts)
            rows |= set(
                unique(part, profiles[:number], part.of_number(total), contention=contention)
            )
        assert not rows & used_before
        used_before |= rows
    if contention == 1:
        assert used_before == set(range(18))


def test_rows_of_users_and_cyclic_rows_begin_again_in_each_profile() -> None:
    assert unique(LoadPart(), [5], 1, per="user") == [0]
    assert unique(LoadPart(), [5], 2, order="cyclic") == [0, 1]


def test_the_iterations_before_a_profile_are_known_unless_one_lasts_for_a_time() -> None:
    profiles = {
        "once": Profile(users=1, iterations=1), "arriving": ARRIVING, "lasting": LASTING,
        "many": Profile(users=2, iterations=50),
    }  # fmt: skip
    assert iterations_before(profiles, "once") == ()
    assert iterations_before(profiles, "many") == (1, 45, None)
