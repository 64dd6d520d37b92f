import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.clock import Clock, ClockStep
from scenarios.evidence import recording as module
from scenarios.evidence.exchange import Exchange, Mark, Outcome
from scenarios.evidence.exchanges import ROW
from scenarios.evidence.mapped_rows import CHUNK_ROWS
from scenarios.evidence.recording import (
    CUT_OFF_REASON,
    OTHER_REASON,
    ROWS,
    Recorder,
    Recording,
    RecordingEnd,
    RecordingStart,
    StopReason,
)
from scenarios.evidence.recording_reader import (
    read_recording,
)
from tests.scenarios.shop_scenario import recorder

STEPS = ("create", "read", "", "ü")
END = RecordingEnd(started=1, dropped=0, cpu_s=0.5, wall_s=2.0)
ROW_BYTES = ROW.itemsize

seconds = st.floats(min_value=0.0, max_value=1e6)
concluded = st.builds(
    Exchange,
    generator=st.just("01-once"),
    sequence=st.just(0),
    iteration=st.integers(min_value=1, max_value=9),
    step=st.sampled_from(STEPS),
    due_s=seconds,
    sent_s=seconds,
    done_s=seconds,
    outcome=st.sampled_from(list(Outcome)),
    status=st.none() | st.integers(min_value=100, max_value=599),
    reason=st.text(max_size=8),
    cut_off=st.booleans(),
    marks=st.integers(0, 3),
)


def read(path: Path) -> Recording:
    recording = read_recording(path)
    assert recording is not None
    return recording


def conclude(to: Recorder, number: int, each: Exchange) -> None:
    to.conclude(
        number, each.sent_s, each.done_s, each.outcome, each.status, each.reason,
        {"body": each.reason} if each.reason else None, cut_off=each.cut_off,
        marks=each.marks,
    )  # fmt: skip


def record(to: Recorder, exchange: Exchange, steps: Sequence[str] = STEPS) -> Exchange:
    number = to.intend(exchange.iteration, steps.index(exchange.step), exchange.due_s)
    conclude(to, number, exchange)
    return replace(exchange, sequence=number)


def some_exchange(step: str = "create", outcome: Outcome = Outcome.OK) -> Exchange:
    return Exchange("01-once", 0, 1, step, 0.5, 1.0, 2.0, outcome, 200)


