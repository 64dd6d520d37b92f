"""Does a recording keep every exchange, even of a generator that was killed?"""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.exchange import CUT_OFF, Exchange, Outcome, trace_id
from scenarios.recording import (
    End,
    Recorder,
    Recording,
    Start,
    iterations_of,
    read_recording,
    read_recordings,
)
from tests.scenarios.shop import recorder

END = End(started=1, dropped=0, cpu_s=0.5, wall_s=2.0)

seconds = st.floats(min_value=0.0, max_value=1e6)
concluded = st.builds(
    Exchange,
    generator=st.just("01-once"),
    sequence=st.just(0),
    iteration=st.integers(min_value=1, max_value=9),
    step=st.text(max_size=8),
    due_s=seconds,
    sent_s=seconds,
    done_s=seconds,
    outcome=st.sampled_from(list(Outcome)),
    status=st.none() | st.integers(min_value=100, max_value=599),
    reason=st.text(max_size=8),
)


def read(path: Path) -> Recording:
    recording = read_recording(path)
    assert recording is not None
    return recording


def record(to: Recorder, exchange: Exchange) -> Exchange:
    sequence = to.intend(exchange.iteration, exchange.step, exchange.due_s)
    numbered = replace(exchange, sequence=sequence)
    to.conclude(numbered, {"body": exchange.reason} if exchange.reason else None)
    return numbered


def some_exchange(step: str = "create", outcome: Outcome = Outcome.OK) -> Exchange:
    return Exchange("01-once", 0, 1, step, 0.5, 1.0, 2.0, outcome, 200)


@given(st.lists(concluded, max_size=6))
def test_what_was_recorded_is_read(some: list[Exchange]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "01-once.jsonl"
        with recorder(path, Recorder) as opened:
            written = [record(opened, each) for each in some]
        recording = read(path)
    assert recording.exchanges == tuple(written)
    assert recording.end == END
    assert recording.details == {
        each.sequence: {"body": each.reason} for each in written if each.reason
    }


@given(st.lists(concluded, min_size=1, max_size=3), st.floats(min_value=0, max_value=1))
def test_a_file_torn_anywhere_keeps_every_intent_that_it_has(
    some: list[Exchange], share: float
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "01-once.jsonl"
        with recorder(path, Recorder) as opened:
            written = [record(opened, each) for each in some]
        content = path.read_bytes()
        kept = content[: round(share * (len(content) - 2))]
        path.write_bytes(kept)
        recording = read_recording(path)
    whole = [json.loads(line)["kind"] for line in _whole_lines(content, len(kept))]
    if not whole:
        assert recording is None
        return
    assert recording is not None
    assert recording.end is None
    assert len(recording.exchanges) == whole.count("intent")
    done = whole.count("outcome")
    assert recording.exchanges[:done] == tuple(written[:done])
    assert all(each.outcome is Outcome.UNKNOWN for each in recording.exchanges[done:])
    assert all(each.cut_off for each in recording.exchanges[done:])


def _whole_lines(content: bytes, kept: int) -> list[bytes]:
    """Return the lines whose last character before the newline lies within the first bytes."""
    lines, position = [], 0
    for line in content.splitlines():
        position += len(line)
        if position > kept:
            break
        lines.append(line)
        position += 1
    return lines


def test_every_line_is_on_disk_while_the_generator_is_still_at_it(tmp_path: Path) -> None:
    path = tmp_path / "01-once.jsonl"
    with recorder(path) as opened:
        assert read(path).exchanges == ()
        opened.intend(1, "create", 0.0)
        assert [each.outcome for each in read(path).exchanges] == [Outcome.UNKNOWN]
        opened.conclude(replace(some_exchange(), sequence=1))
        assert [each.outcome for each in read(path).exchanges] == [Outcome.OK]
        assert read(path).end is None
    assert read(path).end == END


def test_an_intent_without_an_outcome_lasted_to_the_end_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "01-once.jsonl"
    with recorder(path) as opened:  # its clock reads 100, 101, …
        opened.intend(1, "create", 99.0)
        opened.intend(2, "create", 100.0)
        cut = path.read_text()
    path.write_text(cut)
    first, second = read(path).exchanges
    assert (first.sent_s, first.done_s, first.response_s) == (100.0, 101.0, 2.0)
    assert (second.sent_s, second.done_s, second.response_s) == (101.0, 101.0, 1.0)
    assert (first.outcome, first.status, first.reason) == (Outcome.UNKNOWN, None, CUT_OFF)
    assert not first.answered


def test_the_start_names_the_generator_and_what_it_was_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with recorder(path):
        start = read(path).start
    assert start == Start("01-once", "once", 1, 1, start.anchor_at)
    assert start.anchor_at == pytest.approx(path.stat().st_mtime, abs=60)


def test_sequence_numbers_begin_at_one_and_leave_no_gap(tmp_path: Path) -> None:
    with recorder(tmp_path / "a.jsonl") as opened:
        assert [opened.intend(1, "create", 0.0) for _ in range(4)] == [1, 2, 3, 4]


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        Recorder(path, "a", "once", 1, 1)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("content", ["", '{"kind": "sta'])
def test_a_file_without_its_first_line_is_no_recording(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.jsonl").write_text(content)
    assert read_recording(tmp_path / "a.jsonl") is None
    assert read_recordings(tmp_path, "a") == ()


def test_only_the_phases_own_recordings_are_read(tmp_path: Path) -> None:
    for stem in ("01-once", "01-once-more", "02-once"):
        with recorder(tmp_path / f"{stem}.jsonl") as opened:
            record(opened, some_exchange(stem))
    (recording,) = read_recordings(tmp_path, "01-once")
    assert [each.step for each in recording.exchanges] == ["01-once"]
    assert read_recordings(tmp_path, "03-none") == ()


def test_exchanges_are_gathered_by_iteration_however_they_mingled(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with recorder(path) as opened:
        for iteration, step in [(1, "create"), (2, "create"), (1, "read"), (2, "read")]:
            record(opened, replace(some_exchange(step), iteration=iteration))
    gathered = [[(one.iteration, one.step) for one in each] for each in iterations_of(read(path))]
    assert gathered == [[(1, "create"), (1, "read")], [(2, "create"), (2, "read")]]


def test_a_trace_id_tells_run_generator_and_sequence() -> None:
    assert trace_id("20260101-7f3a", "01-once", 12) == "20260101-7f3a-01-once-12"


@pytest.mark.parametrize(
    ("outcome", "answered"),
    [
        (Outcome.OK, True),
        (Outcome.REJECTED, True),
        (Outcome.UNKNOWN, False),
        (Outcome.NOT_SENT, False),
    ],
)
def test_only_a_status_line_is_an_answer(outcome: Outcome, answered: bool) -> None:
    assert some_exchange(outcome=outcome).answered is answered
