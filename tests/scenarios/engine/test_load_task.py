import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.errors import ConfigError
from scenarios.driver.arrivals import ClosedModel, LoadPart
from scenarios.engine.load_task import RUNS, LoadTask, read_task
from scenarios.evidence.run_folder import Run, RunFolder, create_run_folder
from tests.scenarios.engine.engine_doubles import options_of
from tests.scenarios.engine.locust_child import write_task

LOAD = "load: {users: 3, iterations: 8}"


def task(folder: Path, profiles: str = LOAD) -> LoadTask:
    return read_task(options_of(write_task(folder, profiles)))


def test_the_order_has_the_profile_of_the_scenario(tmp_path: Path) -> None:
    assignment = replace(task(tmp_path), users=3).make_assignment()
    assert assignment.arrivals == ClosedModel(8, 600.0)
    assert (assignment.profile, assignment.users, assignment.generator) == ("load", 3, "locust")
    assert assignment.flow.step_names == ("ask",)


def test_the_parts_of_all_workers_are_the_whole_load(tmp_path: Path) -> None:
    assignments = [
        replace(task(tmp_path), users=3).make_assignment(LoadPart(n, 3), is_shipped=True)
        for n in range(3)
    ]
    assert [assignment.scheduled for assignment in assignments] == [3, 3, 2]
    assert [assignment.users for assignment in assignments] == [1, 1, 1]
    assert all(assignment.is_shipped for assignment in assignments)


def test_users_and_iterations_of_the_options_replace_those_of_the_profile(tmp_path: Path) -> None:
    options = options_of(write_task(tmp_path, LOAD), num_users=7, iterations=21)
    assignment = read_task(options).make_assignment()
    assert (assignment.users, assignment.scheduled) == (7, 21)


def test_without_a_profile_the_load_runs_until_it_is_stopped(tmp_path: Path) -> None:
    assignment = read_task(options_of(write_task(tmp_path, LOAD), profile=None)).make_assignment()
    assert assignment.profile == "until stopped"
    assert (assignment.scheduled, assignment.arrivals.until_s) == (None, math.inf)


def test_an_unknown_profile_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        replace(task(tmp_path), profile="laod").make_assignment()
    assert str(error.value).endswith("no profile is named 'laod'; did you mean load?")


def test_a_load_beyond_what_the_environment_allows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="allows 100"):
        replace(task(tmp_path), users=101).make_assignment()


def test_a_run_folder_gives_the_run_id_the_tenant_and_the_place(tmp_path: Path) -> None:
    files = write_task(tmp_path, LOAD)
    folder = create_run_folder(
        tmp_path / "runs", "run-7", Path(files["scenario"]), Path(files["environment"])
    )
    folder.write_run(
        Run(
            run_id="run-7", environment="test", scenario="s", scenario_sha256="0", tenant="acme",
            exclusive=True, services={}, headers={}, started_at=datetime.now(UTC), repeat="",
            versions={},
        )
    )  # fmt: skip
    made = read_task(options_of(files, evidence=str(folder.path), stem="load"))
    assert (made.run_id, made.tenant, made.stem) == ("run-7", "acme", "load")
    assert made.exchanges == folder.exchanges


def test_plain_locust_records_into_a_folder_of_its_own(tmp_path: Path) -> None:
    first, second = task(tmp_path), task(tmp_path)
    assert first.exchanges == RunFolder(RUNS / first.run_id).exchanges
    assert first.exchanges != second.exchanges
    assert first.tenant != second.tenant


def test_the_iterations_of_earlier_profiles_are_read_from_the_options(tmp_path: Path) -> None:
    files = write_task(tmp_path, LOAD)
    assert read_task(options_of(files, earlier="1,25")).earlier == (1, 25)
    assert read_task(options_of(files)).earlier == ()


def test_a_rate_and_a_duration_of_the_options_replace_the_load_of_the_profile(
    tmp_path: Path,
) -> None:
    options = options_of(write_task(tmp_path, LOAD), num_users=7, rate=4.0, duration=2.0)
    assignment = read_task(options).make_assignment()
    assert (assignment.scheduled, assignment.users) == (8, 7)
