import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenarios.evidence.exchanges import ROW
from scenarios.evidence.recording import Recorder
from scenarios.evidence.recording_reader import read_recording
from scenarios.evidence.transfer import BatchQueue
from tests.scenarios.engine.batches import EMPTY_BATCH
from tests.scenarios.engine.engine_doubles import FakeRunner
from tests.scenarios.engine.locust_child import in_locust_child


def reply(folder: str = "", problem: str = "") -> dict[str, str]:
    return {"problem": problem, "folder": folder}


def registry_in(folder: str) -> tuple[Any, FakeRunner]:
    """Make a registry with two workers, a and b."""
    from scenarios.engine.worker_registry import WorkerRegistry

    runner = FakeRunner()
    runner.connect("a", "b")
    recordings = Path(folder) / "workers"
    registry = WorkerRegistry(runner, Path(folder), "load", recordings, 10)  # type: ignore[arg-type]
    return registry, runner


def assign(folder: str, problems: dict[str, str]) -> list[Any]:
    import gevent

    registry, runner = registry_in(folder)
    for client_id in ("a", "b"):
        answer = reply(problem=problems.get(client_id, ""))
        gevent.spawn_later(0.01, registry.take_reply, client_id, answer)
    reported = registry.assign({"profile": "load"}, {"c.csv": b"id"})
    parts = [(data, to) for name, data, to in runner.sent if name == "assignment"]
    chunks = [(data["name"], to) for name, data, to in runner.sent if name == "file_chunk"]
    return [reported, parts, chunks]


def test_each_worker_is_assigned_a_part_with_a_name_of_its_own(tmp_path: Path) -> None:
    reported, parts, chunks = in_locust_child(assign, tmp_path, {})
    assert reported == []
    task = {"profile": "load", "files": {"c.csv": hashlib.sha256(b"id").hexdigest()}, "of": 2}
    assert parts == [
        [{**task, "generator": f"load-w{index + 1}", "index": index}, client]
        for index, client in enumerate("ab")
    ]
    assert chunks == [["c.csv", "a"], ["c.csv", "b"]]


def test_the_problems_of_workers_are_returned(tmp_path: Path) -> None:
    reported, *_ = in_locust_child(assign, tmp_path, {"b": "b: cannot record"})
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


def _accept(registry: Any, folder: str = "") -> None:
    """Assign parts that both workers accept at once; worker a names a folder."""
    import gevent

    for client_id in ("a", "b"):
        named = folder if client_id == "a" else ""
        gevent.spawn_later(0.01, registry.take_reply, client_id, reply(named))
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


def recover(folder: str, named: str, place: str = "workers/worker-a") -> list[Any]:
    """Recover worker a, which names a folder, and whose recording is at a place."""
    registry, _ = registry_in(folder)
    _accept(registry, folder=named)
    spool = Path(folder) / place
    spool.mkdir(parents=True)
    Recorder(spool / "load-w1.jsonl", "load-w1", "load", 1, 1, ("ask",)).close()
    found = registry.recover(registry.workers["a"])
    return [found, spool.exists(), (Path(folder) / "load-w1.jsonl").exists()]


def test_the_recording_of_a_lost_local_worker_is_moved_to_the_run(tmp_path: Path) -> None:
    assert in_locust_child(recover, tmp_path, "worker-a") == [True, False, True]


def test_the_recording_of_a_remote_worker_is_not_looked_for_here(tmp_path: Path) -> None:
    assert in_locust_child(recover, tmp_path, "worker-b") == [False, True, False]


@pytest.mark.parametrize(
    "named", ["../elsewhere", "/elsewhere", ".", "..", "worker-a/../../elsewhere"]
)
def test_a_worker_that_names_a_path_gets_nothing_there_copied_or_deleted(
    tmp_path: Path, named: str
) -> None:
    named = str(tmp_path / "elsewhere") if named == "/elsewhere" else named
    assert in_locust_child(recover, tmp_path, named, "elsewhere") == [False, True, False]


def refuse(folder: str, changes: dict[str, Any]) -> list[Any]:
    """Take one batch with changes from worker a; return what is refused, and what is confirmed."""
    registry, runner = registry_in(folder)
    _accept(registry)
    numbers = changes.pop("numbers_of", [])
    if numbers:
        changes["numbers"] = np.array(numbers, "<u4").tobytes()
        changes["rows"] = bytes(ROW.itemsize * len(numbers))
    if "rows_bytes" in changes:
        changes["rows"] = bytes(changes.pop("rows_bytes"))
    if "notes_bytes" in changes:
        changes["notes"] = bytes(changes.pop("notes_bytes"))
    registry.take_batch("a", {**EMPTY_BATCH, **changes})
    worker = registry.workers["a"]
    return [
        worker.refusal, runner.named("confirmation"), worker.name in
        [each.name for each in registry.lost()], worker.writer.path.with_suffix(".rows").exists(),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"numbers_of": [1, 3]}, "rows are missing after row 0"),
        ({"numbers_of": [2**32 - 1]}, "rows are missing after row 0"),
        ({"numbers_of": [2, 1]}, "not in order"),
        ({"numbers_of": [0]}, "not in order"),
        ({"numbers_of": list(range(1, 12))}, "more than the 10 exchanges"),
        ({"rows_bytes": 40}, "rows and numbers differ in length"),
        ({"notes_bytes": 200_001}, "notes"),
        ({"notes": "text"}, "notes"),
        ({"batch": "1"}, "batch"),
        ({"batch": True}, "batch"),
        ({"ended": -1}, "ended"),
        ({"path": "/etc/passwd"}, "path"),
    ],
)
def test_a_batch_that_no_recorder_writes_is_refused_and_its_worker_lost(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    refusal, confirmed, is_lost, is_written = in_locust_child(refuse, tmp_path, changes)
    assert words in refusal
    assert (confirmed, is_lost, is_written) == ([], True, False)


def test_a_batch_with_the_next_rows_is_taken(tmp_path: Path) -> None:
    refusal, confirmed, is_lost, _ = in_locust_child(refuse, tmp_path, {"numbers_of": [1, 2, 3]})
    assert (refusal, confirmed, is_lost) == ("", [{"batch": 1}], False)


def misunderstand(folder: str) -> list[Any]:
    import gevent

    registry, _ = registry_in(folder)
    gevent.spawn_later(0.01, registry.take_reply, "a", ["no", "reply"])
    gevent.spawn_later(0.01, registry.take_reply, "b", reply())
    return list(registry.assign({}))


def test_a_reply_of_another_form_is_a_problem(tmp_path: Path) -> None:
    (problem,) = in_locust_child(misunderstand, tmp_path)
    assert problem.startswith("a: its reply is not understood (")
