from pathlib import Path

import pytest

from benchmarks.engine_recordings import (
    count_failed,
    drive,
    environment_text,
    locust_command,
    nearest_rank,
    pop_recording,
    recording_folder,
)
from benchmarks.engine_targets import nginx
from config.environment import read_environment
from tests.benchmarks.nginx_marker import needs_nginx

_ASK = """\
scenario: ask
description: One request.
quantities: {}
flow:
  - {step: ask, request: GET target /, expect: {status: 200}}
profiles:
  closed: {users: 2, duration: 60s}
checks: {success_rate: 100%}
"""


def test_one_target_stands_for_every_service_of_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "environment.yaml"
    path.write_text(environment_text("http://x", "one", "two"))
    environment = read_environment(path)
    assert {name: service.url for name, service in environment.services.items()} == {
        "one": "http://x",
        "two": "http://x",
    }
    assert environment.load.allowed


def test_the_locust_command_spawns_all_users_at_once() -> None:
    command = " ".join(locust_command(Path("s"), Path("e"), 3, "--run-time", "2s"))
    assert "--users 3 --spawn-rate 3" in command
    assert command.endswith("--scenario s --environment e --run-time 2s")


@pytest.mark.parametrize(("percentile", "value"), [(0, 1.0), (50, 2.0), (75, 3.0), (76, 4.0)])
def test_a_percentile_is_a_value_that_was_measured(percentile: float, value: float) -> None:
    assert nearest_rank([4.0, 1.0, 3.0, 2.0], percentile) == value


def test_a_percentile_of_no_values_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        nearest_rank([], 50)


def test_a_load_that_ended_before_recording_is_reported_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("no such scenario")
    with pytest.raises(SystemExit, match="the load did not start:\nno such scenario"):
        recording_folder(2**22 + 1, log)  # above the largest process id of Linux


def test_a_folder_without_a_recording_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(SystemExit, match="holds 0 recordings, not one"):
        pop_recording(folder)


@needs_nginx
@pytest.mark.long
def test_the_recording_has_as_many_exchanges_as_nginx_served(tmp_path: Path) -> None:
    with nginx(tmp_path) as target:
        before = target.served()
        recording = drive(_ASK, target.url, tmp_path, 2, "--run-time", "2s")
        served = target.served() - before
    sent = len(recording.exchanges)
    cut_off = sum(each.cut_off for each in recording.exchanges)
    assert count_failed(recording) == 0
    assert sent > 0
    assert sent - cut_off <= served <= sent
