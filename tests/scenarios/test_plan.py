"""What is refused before anything is sent?"""

from pathlib import Path
from typing import Any

import pytest

from config.environment import Environment, LoadLimits, Service
from config.errors import ConfigError
from scenarios.load import Workers
from scenarios.model import Profile, Scenario
from scenarios.plan import Asked, Local, misfits, read_plan, with_load
from tests.scenarios.shop import ENVIRONMENT, GOOD, good_scenario

FILE = Path("environment.yaml")
LOCAL = Local(faults=("slow",), variables=())


def limited(allowed: bool, max_users: int = 5) -> Environment:
    return ENVIRONMENT.model_copy(update={"load": LoadLimits(allowed=allowed, max_users=max_users)})


def profile_of(folder: Path, **profile: Any) -> Scenario:
    profiles = {"many": Profile.model_validate(profile)}
    return good_scenario(folder).model_copy(update={"profiles": profiles})


def told_of(folder: Path, profile: str, **asked: Any) -> str:
    """Plan a load on an environment that stands it; return why it is refused."""
    environment, path = folder / "here.yaml", folder / "s.yaml"
    environment.write_text(
        "environment: here\nservices: {shop: {url: 'http://shop.example'}}\n"
        "load: {allowed: true, max_users: 1000, max_rate: 100/s}\n"
    )
    path.write_text(GOOD.replace("  once: {users: 1, iterations: 1}", f"  many: {profile}"))
    with pytest.raises(ConfigError) as error:
        read_plan(Asked(str(environment), str(path), ("many",), folder, "", "", **asked), LOCAL)
    return str(error.value)


def for_users(folder: Path, users: int) -> Scenario:
    profile = Profile(users=users, iterations=1)
    return good_scenario(folder).model_copy(update={"profiles": {"many": profile}})


def refused(scenario: Scenario, environment: Environment) -> list[str]:
    return [str(each) for each in misfits(scenario, environment, FILE, scenario.profiles)]


def test_a_load_is_refused_where_none_is_allowed(tmp_path: Path) -> None:
    assert refused(for_users(tmp_path, 2), limited(False)) == [
        "environment.yaml: the profile 'many' is a load, and test allows none; e2e is one iteration"
    ]


def test_a_load_is_refused_beyond_the_users_allowed(tmp_path: Path) -> None:
    assert refused(for_users(tmp_path, 6), limited(True)) == [
        "environment.yaml: the profile 'many' asks for 6 users, and test allows 5"
    ]


def test_one_user_is_no_load_and_as_many_as_allowed_may_come(tmp_path: Path) -> None:
    assert refused(for_users(tmp_path, 1), limited(False)) == []
    assert refused(for_users(tmp_path, 5), limited(True)) == []


def test_a_step_needs_a_service_of_the_environment(tmp_path: Path) -> None:
    other = ENVIRONMENT.model_copy(update={"services": {"till": Service(url="http://till")}})
    assert refused(for_users(tmp_path, 1), other) == [
        "environment.yaml: there is no address for shop; add it to services"
    ]


def test_what_is_wrong_with_environment_scenario_and_fault_is_told_at_once(tmp_path: Path) -> None:
    environment = tmp_path / "here.yaml"
    environment.write_text("environment: here\nservices: {till: {url: nowhere}}\n")
    asked = Asked(str(environment), "usage_tracking", ("weekly",), tmp_path, "slow", "run.py e2e")
    with pytest.raises(ConfigError) as error:
        read_plan(asked, LOCAL)
    told = str(error.value)
    assert "it has no profile 'weekly'; known here: e2e, benchmark, soak" in told
    assert "faults are seeded into the local stack only" in told
    assert "here.yaml:2: services.till.url: 'nowhere' is not an address" in told


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        (
            {"rate": "21/s", "duration": "1s", "max_users": 5},
            "asks for 21 iterations a second, and test allows 20",
        ),
        (
            {"rate": "from 0/s to 21/s over 1s", "max_users": 5},
            "asks for 21 iterations a second, and test allows 20",
        ),
        ({"rate": "20/s", "duration": "1s"}, "asks for 100 users, and test allows 5"),
        (
            {"rate": "20/s", "duration": "1m", "max_users": 5},
            "asks for 1,200 iterations, and test allows 1,000",
        ),
        ({"users": 2, "iterations": 1_001}, "asks for 1,001 iterations, and test allows 1,000"),
    ],
)
def test_no_profile_goes_beyond_what_the_environment_stands(
    tmp_path: Path, profile: dict[str, Any], told: str
) -> None:
    limits = LoadLimits.model_validate(
        {"allowed": True, "max_users": 5, "max_iterations": 1_000, "max_rate": "20/s"}
    )
    environment = ENVIRONMENT.model_copy(update={"load": limits})
    assert refused(profile_of(tmp_path, **profile), environment) == [
        f"environment.yaml: the profile 'many' {told}"
    ]


@pytest.mark.parametrize(
    "profile", [{"rate": "1/s", "duration": "1s"}, {"users": 1, "duration": "1s"}]
)
def test_a_rate_and_a_duration_are_loads_however_small(
    tmp_path: Path, profile: dict[str, Any]
) -> None:
    assert refused(profile_of(tmp_path, **profile), limited(False)) == [
        "environment.yaml: the profile 'many' is a load, and test allows none; e2e is one iteration"
    ]


@pytest.mark.parametrize(
    ("asked", "options"),
    [
        ({"users": 5}, "--users"),
        ({"iterations": 5}, "--iterations"),
        ({"users": 5, "iterations": 5}, "--users and --iterations"),
    ],
)
def test_an_open_model_has_no_room_for_users_and_iterations(
    tmp_path: Path, asked: dict[str, int], options: str
) -> None:
    assert told_of(tmp_path, "{rate: 5/s, duration: 1s}", **asked) == (
        f"many is an open model: its rate says what is sent; leave out {options}"
    )


@pytest.mark.parametrize(
    ("workers", "told"),
    [
        (
            Workers(elsewhere=1),
            "workers of other machines need to know where to come; add --bind HOST:PORT, "
            "an address of this machine",
        ),
        (Workers(here=1, bind="5557"), "--bind 5557 is not HOST:PORT"),
        (Workers(here=2, elsewhere=2, bind="[::1]:1"), "many has 3 users, too few for 4 workers"),
    ],
)
def test_workers_need_a_place_to_come_to_and_users_to_be(
    tmp_path: Path, workers: Workers, told: str
) -> None:
    assert told_of(tmp_path, "{users: 3, iterations: 9}", workers=workers) == told


def test_iterations_go_before_a_duration() -> None:
    profile = Profile.model_validate({"users": 2, "duration": "5s"})
    changed = with_load(profile, users=None, iterations=7)
    assert (changed.users, changed.iterations, changed.duration) == (2, 7, None)
