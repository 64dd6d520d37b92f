"""Is each profile driven as it asks, alone or by a load process, and refused where it must be?"""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from config.environment import Environment, Service
from config.errors import ConfigError
from scenarios.driver.driver import DriverContext, ready_driver
from scenarios.driver.flow import compile_flow
from scenarios.driver.load_process import LoadProcess
from scenarios.driver.single_user import drive_alone
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import read_recordings
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.model import Profile
from tests.scenarios.shop_scenario import good_scenario
from tests.scenarios.sockets import answering, free_url, http, serving

FILE = Path("environment.yaml")
CREATED = http("201 Created", b'{"state": "done", "id": 7}')
FOUND = http("200 OK", b"{}")
FAILED = http("500 Internal Server Error")


def place(folder: Path, url: str, iterations: int = 1) -> DriverContext:
    scenario = good_scenario(folder)
    profiles = {"once": Profile(users=1, iterations=iterations)}
    run_folder = RunFolder(folder / "run")
    run_folder.exchanges.mkdir(parents=True)
    return DriverContext(
        scenario=scenario.model_copy(update={"profiles": profiles}),
        environment=Environment(environment="test", services={"shop": Service(url=url)}),
        environment_path=FILE,
        folder=run_folder,
        run_id="run-1",
        tenant="t",
        variables={},
    )


def drive(folder: Path, *answers: bytes, iterations: int = 1) -> tuple[str, bool]:
    """Drive against a server; return the summary, and whether it went well."""
    with serving(answering(*answers)) as server:
        where = place(folder, server.url, iterations)
        with ready_driver(where, where.scenario.profiles) as driver:
            assert driver.drive("once", lambda *_: None) == ""
            return driver.summary("once"), driver.went_well("once")


def test_a_profile_of_one_user_is_driven_in_this_process(tmp_path: Path) -> None:
    assert drive(tmp_path, CREATED, FOUND) == ("2 requests", True)
    (recording,) = read_recordings(tmp_path / "run" / "evidence" / "exchanges", "once")
    assert [each.outcome for each in recording.exchanges] == [Outcome.OK, Outcome.OK]
    assert recording.end is not None
    assert (recording.end.started, recording.end.dropped) == (1, 0)


def test_what_was_not_as_expected_is_counted(tmp_path: Path) -> None:
    assert drive(tmp_path, FAILED) == ("1 requests, 1 not as expected", False)


def test_one_good_iteration_is_enough_to_go_well(tmp_path: Path) -> None:
    assert drive(tmp_path, FAILED, CREATED, FOUND, iterations=2) == (
        "3 requests, 1 not as expected",
        True,
    )


def test_halves_of_iterations_make_no_good_one(tmp_path: Path) -> None:
    summary, well = drive(tmp_path, CREATED, FAILED, CREATED, FAILED, iterations=2)
    assert summary == "4 requests, 2 not as expected"
    assert not well


@pytest.mark.parametrize("header", ["{{ tenant", "{{ tenant | nosuch }}", "{{ token }}"])
def test_a_header_of_the_environment_that_can_have_no_value_is_the_users_mistake(
    tmp_path: Path, header: str
) -> None:
    where = place(tmp_path, free_url())
    environment = where.environment.model_copy(update={"headers": {"X-Token": header}})
    with (
        pytest.raises(ConfigError, match="X-Token"),
        ready_driver(replace(where, environment=environment), where.scenario.profiles),
    ):
        pass


def test_nothing_driven_did_not_go_well(tmp_path: Path) -> None:
    where = place(tmp_path, free_url())
    with ready_driver(where, where.scenario.profiles) as driver:
        assert not driver.went_well("once")
        assert driver.summary("once") == "0 requests"


def test_what_could_not_be_begun_in_time_is_dropped(tmp_path: Path) -> None:
    environment = Environment(environment="test", services={"shop": Service(url=free_url())})
    flow = compile_flow(good_scenario(tmp_path), environment, "run-1", "t")
    profile = Profile.model_validate({"users": 1, "iterations": 10_000, "max_duration": "250ms"})
    drive_alone(flow, "once", profile, tmp_path, "01-once")
    (recording,) = read_recordings(tmp_path, "01-once")
    assert recording.end is not None
    assert recording.start.scheduled == 10_000
    assert recording.end.started + recording.end.dropped == 10_000
    assert recording.end.dropped > 0
    assert len(recording.exchanges) == recording.end.started > 0
    assert {each.outcome for each in recording.exchanges} == {Outcome.NOT_SENT}


def load(script: str) -> LoadProcess:
    """Start a child that behaves like the generator in what it says and waits for."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", f"import sys\n{script}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return LoadProcess(process, (), Path("load.log"))


def test_a_load_begins_at_a_word_and_tells_how_far_it_is() -> None:
    process = load(
        "print('noise')\n"
        "print('{\"ready\": true}', flush=True)\n"
        "sys.exit(9) if sys.stdin.read(1) != 'g' else None\n"
        'print(\'{"ended": 1, "scheduled": 3}\', flush=True)\n'
        'print(\'{"ended": 3, "scheduled": null}\', flush=True)\n'
    )
    told: list[tuple[int, int | None]] = []
    assert process.drive(lambda done, of: told.append((done, of))) == ""
    process.stop()
    assert told == [(1, 3), (3, None)]


def test_a_generator_that_fails_is_said_to_have_failed() -> None:
    process = load("sys.exit(2)")
    trouble = process.drive(lambda *_: None)
    process.stop()
    assert trouble == "the load generator ended with code 2; see load.log"


def test_a_generator_that_was_never_begun_ends_with_its_input(tmp_path: Path) -> None:
    process = load(
        "print('{}', flush=True)\n"
        f"open({str(tmp_path / 'left')!r}, 'w').write(repr(sys.stdin.read(1)))\n"
    )
    process.stop()
    assert (tmp_path / "left").read_text() == "''"
