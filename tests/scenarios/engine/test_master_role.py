from pathlib import Path
from typing import Any

from tests.scenarios.engine.batches import EMPTY_BATCH
from tests.scenarios.engine.engine_doubles import FakeRunner, options_of
from tests.scenarios.engine.locust_child import in_locust_child, write_task

REPLY = {"problem": "", "folder": "worker-a"}


def started(folder: str) -> tuple[Any, FakeRunner]:
    """Start a load on one worker, `a`, which accepts its part."""
    import gevent

    from scenarios.engine import load_task, master_role

    load_task.RUNS = Path(folder) / "runs"
    master_role._LAST_BATCHES_S = 0.05
    runner = FakeRunner()
    runner.connect("a")
    options = options_of(write_task(Path(folder), "load: {users: 2, iterations: 6}"))
    role = master_role.MasterRole(runner, options)  # type: ignore[arg-type]
    gevent.spawn_later(0.05, runner.deliver, "assignment_reply", REPLY, "a")
    role.begin()
    return role, runner


def assignments(folder: str) -> list[Any]:
    role, runner = started(folder)
    keys = ("profile", "generator", "index", "of")
    sent = [{key: data[key] for key in keys} for data in runner.named("assignment")]
    texts = ["scenario: s" in data["scenario"] for data in runner.named("assignment")]
    return [sent, texts, role.load_runner is None]


def test_the_master_assigns_the_load_with_its_files_and_drives_nothing(tmp_path: Path) -> None:
    sent, texts, is_idle = in_locust_child(assignments, tmp_path)
    assert sent == [{"profile": "load", "generator": "locust-w1", "index": 0, "of": 1}]
    assert texts == [True]
    assert is_idle


def abort(folder: str) -> list[Any]:
    _, runner = started(folder)
    runner.deliver("abort", {"reason": "aborted", "message": "too many failures"}, "a")
    return runner.named("stop_load")


def test_an_abort_of_one_worker_stops_all(tmp_path: Path) -> None:
    assert in_locust_child(abort, tmp_path) == [
        {"reason": "aborted", "message": "too many failures"}
    ]


def end(folder: str, is_done: bool) -> list[Any]:
    role, runner = started(folder)
    if is_done:
        runner.deliver("batch", {**EMPTY_BATCH, "ended": 6, "is_last": True}, "a")
    role.end()
    return runner.named("stop_load")


def test_the_end_stops_workers_that_are_still_running(tmp_path: Path) -> None:
    (stop,) = in_locust_child(end, tmp_path, False)
    assert stop["reason"] == "interrupted"


def test_the_end_of_a_load_that_is_over_stops_nobody(tmp_path: Path) -> None:
    assert in_locust_child(end, tmp_path, True) == []
