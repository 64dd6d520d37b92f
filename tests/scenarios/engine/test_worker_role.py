import hashlib
import io
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.scenarios.engine.engine_doubles import FakeRunner, options_of
from tests.scenarios.engine.locust_child import in_locust_child, write_task
from tests.scenarios.sockets import answering, http, serving


def worker(
    folder: str, url: str = "http://127.0.0.1:9", sent: dict[str, bytes] | None = None,
    **changes: Any,
) -> tuple[Any, FakeRunner]:  # fmt: skip
    """Make a worker that has received an assignment, and before it the files that were sent."""
    from locust.env import Environment

    from scenarios.engine.file_transfer import chunks_of, digests_of
    from scenarios.engine.load_task import digest_of
    from scenarios.engine.worker_role import WorkerRole

    files = write_task(Path(folder), "load: {users: 1, iterations: 4}", url)
    texts = {
        "scenario": Path(files["scenario"]).read_text(encoding="utf-8"),
        "environment_sha256": digest_of(Path(files["environment"])),
    }
    assignment = {
        "profile": "load", "run_id": "run-1", "tenant": "t", "users": 1, "iterations": 0,
        "rate_per_s": 0.0, "duration_s": 0.0,
        "generator": "load-w1", "index": 0, "of": 1, "earlier": [], "files": digests_of(sent or {}),
        "variables": {}, **texts, **changes,
    }  # fmt: skip
    runner = FakeRunner()
    role = WorkerRole(Environment(), runner, options_of(files, evidence=folder))  # type: ignore[arg-type]
    for chunk in chunks_of(sent or {}):
        runner.deliver("file_chunk", chunk)
    runner.deliver("assignment", assignment)
    return role, runner


def accept(folder: str, changes: dict[str, Any]) -> dict[str, str]:
    role, runner = worker(folder, **changes)
    (reply,) = runner.named("assignment_reply")
    role._remove_unused()
    return {**reply, "left": str(list(Path(folder).glob("workers/*")))}


def test_an_assignment_that_can_be_done_is_accepted(tmp_path: Path) -> None:
    assert in_locust_child(accept, tmp_path, {})["problem"] == ""


def test_an_assignment_with_a_mistake_is_answered_with_the_problem(tmp_path: Path) -> None:
    problem = in_locust_child(accept, tmp_path, {"profile": "laod"})["problem"]
    assert problem.startswith("worker-1: ")
    assert "no profile is named 'laod'; did you mean load?" in problem


def test_an_assignment_that_is_not_driven_leaves_no_folder(tmp_path: Path) -> None:
    assert in_locust_child(accept, tmp_path, {})["left"] == "[]"


