"""What is in no iteration: set-up, set-up of a user, teardown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scenarios.driver.data import data_rows
from scenarios.driver.driver import SETUP, TEARDOWN
from scenarios.driver.flow import Flow
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.setup import Outside, failed_set_up, outside, set_up, set_up_user, tear_down
from scenarios.evidence.exchange import Exchange, Outcome
from scenarios.evidence.recording import Recorder
from scenarios.evidence.recording_reader import read_recording
from scenarios.http.messages import Response
from scenarios.language.model import Scenario
from scenarios.language.tables import Table
from tests.scenarios.shop_scenario import ENVIRONMENT, FOUND, Script, answered

NO = answered(500, "application/json", b"{}")


def made(**content: Any) -> Response:
    return answered(200, "application/json", json.dumps(content).encode())


def post(step: str, path: str, **keys: Any) -> dict[str, Any]:
    return {"step": step, "request": f"POST shop {path}", **keys}


SCENARIO = {
    "scenario": "s",
    "setup": [
        post("make tenant", "/tenants", save={"tenant_key": "key"}),
        post("make token", "/tokens/{{ tenant_key }}", save={"token": "token"}),
    ],
    "user_setup": [post("log in", "/login/{{ tenant_key }}/{{ unique }}", save={"mine": "id"})],
    "flow": [post("use", "/use/{{ tenant_key }}/{{ mine }}")],
    "teardown": [
        post("remove token", "/remove/{{ token }}"),
        post("remove tenant", "/drop/{{ tenant_key }}"),
    ],
    "profiles": {"once": {"users": 1, "iterations": 1}},
}


def compiled() -> Flow:
    return compile_flow(Scenario.model_validate(SCENARIO), ENVIRONMENT, "run-1", "tenant-1")


def driven(
    folder: Path, flow: Flow, name: str, act: Callable[[Recorder], object]
) -> list[Exchange]:
    with outside(flow, folder, name) as (_, recorder):
        act(recorder)
    recording = read_recording(recorder.path)
    assert recording is not None
    return list(recording.exchanges)


def paths(script: Script) -> list[str]:
    return [request.target for request in script.requests]


def test_what_the_set_up_saved_is_known_to_users_and_to_the_teardown(tmp_path: Path) -> None:
    flow, script = compiled(), Script(made(key="k"), made(token="t"), made(id=7), FOUND, FOUND)
    exchanges = driven(tmp_path, flow, SETUP, lambda to: set_up(flow, script, to))
    assert {each.iteration for each in exchanges} == {0}
    driven(tmp_path, flow, "users", lambda to: set_up_user(flow, script, to, user=3))
    driven(tmp_path, flow, TEARDOWN, lambda to: tear_down(flow, script, to))
    assert paths(script) == [
        "/tenants", "/tokens/k", "/login/k/run-1-users-user-3", "/remove/t", "/drop/k",
    ]  # fmt: skip
    assert flow.shared == {"tenant_key": "k", "token": "t"}


def test_the_exchanges_of_set_up_and_teardown_are_in_no_iteration(tmp_path: Path) -> None:
    flow, script = compiled(), Script(made(key="k"), made(token="t"))
    driven(tmp_path, flow, SETUP, lambda to: set_up(flow, script, to))
    recording = read_recording(tmp_path / "setup.jsonl")
    assert recording is not None
    assert (len(recording.exchanges), len(recording.exchanges.iterations)) == (2, 0)


def test_the_teardown_undoes_what_a_failed_set_up_had_come_to(tmp_path: Path) -> None:
    flow, script = compiled(), Script(made(key="k"), NO, FOUND)
    exchanges = driven(tmp_path, flow, SETUP, lambda to: set_up(flow, script, to))
    assert [each.outcome for each in exchanges] == [Outcome.OK, Outcome.REJECTED]
    driven(tmp_path, flow, TEARDOWN, lambda to: tear_down(flow, script, to))
    assert paths(script) == ["/tenants", "/tokens/k", "/drop/k"]


def test_a_teardown_goes_on_after_a_block_that_failed(tmp_path: Path) -> None:
    flow, script = compiled(), Script(NO, FOUND)
    flow.share({"tenant_key": "k", "token": "t"})
    exchanges = driven(tmp_path, flow, TEARDOWN, lambda to: tear_down(flow, script, to))
    assert [each.outcome for each in exchanges] == [Outcome.REJECTED, Outcome.OK]


def test_a_user_is_set_up_with_its_own_row_and_not_with_that_of_an_iteration(
    tmp_path: Path,
) -> None:
    document = {
        **SCENARIO,
        "data": {
            "accounts": {"rows": [{"id": "a"}, {"id": "b"}, {"id": "c"}], "per": "user"},
            "orders": {"rows": [{"id": 1}]},
        },
        "user_setup": [post("log in", "/login/{{ accounts.id }}", save={"mine": "id"})],
    }
    scenario = Scenario.model_validate(document)
    flow = compile_flow(scenario, ENVIRONMENT, "run-1", "tenant-1")
    script, users = Script(made(id=7), made(id=8)), list[Outside]()
    tables = {name: Table(("id",), each.rows or []) for name, each in scenario.data.items()}
    profile = scenario.profiles["once"]
    data = data_rows(scenario, ENVIRONMENT, tables, profile, flow.secrets)
    driven(tmp_path, flow, "u", lambda to: users.extend(
        set_up_user(flow, script, to, user, data) for user in (1, 2)
    ))  # fmt: skip
    assert paths(script) == ["/login/b", "/login/c"]
    assert [each.variables for each in users] == [{"mine": 7}, {"mine": 8}]
    assert data.rows_of_user(1).keys() == {"accounts"}


def test_a_user_whose_set_up_failed_is_known_with_the_reason(tmp_path: Path) -> None:
    flow, script = compiled(), Script(NO)
    flow.share({"tenant_key": "k"})
    users: list[Outside] = []
    driven(tmp_path, flow, "u", lambda to: users.append(set_up_user(flow, script, to, user=0)))
    assert [user.is_ok for user in users] == [False]
    message = failed_set_up(tmp_path / "u.jsonl").message
    assert message == "aborted: the set-up of a user failed: log in: status 500, expected 200"


def test_a_request_of_another_user_that_is_in_flight_is_not_what_failed(tmp_path: Path) -> None:
    flow, script = compiled(), Script(NO)
    flow.share({"tenant_key": "k"})
    with outside(flow, tmp_path, "u") as (_, recorder):
        recorder.intend(0, 0, 0.0)
        set_up_user(flow, script, recorder, user=1)
        message = failed_set_up(recorder.path).message
    assert message.endswith("log in: status 500, expected 200")


def test_a_secret_that_the_set_up_saved_is_redacted_where_it_is_shared(tmp_path: Path) -> None:
    flow = compiled()
    flow.share({"token": "a-token-of-the-set-up"})
    assert "a-token-of-the-set-up" in flow.secrets.learned
