"""Tests of reading recordings, also torn ones."""

from pathlib import Path

import numpy as np
import pytest

from scenarios.evidence.exchanges import ROW
from scenarios.evidence.recording import (
    CUT_OFF_REASON,
    ROWS,
    Recorder,
    Recording,
)
from scenarios.evidence.recording_reader import (
    read_json_lines,
    read_recording,
    read_recordings,
    recover,
)
from tests.scenarios.evidence.test_recording import STEPS, read, record, some_exchange
from tests.scenarios.shop_scenario import recorder


@pytest.mark.parametrize("content", ["", '{"kind": "sta'])
def test_notes_without_a_complete_line_are_no_recording(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.jsonl").write_text(content)
    assert read_recording(tmp_path / "a.jsonl") is None
    assert read_recordings(tmp_path, "a") == ()


def test_only_the_recordings_of_the_phase_are_read(tmp_path: Path) -> None:
    for stem in ("01-once", "01-once-more", "02-once"):
        with recorder(tmp_path / f"{stem}.jsonl", steps=(stem,)) as opened:
            record(opened, some_exchange(stem), (stem,))
    (recording,) = read_recordings(tmp_path, "01-once")
    assert [each.step for each in recording.exchanges] == ["01-once"]
    assert read_recordings(tmp_path, "03-none") == ()


def test_a_lost_workers_recording_is_copied_and_is_complete(tmp_path: Path) -> None:
    lost, path = tmp_path / "lost.jsonl", tmp_path / "once-w1.jsonl"
    opened = Recorder(lost, "once-w1", "once", 1, None, STEPS, 0.0, True)
    record(opened, some_exchange())
    opened.close()
    assert recover(lost, path)
    recording = read(path)
    assert len(recording.exchanges) == 1
    assert (read(lost).start.shipped, recording.start.shipped) == (True, False)


def test_a_recording_that_is_not_on_this_machine_is_not_recovered(tmp_path: Path) -> None:
    assert not recover(tmp_path / "nowhere.jsonl", tmp_path / "once-w1.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("column", "number", "is_missing"),
    [
        ("step", len(STEPS) - 1, False),
        ("step", len(STEPS), True),
        ("outcome", 5, False),
        ("outcome", 6, True),
        ("outcome", 255, True),
    ],
)
def test_a_row_of_no_step_or_no_outcome_is_missing(
    tmp_path: Path, column: str, number: int, is_missing: bool
) -> None:
    recording = _with_second_row(tmp_path, column, number)
    assert recording.missing == is_missing
    assert len(list(recording.exchanges)) == 2 - is_missing


@pytest.mark.parametrize(("number", "reason"), [(1, CUT_OFF_REASON), (2, ""), (999, "")])
def test_a_row_of_a_reason_that_was_not_noted_has_none(
    tmp_path: Path, number: int, reason: str
) -> None:
    exchanges = list(_with_second_row(tmp_path, "reason", number).exchanges)
    assert [each.reason for each in exchanges] == ["", reason]


def _with_second_row(place: Path, column: str, number: int) -> Recording:
    """Record two exchanges, and change a column of the second."""
    path = place / "g.jsonl"
    with recorder(path, Recorder, STEPS) as opened:
        for _ in range(2):
            record(opened, some_exchange())
    rows = np.fromfile(path.with_suffix(ROWS), ROW)
    rows[column][1] = number
    rows.tofile(path.with_suffix(ROWS))
    return read(path)


@pytest.mark.parametrize(
    ("content", "records"),
    [
        ("", []),
        ('{"n": 1}\n{"n": 2}\n', [{"n": 1}, {"n": 2}]),
        ('{"n": 1}\n{"n": ', [{"n": 1}]),
        ('{"n": 1}\n\x00\x00\x00', [{"n": 1}]),
    ],
)
def test_a_torn_last_line_ends_the_records(
    tmp_path: Path, content: str, records: list[dict[str, int]]
) -> None:
    (tmp_path / "a.jsonl").write_text(content)
    assert list(read_json_lines(tmp_path / "a.jsonl")) == records
