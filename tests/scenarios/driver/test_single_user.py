from pathlib import Path

import pytest

from config.environment import Environment
from config.services import Service
from scenarios.driver.data import data_rows
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.single_user import drive_alone
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import StopReason
from scenarios.evidence.recording_reader import read_recordings
from scenarios.language.data_files import read_tables
from scenarios.language.profiles import Profile
from scenarios.language.reader import read_scenario
from tests.scenarios.shop_scenario import good_scenario
from tests.scenarios.sockets import free_url
from tests.tiny_server import Canned, serving

TEXT = """
scenario: shop
flow:
  - {step: look, request: GET shop /cards}
  - {step: order, request: GET shop /orders}
profiles: {few: {users: 1, iterations: 3}}
"""


@pytest.mark.parametrize(("status", "requests"), [(200, 6), (500, 3)])
def test_every_iteration_is_driven_and_recorded_up_to_its_first_failure(
    tmp_path: Path, status: int, requests: int
) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(TEXT)
    with serving({"/cards": Canned("{}", status), "/orders": Canned("{}")}) as server:
        environment = Environment(environment="test", services={"shop": Service(url=server.url)})
        flow = compile_flow(read_scenario(path), environment, "run-1", "tenant-1")
        drive_alone(flow, "few", Profile(users=1, iterations=3), tmp_path, "01-few")
    (recording,) = read_recordings(tmp_path, "01-few")
    assert len(recording.exchanges) == len(server.asked) == requests
    assert recording.end is not None
    assert (recording.end.started, recording.end.dropped) == (3, 0)
    assert int(recording.exchanges.ok.sum()) == (6 if status == 200 else 0)


def test_once_stopped_no_further_iteration_is_started_and_the_running_one_ends(
    tmp_path: Path,
) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(TEXT)
    with serving({"/cards": Canned("{}"), "/orders": Canned("{}")}) as server:
        environment = Environment(environment="test", services={"shop": Service(url=server.url)})
        flow = compile_flow(read_scenario(path), environment, "run-1", "tenant-1")
        profile = Profile(users=1, iterations=3)
        drive_alone(flow, "few", profile, tmp_path, "few", lambda: "/orders" in server.asked)
    (recording,) = read_recordings(tmp_path, "few")
    assert server.asked == ["/cards", "/orders"]
    assert recording.end is not None
    assert (recording.end.started, recording.end.dropped, recording.end.not_started) == (1, 0, 2)
    assert recording.end.stop_reason is StopReason.INTERRUPTED


def test_iterations_that_have_not_started_in_time_are_dropped(tmp_path: Path) -> None:
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
    assert {exchange.outcome for exchange in recording.exchanges} == {Outcome.NOT_SENT}


def test_a_load_ends_with_the_last_of_unique_rows_and_that_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text("""
scenario: shop
data: {ids: {rows: [{id: a}, {id: b}], order: unique}}
flow: [{step: look, request: "GET shop /{{ ids.id }}"}]
profiles: {few: {users: 1, iterations: 3}}
""")
    scenario = read_scenario(path)
    with serving({"/a": Canned("{}"), "/b": Canned("{}")}) as server:
        environment = Environment(environment="test", services={"shop": Service(url=server.url)})
        flow = compile_flow(scenario, environment, "run-1", "tenant-1")
        profile = Profile(users=1, iterations=3)
        tables = read_tables(scenario, path)
        rows = data_rows(scenario, environment, tables, profile, flow.secrets)
        drive_alone(flow, "few", profile, tmp_path, "few", data=rows)
    (recording,) = read_recordings(tmp_path, "few")
    assert server.asked == ["/a", "/b"]
    assert recording.end is not None
    assert (recording.end.started, recording.end.dropped, recording.end.not_started) == (2, 0, 1)
    assert recording.end.stop_reason is StopReason.DATA_USED_UP
    assert recording.end.stopped == "every row of ids has been used: 2, each once"


def test_a_load_of_one_user_aborts_itself_too(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(TEXT)
    with serving({"/cards": Canned("{}"), "/orders": Canned("{}")}) as server:
        environment = Environment(environment="test", services={"shop": Service(url=server.url)})
        flow = compile_flow(read_scenario(path), environment, "run-1", "tenant-1")
        abort_on = {"p50": "0.001ms", "over": "1ms"}
        profile = Profile.model_validate({"users": 1, "iterations": 500, "abort_on": abort_on})
        drive_alone(flow, "few", profile, tmp_path, "few")
    (recording,) = read_recordings(tmp_path, "few")
    assert recording.end is not None
    assert recording.end.stop_reason is StopReason.TOO_SLOW
    assert recording.end.started + recording.end.not_started == 500
    assert recording.end.not_started > 0
