"""What is refused before anything is sent?"""

from pathlib import Path

import pytest

from config.environment import Environment, LoadLimits, Service
from config.errors import ConfigError
from scenarios.model import Profile, Scenario
from scenarios.plan import Asked, Local, misfits, read_plan
from tests.scenarios.shop import ENVIRONMENT, good_scenario

FILE = Path("environment.yaml")
LOCAL = Local(faults=("slow",), variables=())


def limited(allowed: bool, max_users: int = 5) -> Environment:
    return ENVIRONMENT.model_copy(update={"load": LoadLimits(allowed=allowed, max_users=max_users)})


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
    asked = Asked(str(environment), "usage_tracking", ("soak",), tmp_path, "slow", "run.py e2e")
    with pytest.raises(ConfigError) as error:
        read_plan(asked, LOCAL)
    told = str(error.value)
    assert "it has no profile 'soak'; known here: e2e, benchmark" in told
    assert "faults are seeded into the local stack only" in told
    assert "here.yaml:2: services.till.url: 'nowhere' is not an address" in told
