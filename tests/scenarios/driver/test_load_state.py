"""The state of a load: its counts, its end and its abort, at given seconds of the recorder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scenarios.driver.arrivals import ClosedModel, OpenModel
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.load_state import Load, LoadAssignment
from scenarios.evidence.recording import Stop, StopReason
from scenarios.evidence.recording_reader import read_recording
from scenarios.language.profiles import Abort, AbortOn
from scenarios.language.rates import RateStage
from tests.scenarios.shop_scenario import ENVIRONMENT, good_scenario

NEVER = Abort.model_validate({"success_rate": "0%"})
OPEN = OpenModel((RateStage(2.0, 2.0, 3.0),))


@contextmanager
def loaded(folder: Path, arrivals: ClosedModel | OpenModel, **fields: Any) -> Iterator[Load]:
    """Start a load at second 100."""
    given = {"users": 3, "max_iterations": 1_000, "generator": "many", **fields}
    made = LoadAssignment(
        flow=compile_flow(good_scenario(folder), ENVIRONMENT, "run-1", "tenant-1"),
        profile="many", arrivals=arrivals, exchanges=folder, **given,
    )  # fmt: skip
    recorder = made.recorder()
    try:
        yield Load(made, recorder, 100.0)
    finally:
        recorder.close()


def end_iterations(load: Load, at_s: float, ok: int, failed: int = 0, took_s: float = 0.1) -> None:
    """End iterations, some of them ok."""
    for number in range(ok + failed):
        load.end_iteration(number < ok, at_s, at_s - took_s)


def test_a_closed_model_starts_its_number_of_iterations_and_no_more(tmp_path: Path) -> None:
    with loaded(tmp_path, ClosedModel(2, 60.0)) as load:
        assert load.next_iteration(100.5) == (1, 100.5)
        assert load.next_iteration(101.0) == (2, 101.0)
        assert load.next_iteration(101.0) is None
        assert load.assignment.scheduled == 2


def test_a_closed_model_starts_no_iteration_after_its_duration(tmp_path: Path) -> None:
    with loaded(tmp_path, ClosedModel(None, 5.0)) as load:
        assert load.next_iteration(104.9) == (1, 104.9)
        assert load.next_iteration(105.0) is None
        assert load.assignment.scheduled is None


def test_no_iteration_starts_after_a_stop(tmp_path: Path) -> None:
    with loaded(tmp_path, ClosedModel(9, 60.0)) as load:
        load.stop(Stop(StopReason.INTERRUPTED, "enough"), 100.2)
        assert load.next_iteration(100.5) is None
        assert load.has_started_all(100.5)


def test_a_load_without_a_number_stops_at_the_limit_of_the_environment(tmp_path: Path) -> None:
    with loaded(tmp_path, ClosedModel(None, 60.0), max_iterations=2) as load:
        assert load.next_iteration(100.0)
        assert load.next_iteration(100.0)
        assert load.next_iteration(100.0) is None
        assert load.stopped == Stop(
            StopReason.ITERATION_LIMIT, "stopped at the environment's limit of 2 iterations"
        )


def test_arrivals_are_due_from_when_the_users_have_started(tmp_path: Path) -> None:
    with loaded(tmp_path, OPEN) as load:
        load.restart(102.0, 0.5)
        assert list(load.arrivals()) == pytest.approx([102.0, 102.5, 103.0, 103.5, 104.0, 104.5])
        assert load.until_s() == 105.0
        assert load.next_iteration(102.0) is None
        assert load.health.from_s == 102.0
        assert load.health.cpu_before_s == 0.5


def test_a_load_is_over_when_nothing_is_due_and_all_have_ended(tmp_path: Path) -> None:
    with loaded(tmp_path, ClosedModel(2, 60.0)) as load:
        assert not load.has_started_all(100.0)
        load.next_iteration(100.0)
        load.next_iteration(100.0)
        assert load.has_started_all(100.1)
        assert not load.is_over(100.1)
        end_iterations(load, 101.0, ok=1, failed=1)
        assert load.is_over(101.0)


def test_a_load_of_which_nothing_has_started_is_not_over_at_once(tmp_path: Path) -> None:
    with loaded(tmp_path, ClosedModel(None, 0.5)) as load:
        assert not load.is_over(100.6)
        assert load.is_over(101.1)


def test_an_open_model_is_over_when_all_have_arrived_and_ended(tmp_path: Path) -> None:
    with loaded(tmp_path, OPEN) as load:
        assert load.start_iteration() == 1
        assert not load.has_started_all(200.0)
        load.all_arrived = True
        assert load.has_started_all(200.0)
        assert not load.is_over(200.0)
        end_iterations(load, 200.0, ok=1)
        assert load.is_over(200.0)


def test_iterations_in_flight_end_within_the_timeouts_of_their_steps(tmp_path: Path) -> None:
    with loaded(tmp_path, OPEN) as load:
        assert load.deadline_s() == 100.0 + 3.0 + 2 * 10.0
        load.stop(Stop(StopReason.INTERRUPTED, "enough"), 101.5)
        assert load.deadline_s() == 101.5 + 2 * 10.0


@pytest.mark.parametrize(
    ("ok", "failed", "aborts"),
    [(1, 9, False), (0, 9, False), (0, 10, True), (10, 90, False), (9, 90, True), (99, 0, False)],
)
def test_a_load_aborts_below_its_success_rate_and_not_at_it(
    tmp_path: Path, ok: int, failed: int, aborts: bool
) -> None:
    with loaded(tmp_path, ClosedModel(None, 60.0), users=5) as load:
        end_iterations(load, 115.0, ok, failed)
        assert bool(load.find_abort(115.5)) == aborts


def test_a_load_does_not_abort_before_its_first_window_is_over(tmp_path: Path) -> None:
    with loaded(tmp_path, ClosedModel(None, 60.0)) as load:
        end_iterations(load, 105.0, ok=0, failed=50)
        assert load.find_abort(109.9) is None
        assert load.find_abort(110.0) == Stop(
            StopReason.ABORTED,
            "aborted: 0 of 50 iterations in the last 10 s succeeded, at least 10 % required",
        )


def test_iterations_before_the_window_do_not_abort_a_load(tmp_path: Path) -> None:
    with loaded(tmp_path, ClosedModel(None, 60.0)) as load:
        end_iterations(load, 115.0, ok=0, failed=50)
        end_iterations(load, 126.5, ok=20)
        assert load.find_abort(126.9) is None


@pytest.mark.parametrize(
    ("users", "failed", "aborts"),
    [(1, 2, False), (1, 3, True), (2, 3, False), (2, 4, True), (4, 7, False), (4, 8, True),
     (50, 9, False)],
)  # fmt: skip
def test_few_users_abort_a_load_once_each_has_failed_twice_and_nobody_succeeded(
    tmp_path: Path, users: int, failed: int, aborts: bool
) -> None:
    with loaded(tmp_path, ClosedModel(None, 600.0), users=users) as load:
        for number in range(failed):  # one per 30 s, the timeout
            end_iterations(load, 130.0 + 30 * number, ok=0, failed=1)
        assert bool(load.find_abort(130.0 + 30 * failed)) == aborts


def test_one_success_of_few_users_among_less_than_ten_iterations_aborts_nothing(
    tmp_path: Path,
) -> None:
    with loaded(tmp_path, ClosedModel(None, 600.0), users=1) as load:
        end_iterations(load, 120.0, ok=1)
        for number in range(8):
            end_iterations(load, 130.0 + 30 * number, ok=0, failed=1)
        assert load.find_abort(400.0) is None


def test_the_last_ten_iterations_abort_a_load_however_long_they_took(tmp_path: Path) -> None:
    with loaded(tmp_path, ClosedModel(None, 6000.0), users=1) as load:
        end_iterations(load, 110.0, ok=100)
        for number in range(9):
            end_iterations(load, 200.5 + 30 * number, ok=0, failed=1)
        assert load.find_abort(460.5) is None
        end_iterations(load, 470.5, ok=0, failed=1)
        stop = load.find_abort(471.0)
    assert stop
    assert stop.message == (
        "aborted: 0 of 10 iterations in the last 270 s succeeded, at least 10 % required"
    )


def test_a_load_with_a_success_rate_of_0_never_aborts(tmp_path: Path) -> None:
    with loaded(tmp_path, ClosedModel(None, 60.0), abort=NEVER) as load:
        end_iterations(load, 115.0, ok=0, failed=500)
        assert load.find_abort(116.0) is None


def test_scheduled_iterations_that_were_not_started_are_dropped(tmp_path: Path) -> None:
    with loaded(tmp_path, ClosedModel(5, 60.0)) as load:
        load.next_iteration(100.0)
        load.health.to_s, load.health.cpu_s, load.health.memory_bytes = 104.0, 0.25, 7
        load.close()
        recording = read_recording(tmp_path / "many.jsonl")
    assert recording
    assert recording.end
    assert (recording.end.started, recording.end.dropped) == (1, 4)
    assert (recording.end.cpu_s, recording.end.wall_s, recording.end.memory_bytes) == (0.25, 4.0, 7)
    assert recording.measured_from_s == 100.0


def test_arrivals_of_an_open_model_after_a_stop_are_not_started(tmp_path: Path) -> None:
    with loaded(tmp_path, OPEN, warm_up_s=1.0) as load:
        load.start_iteration()
        load.start_iteration()
        load.dropped += 1
        load.stop(Stop(StopReason.ABORTED, "aborted: enough"), 101.5)
        load.close()
        recording = read_recording(tmp_path / "many.jsonl")
    assert recording
    assert recording.end
    end = recording.end
    assert (end.started, end.dropped, end.not_started) == (2, 1, 3)
    assert recording.end.stop_reason is StopReason.ABORTED
    assert recording.end.stopped == "aborted: enough"
    assert recording.start.warm_up_s == 1.0


def test_the_measured_window_begins_after_the_warm_up(tmp_path: Path) -> None:
    with loaded(tmp_path, OPEN, warm_up_s=1.0) as load:
        load.restart(102.0, 0.0)
        assert load.warm_until_s() == 103.0


SLOW = AbortOn.model_validate({"p90": "2s", "over": "10s"})


def aborted(folder: Path, *ended: tuple[float, int, float], **fields: Any) -> Stop | None:
    """End iterations (at a second, how many, how long each took); return the abort at 112."""
    given = {"abort_on": SLOW, **fields}
    with loaded(folder, ClosedModel(None, 60.0), **given) as load:
        for at_s, count, took_s in ended:
            end_iterations(load, at_s, count, took_s=took_s)
        return load.find_abort(112.0)


def test_a_load_aborts_itself_above_a_percentile_of_its_recent_iterations(tmp_path: Path) -> None:
    assert aborted(tmp_path, (105.0, 18, 0.1), (106.0, 3, 2.1)) == Stop(
        StopReason.TOO_SLOW,
        "aborted: p90 over 2 s: 3 of 21 iterations in the last 10 s took longer, at most 2 may",
    )


@pytest.mark.parametrize("ended", [
    ((105.0, 18, 0.1), (106.0, 2, 2.1)),
    ((105.0, 18, 2.0),),
    ((105.0, 9, 2.1),),
    ((100.5, 20, 2.1), (105.0, 20, 0.1)),
], ids=["just within", "at the limit", "too few to say", "before the window"])  # fmt: skip
def test_a_load_goes_on_within_the_limit(
    tmp_path: Path, ended: tuple[tuple[float, int, float], ...]
) -> None:
    assert aborted(tmp_path, *ended) is None


@pytest.mark.parametrize(("warm_up_s", "is_whole"), [(2.1, False), (1.9, True)])
def test_the_window_is_whole_only_after_the_warm_up(
    tmp_path: Path, warm_up_s: float, is_whole: bool
) -> None:
    stop = aborted(tmp_path, (111.0, 20, 2.1), warm_up_s=warm_up_s)
    assert bool(stop) is is_whole


def test_a_failed_iteration_counts_only_if_it_was_slower_than_the_limit(tmp_path: Path) -> None:
    with loaded(tmp_path, ClosedModel(None, 60.0), abort_on=SLOW, abort=NEVER) as load:
        end_iterations(load, 105.0, ok=9, failed=90)
        end_iterations(load, 106.0, ok=0, failed=2, took_s=3.0)
        stop = load.find_abort(112.0)
    assert stop
    assert "2 of 11 iterations" in stop.message
