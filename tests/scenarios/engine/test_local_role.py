from pathlib import Path
from typing import Any

from scenarios.evidence.recording_reader import read_recording
from tests.scenarios.engine.engine_doubles import options_of
from tests.scenarios.engine.locust_child import in_locust_child, write_task
from tests.scenarios.sockets import answering, http, serving


def drive(folder: str, url: str) -> dict[str, Any]:
    """Drive a load as plain Locust does, from its start event to its stop event."""
    from locust.env import Environment

    from scenarios.engine import load_task
    from scenarios.engine.load_runner import UserLoop
    from scenarios.engine.local_role import LocalRole

    load_task.RUNS = Path(folder) / "runs"
    options = options_of(write_task(Path(folder), "load: {users: 1, iterations: 3}", url))
    environment = Environment()
    runner = environment.create_local_runner()
    role = LocalRole(environment, options)
    before = role.load_runner is None
    role.begin()
    assert role.load_runner
    UserLoop(role.load_runner).run()
    role.end()
    role.end()  # Locust may stop twice
    (path,) = load_task.RUNS.glob("2*/evidence/exchanges/locust.jsonl")
    recording = read_recording(path)
    assert recording
    assert recording.end
    return {
        "before": before, "exchanges": len(recording.exchanges), "started": recording.end.started,
        "shown": runner.stats.total.num_requests,
    }  # fmt: skip


def test_a_load_of_plain_locust_is_recorded_and_shown(tmp_path: Path) -> None:
    with serving(answering(http("200 OK", b"{}"))) as server:
        done = in_locust_child(drive, tmp_path, server.url)
    assert done == {"before": True, "exchanges": 3, "started": 3, "shown": 3}


def begin_with_wrong_options(folder: str) -> list[bool]:
    from locust.env import Environment

    from scenarios.engine import load_task
    from scenarios.engine.local_role import LocalRole

    load_task.RUNS = Path(folder) / "runs"
    options = options_of(write_task(Path(folder), "load: {users: 1, iterations: 3}"))
    role = LocalRole(Environment(), options)
    options.profile = "laod"
    role.begin()
    role.end()
    return [role.load_runner is None, load_task.RUNS.exists()]


def test_options_that_became_wrong_in_the_web_page_start_no_load(tmp_path: Path) -> None:
    assert in_locust_child(begin_with_wrong_options, tmp_path) == [True, False]