@given(st.lists(concluded, max_size=6))
def test_a_recording_is_read_as_it_was_written(some: list[Exchange]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "01-once.jsonl"
        with recorder(path, Recorder, STEPS) as opened:
            written = [record(opened, each) for each in some]
        recording = read(path)
    assert list(recording.exchanges) == written
    assert recording.end == END
    assert (recording.unconcluded, recording.missing) == (0, 0)
    assert recording.details == {
        each.sequence: {"body": each.reason} for each in written if each.reason
    }


@given(st.lists(concluded, min_size=1, max_size=3), st.floats(min_value=0, max_value=1))
def test_complete_rows_survive_a_truncation_anywhere(some: list[Exchange], share: float) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "01-once.jsonl"
        with recorder(path, Recorder, STEPS) as opened:
            written = [record(opened, each) for each in some]
        rows = path.with_suffix(ROWS)
        kept_bytes = round(share * len(rows.read_bytes()))
        os.truncate(rows, kept_bytes)
        recording = read(path)
    assert list(recording.exchanges) == written[: kept_bytes // ROW_BYTES]


_INTENT = bytes(6) + b"\x01" + bytes(ROW_BYTES - 7)


@example(_INTENT)  # a row like any other, but for the end that the notes have
@example(_INTENT + b"\xff" * ROW_BYTES)
@example(b"\xff" * 2 * ROW_BYTES)
@given(st.binary(max_size=10 * ROW_BYTES))
def test_garbage_in_the_rows_counts_as_missing_and_makes_up_no_exchange_of_a_step(
    garbage: bytes,
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "01-once.jsonl"
        with recorder(path, Recorder, STEPS) as opened:
            record(opened, some_exchange())
        with path.with_suffix(ROWS).open("ab") as rows:
            rows.write(garbage)
        recording = read(path)
    exchanges = list(recording.exchanges)
    assert exchanges[0] == replace(some_exchange(), sequence=1)
    assert all(each.step in STEPS for each in exchanges)
    assert len(exchanges) + recording.missing <= 1 + len(garbage) // ROW_BYTES


def test_an_intent_is_on_disk_while_the_generator_is_running(tmp_path: Path) -> None:
    path = tmp_path / "01-once.jsonl"
    with recorder(path) as opened:
        assert len(read(path).exchanges) == 0
        number = opened.intend(1, 0, 0.0)
        assert [each.outcome for each in read(path).exchanges] == [Outcome.UNKNOWN]
        conclude(opened, number, some_exchange())
        assert [each.outcome for each in read(path).exchanges] == [Outcome.OK]
        assert read(path).end is None
    assert read(path).end == END


KILLED = """
import os, signal, sys
from pathlib import Path
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import Recorder
recorder = Recorder(Path(sys.argv[1]), "g", "p", 1, None, ("create",))
for number in range(int(sys.argv[2])):
    recorder.intend(number + 1, 0, 0.0)
    recorder.conclude(number + 1, 0.0, 1.0, Outcome.OK, 200)
recorder.intend(int(sys.argv[2]) + 1, 0, 5.0)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_generator_loses_no_exchange(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "g.jsonl"), "70000"]
    done = subprocess.run(command, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    recording = read(tmp_path / "g.jsonl")
    assert len(recording.exchanges) == 70_001
    assert int(recording.exchanges.ok.sum()) == 70_000
    assert (recording.unconcluded, recording.missing, recording.end) == (1, 0, None)


def test_an_exchange_in_an_earlier_chunk_is_concluded_in_place(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    with recorder(path, Recorder) as opened:
        first = opened.intend(1, 0, 0.0)
        for _ in range(CHUNK_ROWS + 1):
            opened.conclude(opened.intend(2, 1, 0.0), 0.0, 1.0, Outcome.OK, 200)
        late = replace(some_exchange(outcome=Outcome.REJECTED), reason="late", cut_off=True)
        conclude(opened, first, late)
    exchanges = read(path).exchanges
    assert len(exchanges) == CHUNK_ROWS + 2
    assert (exchanges.first().outcome, exchanges.first().reason) == (Outcome.REJECTED, "late")
    assert (exchanges.first().done_s, exchanges.first().cut_off) == (2.0, True)
    assert int(exchanges.ok.sum()) == CHUNK_ROWS + 1


def test_an_intent_without_an_outcome_is_done_at_the_last_time_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "01-once.jsonl"
    with recorder(path) as opened:  # its clock reads 100, 101, …
        opened.intend(1, 0, 99.0)
        opened.intend(2, 0, 100.0)
        recording = read(path)
    first, second = recording.exchanges
    assert (first.sent_s, first.done_s, first.response_s) == (100.0, 101.0, 2.0)
    assert (second.sent_s, second.done_s, second.response_s) == (101.0, 101.0, 1.0)
    assert (first.outcome, first.status, first.reason) == (Outcome.UNKNOWN, None, CUT_OFF_REASON)
    assert not first.has_response
    assert recording.unconcluded == 2
    assert list(recording.exchanges.cut_off) == [True, True]


def test_a_row_that_never_arrived_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    with recorder(path, Recorder) as opened:
        for _ in range(3):
            record(opened, some_exchange())
    rows = bytearray(path.with_suffix(ROWS).read_bytes())
    rows[ROW_BYTES : 2 * ROW_BYTES] = bytes(ROW_BYTES)
    path.with_suffix(ROWS).write_bytes(rows)
    recording = read(path)
    assert [each.sequence for each in recording.exchanges] == [1, 3]
    assert recording.missing == 1


def test_reasons_are_limited_and_details_are_kept_for_the_first_of_each(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    wrong = some_exchange(outcome=Outcome.REJECTED)
    with recorder(path, Recorder) as opened:
        for number in range(module.MAX_REASONS + 5):
            record(opened, replace(wrong, reason=f"reason {number}"))
        for _ in range(50):
            record(opened, replace(wrong, reason="reason 0"))
    recording = read(path)
    reasons = np.array(recording.exchanges.reasons)[recording.exchanges.column("reason")]
    assert list(reasons[:2]) == ["reason 0", "reason 1"]
    assert np.count_nonzero(reasons == OTHER_REASON) == 6
    assert np.count_nonzero(reasons == "reason 0") == 51
    bodies = [detail["body"] for detail in recording.details.values()]
    assert bodies.count("reason 0") == module._MAX_DETAILS_PER_REASON


def test_the_start_has_the_generator_and_its_load(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with recorder(path):
        start = read(path).start
    assert start == RecordingStart("01-once", "once", 1, 1, start.anchor_at, ("create", "read"))
    assert start.anchor_at == pytest.approx(path.stat().st_mtime, abs=60)


def test_sequence_numbers_begin_at_one_and_leave_no_gap(tmp_path: Path) -> None:
    with recorder(tmp_path / "a.jsonl") as opened:
        assert [opened.intend(1, 0, 0.0) for _ in range(4)] == [1, 2, 3, 4]


def test_a_full_disk_is_an_error_each_time_and_loses_nothing_written_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "once.jsonl"
    with recorder(path) as it:
        it.conclude(it.intend(1, 0, 0.0), 0.1, 0.2, Outcome.OK, 200)
        with monkeypatch.context() as full:
            full.setattr(it, "_chunk_to", 1)
            full.setattr(os, "posix_fallocate", refuse)
            for _ in range(2):
                with pytest.raises(OSError, match="No space left"):
                    it.intend(2, 0, 0.3)
    read = read_recording(path)
    assert read is not None
    assert [each.outcome for each in read.exchanges] == [Outcome.OK]


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("kept")
    with pytest.raises(FileExistsError):
        Recorder(path, "a", "once", 1, 1, STEPS)
    assert path.read_text() == "kept"


def test_exchanges_are_grouped_by_iteration_however_they_interleave(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with recorder(path) as opened:
        for iteration, step in [(2, "create"), (1, "create"), (2, "read"), (1, "read")]:
            record(opened, replace(some_exchange(step), iteration=iteration))
        record(opened, replace(some_exchange(outcome=Outcome.REJECTED), iteration=3))
    exchanges = read(path).exchanges
    iterations = exchanges.iterations
    gathered = [
        [(one.iteration, one.step) for one in exchanges.of_iteration(first)]
        for first in iterations.first
    ]
    assert gathered == [
        [(2, "create"), (2, "read")], [(1, "create"), (1, "read")], [(3, "create")],
    ]  # fmt: skip
    assert list(iterations.first) == [0, 1, 4]
    assert list(iterations.is_wrong) == [False, False, True]


@pytest.mark.parametrize("others", [0, CHUNK_ROWS])
def test_an_iteration_can_be_completed_after_its_last_exchange(tmp_path: Path, others: int) -> None:
    path = tmp_path / "a.jsonl"
    with recorder(path) as opened:
        first = record(opened, replace(some_exchange(), marks=Mark.WAIT))
        for _ in range(others):  # the row of the first is not mapped any more
            opened.intend(2, 0, 0.0)
        assert not read(path).exchanges.iterations.is_complete.any()
        opened.mark(first.sequence, Mark.ITERATION)
    assert read(path).exchanges.iterations.is_complete[0]
    assert read(path).exchanges.first() == replace(first, marks=Mark.WAIT | Mark.ITERATION)


@given(st.lists(concluded, max_size=30))
def test_the_columns_agree_with_the_exchanges_one_by_one(some: list[Exchange]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "01-once.jsonl"
        with recorder(path, Recorder, STEPS) as opened:
            written = [record(opened, each) for each in some]
        exchanges = read(path).exchanges
    assert [bool(each) for each in exchanges.has_response] == [
        each.has_response for each in written
    ]
    assert list(exchanges.response_s) == [each.response_s for each in written]
    tallied = {(step, outcome, status): n for step, outcome, status, n in exchanges.tally()}
    assert sum(tallied.values()) == len(written)
    for each in written:
        of_kind = exchanges[exchanges.is_of_kind(each.step, each.outcome, each.status)]
        assert each in list(of_kind)
        assert len(of_kind) == tallied[each.step, each.outcome, each.status]


def test_a_reason_beyond_the_limit_is_recorded_as_its_group(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    with recorder(path, Recorder) as opened:
        for number in range(module.MAX_REASONS + 5):
            opened.conclude(
                opened.intend(1, 0, 0.0), 0.0, 0.1, Outcome.REJECTED, 200,
                f"n is {number}, expected 0", group="n is not as expected",
            )  # fmt: skip
    exchanges = read(path).exchanges
    last = exchanges.column("reason")[-1]
    assert exchanges.reasons[last] == "n is not as expected"
    assert set(exchanges.groups) == {"", "n is not as expected", CUT_OFF_REASON}


def test_cut_off_is_a_flag_and_does_not_depend_on_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    unknown = some_exchange(outcome=Outcome.UNKNOWN)
    with recorder(path, Recorder) as opened:
        record(opened, replace(unknown, reason=CUT_OFF_REASON))
        record(opened, replace(unknown, reason="reset", cut_off=True))
    assert list(read(path).exchanges.cut_off) == [False, True]


@pytest.mark.parametrize("reason", [None, *StopReason])
def test_the_end_keeps_the_stop_reason(tmp_path: Path, reason: StopReason | None) -> None:
    path = tmp_path / "a.jsonl"
    end = replace(END, stop_reason=reason, stopped="any words")
    Recorder(path, "a", "once", 1, 1, STEPS).end(end)
    recording = read(path)
    assert recording.end == end
    assert recording.end.stop_reason is reason


def test_the_first_twenty_exchanges_of_a_reason_have_details(tmp_path: Path) -> None:
    path = tmp_path / "g.jsonl"
    with recorder(path, Recorder) as opened:
        for _ in range(21):
            record(opened, replace(some_exchange(outcome=Outcome.REJECTED), reason="wrong"))
    assert sorted(read(path).details) == list(range(1, 21))
    assert OTHER_REASON == "a reason beyond the first 10,000"


def test_the_measured_window_begins_as_the_end_says_or_else_after_the_warm_up(
    tmp_path: Path,
) -> None:
    path = tmp_path / "g.jsonl"
    opened = Recorder(path, "g", "once", 1, 1, STEPS, warm_up_s=2.0)
    assert read(path).measured_from_s == 2.0
    opened.end(replace(END, window_from_s=3.0))
    assert read(path).measured_from_s == 3.0


def test_the_clock_of_a_recorder_counts_from_its_anchor(tmp_path: Path) -> None:
    with recorder(tmp_path / "g.jsonl", Recorder) as opened:
        before_s, after_s = opened.now_s(), opened.now_s()
    assert 0.0 <= before_s <= after_s < time.monotonic()


def test_a_wall_clock_that_is_set_moves_no_time_of_a_recording_and_is_noted(
    tmp_path: Path,
) -> None:
    wall_ahead_s, now_s = 1_000.0, 50.0
    clock = Clock(lambda: now_s + wall_ahead_s, lambda: now_s)
    wall_ahead_s -= 5.0
    path = tmp_path / "once.jsonl"
    recorder = Recorder(path, "g", "once", 1, 1, STEPS, clock=clock)
    now_s += 3.0
    wall_ahead_s += 3_600.0
    assert recorder.now_s() == 3.0
    recorder.note_clock_steps()
    recorder.note_clock_steps()
    recorder.end(RecordingEnd(0, 0, 0.0, 3.0))
    recording = read_recording(path)
    assert recording is not None
    assert recording.start.anchor_at == 1_050.0
    assert recording.clock_steps == (ClockStep(1_053.0, 3_600.0),)


def test_no_detail_is_made_of_reasons_beyond_the_limit_once_enough_are_kept(tmp_path: Path) -> None:
    with recorder(tmp_path / "g.jsonl", Recorder) as opened:
        for number in range(module.MAX_REASONS + 50):
            sequence = opened.intend(1, 0, 0.0)
            opened.conclude(sequence, 0.0, 0.1, Outcome.REJECTED, 200, f"reason {number}")
        assert not opened.keeps_detail("a new reason")
        assert opened.keeps_detail("a new reason", "a new group")
        assert opened.keeps_detail("reason 1")


def test_details_are_bounded_in_all(tmp_path: Path) -> None:
    wrong = some_exchange(outcome=Outcome.REJECTED)
    with recorder(tmp_path / "g.jsonl", Recorder) as opened:
        for number in range(module.MAX_DETAILS):
            record(opened, replace(wrong, reason=f"reason {number}"))
        assert not opened.keeps_detail("another reason")
    assert len(read(tmp_path / "g.jsonl").details) == module.MAX_DETAILS
