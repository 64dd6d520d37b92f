"""A profile of one user, driven against a server: its summary and whether it succeeded."""

from dataclasses import replace
from pathlib import Path

import pytest

from config.environment import Environment
from config.errors import ConfigError
from config.services import Service
from scenarios.driver.driver import DriverContext, ready_driver
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording_reader import read_recordings
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.profiles import Profile
from tests.scenarios.shop_scenario import good_scenario
from tests.scenarios.sockets import answering, free_url, http, serving

FILE = Path("environment.yaml")
CREATED = http("201 Created", b'{"state": "done", "id": 7}')
FOUND = http("200 OK", b"{}")
FAILED = http("500 Internal Server Error")


def context_of(folder: Path, url: str, iterations: int = 1) -> DriverContext:
    scenario = good_scenario(folder)
    profiles = {"once": Profile(users=1, iterations=iterations)}
    run_folder = RunFolder(folder / "run")
    run_folder.exchanges.mkdir(parents=True)
    return DriverContext(
        scenario=scenario.model_copy(update={"profiles": profiles}),
        environment=Environment(environment="test", services={"shop": Service(url=url)}),
        scenario_path=folder / "scenario.yaml",
        environment_path=FILE,
        folder=run_folder,
        run_id="run-1",
        tenant="t",
        variables={},
    )


def drive(folder: Path, *responses: bytes, iterations: int = 1) -> tuple[str, bool]:
    """Drive against a server that sends these responses; return summary and success."""
    with serving(answering(*responses)) as server:
        context = context_of(folder, server.url, iterations)
        with ready_driver(context, context.scenario.profiles) as driver:
            assert driver.drive("once", lambda *_: None) == ""
            return driver.summary("once"), driver.went_well("once")


def test_a_profile_of_one_user_is_driven_in_this_process(tmp_path: Path) -> None:
    assert drive(tmp_path, CREATED, FOUND) == ("2 requests", True)
    (recording,) = read_recordings(tmp_path / "run" / "evidence" / "exchanges", "once")
    assert [exchange.outcome for exchange in recording.exchanges] == [Outcome.OK, Outcome.OK]
    assert recording.end is not None
    assert (recording.end.started, recording.end.dropped) == (1, 0)


def test_unexpected_responses_are_counted_in_the_summary(tmp_path: Path) -> None:
    assert drive(tmp_path, FAILED) == ("1 requests, 1 not as expected", False)


def test_one_ok_iteration_is_a_success(tmp_path: Path) -> None:
    assert drive(tmp_path, FAILED, CREATED, FOUND, iterations=2) == (
        "3 requests, 1 not as expected",
        True,
    )


def test_ok_steps_of_different_iterations_are_no_success(tmp_path: Path) -> None:
    summary, well = drive(tmp_path, CREATED, FAILED, CREATED, FAILED, iterations=2)
    assert summary == "4 requests, 2 not as expected"
    assert not well


@pytest.mark.parametrize("header", ["{{ tenant", "{{ tenant | nosuch }}", "{{ token }}"])
def test_a_header_of_the_environment_without_a_value_is_a_config_error(
    tmp_path: Path, header: str
) -> None:
    path = tmp_path / "environment.yaml"
    path.write_text("environment: test\nheaders:\n  X-Token: …\n")
    context = replace(context_of(tmp_path, free_url()), environment_path=path)
    environment = context.environment.model_copy(update={"headers": {"X-Token": header}})
    with (
        pytest.raises(ConfigError, match=r"environment\.yaml:3: .*X-Token"),
        ready_driver(replace(context, environment=environment), context.scenario.profiles),
    ):
        pass


def test_a_profile_that_was_not_driven_is_no_success(tmp_path: Path) -> None:
    context = context_of(tmp_path, free_url())
    with ready_driver(context, context.scenario.profiles) as driver:
        assert not driver.went_well("once")
        assert driver.summary("once") == "0 requests"