@pytest.mark.parametrize(
    "changes",
    [
        {"generator": "../../other"}, {"generator": "/tmp/other"}, {"generator": ".hidden"},
        {"generator": ["load-w1"]}, {"users": "1"}, {"users": -1}, {"scenario": 7}, {"of": 0},
        {"environment": "services: {}"}, {"run_id": "x" * 501},
    ],
    ids=str,
)  # fmt: skip
def test_an_assignment_of_another_form_is_a_problem_and_nothing_is_written(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    answer = in_locust_child(accept, tmp_path, changes)
    assert answer["problem"].startswith("worker-1: not understood (")
    assert answer["folder"] == ""


def test_a_master_with_another_environment_is_refused_whatever_variables_are_here(
    tmp_path: Path,
) -> None:
    digest = hashlib.sha256(b'services: {shop: {url: "http://evil/${SECRET}"}}').hexdigest()
    problem = in_locust_child(accept, tmp_path, {"environment_sha256": digest})["problem"]
    assert "differs from the environment of the master; copy its file here" in problem
    assert "environment.yaml" in problem


def test_a_scenario_of_the_master_is_sent_no_variable_of_the_worker(tmp_path: Path) -> None:
    scenario = "scenario: s\nflow: [{step: ask, request: 'GET shop /?q=${HOME}'}]\n"
    scenario += "profiles: {load: {users: 1, iterations: 4}}\n"
    assert "HOME" in os.environ
    problem = in_locust_child(accept, tmp_path, {"scenario": scenario})["problem"]
    assert "the environment variable HOME is not set" in problem
    of_master = {"variables": {"HOME": "of-the-master"}}
    with serving(answering(http("200 OK", b"{}"))) as server:
        got = in_locust_child(drive, tmp_path, server.url, False, scenario, {}, of_master)
        heads = [received.decode() for received in server.received]
    assert got["exchanges"] == 4
    assert all(head.startswith("GET /?q=of-the-master HTTP/1.1") for head in heads)


FILED = """\
scenario: s
flow: [{step: ask, request: POST shop /, file: a.bin}]
profiles: {load: {users: 1, iterations: 4}}
"""


def test_a_worker_takes_the_files_of_a_scenario_from_the_master(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_text("of the worker")
    with serving(answering(http("200 OK", b"{}"))) as server:
        got = in_locust_child(drive, tmp_path, server.url, False, FILED, {"a.bin": "of the master"})
        bodies = {received.partition(b"\r\n\r\n")[2] for received in server.received}
    assert got["exchanges"] == 4
    assert bodies == {b"of the master"}


def test_a_worker_reads_no_file_that_the_master_did_not_send(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_text("of the worker")
    problem = in_locust_child(accept, tmp_path, {"scenario": FILED})["problem"]
    assert "'a.bin' did not come along" in problem


def begin_unassigned(folder: str) -> list[Any]:
    from locust.env import Environment

    from scenarios.engine.worker_role import WorkerRole

    files, runner = write_task(Path(folder), "load: {users: 1, iterations: 4}"), FakeRunner()
    role = WorkerRole(Environment(), runner, options_of(files))  # type: ignore[arg-type]
    role.begin()
    role.end()
    return [role.load_runner is None, runner.calls]


def test_a_worker_without_an_assignment_leaves(tmp_path: Path) -> None:
    assert in_locust_child(begin_unassigned, tmp_path) == [True, ["quit"]]


def drive(
    folder: str,
    url: str,
    stops: bool,
    scenario: str = "",
    files: dict[str, str] | None = None,
    part: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Drive the assignment, confirm every batch, and return what the master got."""
    from scenarios.engine.load_runner import UserLoop
    from scenarios.evidence.recording_reader import read_recording
    from scenarios.evidence.transfer import BatchWriter

    changes: dict[str, Any] = {**({"scenario": scenario} if scenario else {}), **(part or {})}
    contents = {name: text.encode() for name, text in (files or {}).items()}
    role, runner = worker(folder, url, contents, **changes)
    role.begin()
    if stops:
        runner.deliver("stop_load", {"reason": "aborted", "message": "too many failures"})
    UserLoop(role.load_runner).run()
    role.load_runner.close()
    role._sender.send_last()
    writer = BatchWriter(Path(folder) / "load-w1.jsonl", 100)
    for batch in runner.named("batch"):
        writer.write(batch)
        runner.deliver("confirmation", {"batch": batch["batch"]})
    role.end()
    recording = read_recording(writer.path)
    assert recording
    assert recording.end
    return {
        "exchanges": len(recording.exchanges),
        "stop_reason": recording.end.stop_reason,
        "spool": any(Path(folder).glob("workers/*")),
    }


def test_a_worker_sends_its_whole_recording_and_removes_its_own(tmp_path: Path) -> None:
    with serving(answering(http("200 OK", b"{}"))) as server:
        got = in_locust_child(drive, tmp_path, server.url, False)
    assert got == {"exchanges": 4, "stop_reason": None, "spool": False}


def test_the_master_stops_the_load_with_a_reason(tmp_path: Path) -> None:
    got = in_locust_child(drive, tmp_path, "http://127.0.0.1:9", True)
    assert got == {"exchanges": 0, "stop_reason": "aborted", "spool": False}


def report_abort(folder: str) -> list[Any]:
    from scenarios.evidence.recording import Stop, StopReason

    role, runner = worker(folder)
    role.begin()
    role.load_runner.abort(Stop(StopReason.CANNOT_RECORD, "full"))
    role.load_runner.close()
    shutil.rmtree(role.load_runner.load.assignment.exchanges)
    return [runner.named("abort"), role.load_runner.load.stopped.reason]


def test_a_worker_reports_an_abort_to_the_master_and_stops(tmp_path: Path) -> None:
    assert in_locust_child(report_abort, tmp_path) == [
        [{"reason": "cannot record", "message": "full"}],
        "cannot record",
    ]


def end_in_mid_load(folder: str) -> list[Any]:
    """End a load whose last batch is confirmed at once; return what gevent reports afterwards."""
    import gevent

    from scenarios.engine.recording_sender import SEND_INTERVAL_S

    role, runner = worker(folder)

    class Confirming(FakeRunner):
        def send_message(self, name: str, data: Any = None, client_id: str | None = None) -> None:
            super().send_message(name, data, client_id)
            if name == "batch":
                number = {"batch": data["batch"]}
                self.handlers["confirmation"](
                    environment=None, msg=SimpleNamespace(type="confirmation", data=number)
                )

    gevent.get_hub().exception_stream = errors = io.StringIO()
    role._runner = Confirming(handlers=runner.handlers)
    role.begin()
    gevent.sleep(0)  # the greenlet that sends the recording has begun to wait
    role.end()
    gevent.sleep(3 * SEND_INTERVAL_S)
    is_kept = any(Path(folder).glob("workers/*"))
    return [len(role._runner.named("batch")), errors.getvalue(), is_kept]


def test_after_its_end_a_worker_reads_no_recording_that_it_has_removed(tmp_path: Path) -> None:
    assert in_locust_child(end_in_mid_load, tmp_path) == [1, "", False]


ROWS = """\
scenario: s
data: {ids: {file: rows/ids.csv}}
flow: [{step: ask, request: 'GET shop /{{ ids.id }}'}]
profiles: {load: {users: 1, iterations: 4}}
"""


def test_a_worker_uses_its_own_part_of_the_rows_that_the_master_sent(tmp_path: Path) -> None:
    files, part = {"rows/ids.csv": "id\na\nb\nc\nd\n"}, {"index": 1, "of": 2}
    with serving(answering(http("200 OK", b"{}"))) as server:
        got = in_locust_child(drive, tmp_path, server.url, False, ROWS, files, part)
        paths = [received.decode().split()[1] for received in server.received if received]
    assert got["exchanges"] == 2
    assert paths == ["/b", "/d"]


@pytest.mark.parametrize("digests", [{"rows/ids.csv": "0"}, {}], ids=["another", "none"])
def test_a_worker_refuses_an_assignment_whose_data_file_did_not_come(
    tmp_path: Path, digests: dict[str, str]
) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "ids.csv").write_text("id\nof the worker\n")
    changes = {"scenario": ROWS, "files": digests}
    problem = in_locust_child(accept, tmp_path, changes)["problem"]
    assert "'rows/ids.csv' did not " in problem
