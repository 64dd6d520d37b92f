from pathlib import Path
from typing import Any

import pytest

from scenarios.evidence.recording import Stop, StopReason
from scenarios.evidence.recording_reader import read_recording
from tests.scenarios.engine.engine_doubles import make_assignment
from tests.scenarios.engine.locust_child import in_locust_child
from tests.scenarios.sockets import answering, http, serving

ANSWER = answering(http("200 OK", b"{}"))


def run(folder: str, profile: str, url: str, users: int = 1) -> dict[str, Any]:
    """Run a load to its end in a child; return what it recorded."""
    import gevent

    from scenarios.engine.load_runner import LoadRunner, UserLoop

    runner = LoadRunner(make_assignment(Path(folder), profile, url))
    loops = [UserLoop(runner) for _ in range(users)]
    gevent.joinall([gevent.spawn(loop.run) for loop in loops], timeout=30, raise_error=True)
    runner.close()
    runner.close()  # closing twice is allowed
    for loop in loops:
        loop.close()
    return {**recorded(folder), "health_error": runner.load.recorder.health.error}


def recorded(folder: str) -> dict[str, Any]:
    recording = read_recording(Path(folder) / "load.jsonl")
    assert recording
    assert recording.end
    return {
        "exchanges": len(recording.exchanges),
        "ok": int(recording.exchanges.ok.sum()),
        "scheduled": recording.start.scheduled,
        "started": recording.end.started,
        "dropped": recording.end.dropped,
        "not_started": recording.end.not_started,
        "memory": recording.end.memory_bytes,
        "health": recording.health.tolist(),
        "stop_reason": recording.end.stop_reason,
    }


def test_a_closed_model_runs_its_iterations_and_records_them(tmp_path: Path) -> None:
    with serving(ANSWER) as server:
        done = in_locust_child(run, tmp_path, "{users: 1, iterations: 5}", server.url)
    assert len(server.received) == 5
    assert (done["exchanges"], done["ok"], done["started"], done["dropped"]) == (5, 5, 5, 0)
    assert done["memory"] > 0
    assert done["stop_reason"] is None


def test_an_open_model_starts_or_drops_every_arrival(tmp_path: Path) -> None:
    with serving(ANSWER) as server:
        done = in_locust_child(run, tmp_path, "{rate: 50/s, duration: 500ms}", server.url)
    assert done["scheduled"] == 25
    assert done["started"] + done["dropped"] == 25
    assert done["exchanges"] == done["started"] == len(server.received)


def test_a_load_records_its_health_to_its_end(tmp_path: Path) -> None:
    profile = "{rate: 50/s, duration: 2500ms}"
    with serving(ANSWER) as server:
        done = in_locust_child(run, tmp_path, profile, server.url)
    assert done["health_error"] == ""
    periods = done["health"]
    assert periods
    begins, ends, cpu_s, delays_s, in_flight = zip(*periods, strict=True)
    assert len(periods) >= 2 or max(delays_s) > 1  # one, if the process stood still meanwhile
    assert begins[1:] == ends[:-1]  # without a gap
    assert ends[-1] > 2.4
    assert 0 < sum(cpu_s) < ends[-1]
    assert min(delays_s) >= 0
    assert max(in_flight) <= 1


def run_rows(folder: str, profile: str, url: str, keys: str, users: int) -> dict[str, Any]:
    """Run the users of a load with three data rows to their end; return what was recorded."""
    import gevent

    from scenarios.engine.load_runner import LoadRunner, UserLoop

    runner = LoadRunner(make_assignment(
        Path(folder), profile, url, "/{{ rows.id }}",
        f"data: {{rows: {{rows: [{{id: a}}, {{id: b}}, {{id: c}}], {keys}}}}}\n",
    ))  # fmt: skip
    loops = [UserLoop(runner) for _ in range(users)]
    gevent.joinall([gevent.spawn(loop.run) for loop in loops])
    runner.close()
    return recorded(folder)


@pytest.mark.parametrize("profile", ["{users: 1, iterations: 9}", "{rate: 90/s, duration: 1s}"])
def test_a_load_of_either_model_ends_with_its_unique_rows(tmp_path: Path, profile: str) -> None:
    with serving(answering(http("200 OK", b"{}"))) as server:
        done = in_locust_child(run_rows, tmp_path, profile, server.url, "order: unique", 1)
        paths = sorted(received.decode().split()[1] for received in server.received if received)
    assert paths == ["/a", "/b", "/c"]
    assert (done["started"], done["stop_reason"]) == (3, StopReason.DATA_USED_UP)
    assert done["dropped"] + done["not_started"] > 0


def test_each_user_of_a_process_keeps_its_own_row(tmp_path: Path) -> None:
    profile = "{users: 3, iterations: 30}"
    with serving(answering(http("200 OK", b"{}"))) as server:
        done = in_locust_child(run_rows, tmp_path, profile, server.url, "per: user", 3)
        paths = {received.decode().split()[1] for received in server.received if received}
    assert paths == {"/a", "/b", "/c"}
    assert (done["started"], done["stop_reason"]) == (30, None)


def stop(folder: str) -> dict[str, Any]:
    from scenarios.engine.load_runner import LoadRunner, UserLoop

    runner = LoadRunner(make_assignment(Path(folder), "{users: 1, iterations: 5}"))
    runner.stop(Stop(StopReason.INTERRUPTED, "interrupted"))
    runner.stop(Stop(StopReason.ABORTED, "later"))
    UserLoop(runner).run()
    runner.close()
    return recorded(folder)


def test_no_iteration_starts_after_a_stop_and_the_first_reason_is_recorded(tmp_path: Path) -> None:
    done = in_locust_child(stop, tmp_path)
    assert (done["started"], done["dropped"], done["not_started"]) == (0, 0, 5)
    assert done["stop_reason"] == StopReason.INTERRUPTED


def record_on_a_full_disk(folder: str) -> list[list[str]]:
    from scenarios.engine.load_runner import LoadRunner, UserLoop

    stops: list[list[str]] = []

    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    def note(stop: Stop) -> None:
        stops.append([stop.reason, stop.message])
        runner.stop(stop)

    runner = LoadRunner(make_assignment(Path(folder), "{users: 1, iterations: 5}"), note)
    runner.load.recorder.intend = refuse  # type: ignore[assignment, method-assign]
    UserLoop(runner).run()
    runner.close()
    return [*stops, [str(recorded(folder)["stop_reason"])]]


def test_a_recording_that_cannot_be_written_aborts_the_whole_load_once(tmp_path: Path) -> None:
    assert in_locust_child(record_on_a_full_disk, tmp_path) == [
        [
            "cannot record",
            "the recording cannot be written: "
            "the disk is full: make room where runs are kept, and run again",
        ],
        ["cannot record"],
    ]
