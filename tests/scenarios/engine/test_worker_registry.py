import platform
from pathlib import Path
from typing import Any

from scenarios.evidence.recording import Recorder, read_recording
from scenarios.evidence.transfer import BatchQueue
from tests.scenarios.engine.engine_doubles import FakeRunner
from tests.scenarios.engine.locust_child import in_locust_child


def reply(folder: str = "", problem: str = "", machine: str = "elsewhere") -> dict[str, str]:
    return {"problem": problem, "folder": folder, "machine": machine}


def registry_in(folder: str) -> tuple[Any, FakeRunner]:
    """Make a registry with two workers, a and b."""
    from scenarios.engine.worker_registry import WorkerRegistry

    runner = FakeRunner()
    runner.connect("a", "b")
    return WorkerRegistry(runner, Path(folder), "load"), runner  # type: ignore[arg-type]


def assign(folder: str, problems: dict[str, str]) -> list[Any]:
    import gevent

    registry, runner = registry_in(folder)
    for client_id in ("a", "b"):
        answer = reply(problem=problems.get(client_id, ""))
        gevent.spawn_later(0.01, registry.take_reply, client_id, answer)
    reported = registry.assign({"profile": "load"})
    parts = [(data, client_id) for _, data, client_id in runner.sent]
    return [reported, parts]


def test_each_worker_is_assigned_a_part_with_a_name_of_its_own(tmp_path: Path) -> None:
    reported, parts = in_locust_child(assign, tmp_path, {})
    assert reported == []
    assert parts == [
        [{"profile": "load", "generator": f"load-w{index + 1}", "index": index, "of": 2}, client]
        for index, client in enumerate("ab")
    ]


def test_the_problems_of_workers_are_returned(tmp_path: Path) -> None:
    reported, _ = in_locust_child(assign, tmp_path, {"b": "b: cannot record"})
    assert reported == ["b: cannot record"]


def collect(folder: str, last: bool) -> dict[str, Any]:
    """Take the batches of worker a while b is lost; return the state of the registry."""
    registry, runner = registry_in(folder)
    _accept(registry)
    recorder = Recorder(Path(folder) / "own.jsonl", "load-w1", "load", 1, 1, ("ask",))
    queue = BatchQueue(recorder)
    recorder.intend(1, 0, 0.0)
    fields = {"is_last": True} if last else {}
    for batch in queue.make_batches(**fields):
        registry.take_batch("a", {**batch, "ended": 5})
    registry.take_batch("stranger", {"batch": 1})
    lost_before = [worker.name for worker in registry.lost()]
    runner.clients.all.pop()
    recording = read_recording(Path(folder) / "load-w1.jsonl")
    return {
        "confirmations": [(data, to) for name, data, to in runner.sent if name == "confirmation"],
        "exchanges": len(recording.exchanges) if recording else None,
        "ended": registry.ended,
        "lost": [lost_before, [worker.name for worker in registry.lost()]],
        "is_over": registry.is_over(),
    }


def _accept(registry: Any) -> None:
    """Assign parts that both workers accept at once."""
    import gevent

    for client_id in ("a", "b"):
        gevent.spawn_later(0.01, registry.take_reply, client_id, reply())
    registry.assign({})


def test_batches_are_written_and_confirmed_to_their_worker(tmp_path: Path) -> None:
    state = in_locust_child(collect, tmp_path, True)
    assert state["confirmations"] == [[{"batch": 1}, "a"]]
    assert (state["exchanges"], state["ended"]) == (1, 5)


def test_a_load_is_over_when_every_worker_is_done_or_lost(tmp_path: Path) -> None:
    state = in_locust_child(collect, tmp_path, True)
    assert state["lost"] == [[], ["load-w2"]]
    assert state["is_over"] is True


def test_a_load_is_not_over_before_the_last_batch_of_a_connected_worker(tmp_path: Path) -> None:
    assert in_locust_child(collect, tmp_path, False)["is_over"] is False


def recover(folder: str, machine: str) -> list[Any]:
    registry, _ = registry_in(folder)
    _accept(registry)
    spool = Path(folder) / "spool"
    spool.mkdir()
    Recorder(spool / "load-w1.jsonl", "load-w1", "load", 1, 1, ("ask",)).close()
    registry.take_reply("a", reply(str(spool), machine=machine))
    found = registry.recover(registry.workers["a"])
    return [found, spool.exists(), (Path(folder) / "load-w1.jsonl").exists()]


def test_the_recording_of_a_lost_local_worker_is_moved_to_the_run(tmp_path: Path) -> None:
    assert in_locust_child(recover, tmp_path, platform.node()) == [True, False, True]


def test_the_recording_of_a_remote_worker_is_not_looked_for_here(tmp_path: Path) -> None:
    assert in_locust_child(recover, tmp_path, "elsewhere") == [False, True, False]
