from pathlib import Path

import numpy as np
import pytest

from scenarios.evidence.exchange import Outcome
from scenarios.evidence.mapped_rows import CHUNK_ROWS
from scenarios.evidence.recording import Recorder, Recording, RecordingEnd
from scenarios.evidence.recording_reader import read_recording
from scenarios.evidence.stream_times import (
    NO_STREAMS,
    STREAM_BYTES,
    STREAM_ROW,
    STREAMS,
    StreamFile,
    read_streams,
)
from scenarios.http.streams import Event, Stream, StreamEnd

STREAM = Stream((Event("a"),) * 3, StreamEnd.HUNG_UP, 0.25, 0.5)
NO_EVENT = Stream((), StreamEnd.ENDED)


def begun(folder: Path, *streams: Stream | None) -> Recorder:
    """Record an exchange for each stream, or one without a stream for None."""
    recorder = Recorder(folder / "a.jsonl", "a", "once", 1, None, ("ask",))
    for stream in streams:
        number = recorder.intend(1, 0, 0.0)
        recorder.conclude(number, 0.0, 1.0, Outcome.OK, 200)
        if stream:
            recorder.note_stream(number, stream)
    return recorder


def recorded(folder: Path, *streams: Stream | None) -> Path:
    recorder = begun(folder, *streams)
    recorder.end(RecordingEnd(1, 0, 0.1, 1.0))
    return recorder.path


def read(path: Path) -> Recording:
    recording = read_recording(path)
    assert recording
    return recording


def test_each_exchange_has_its_stream(tmp_path: Path) -> None:
    recording = read(recorded(tmp_path, None, STREAM, None, NO_EVENT))
    rows = recording.exchanges.stream_rows()
    assert rows["end"].tolist() == [0, StreamEnd.HUNG_UP, 0, StreamEnd.ENDED]
    assert rows["events"].tolist() == [0, 3, 0, 0]
    assert rows["first_s"].tolist() == [0, 0.25, 0, -1]
    assert rows["longest_gap_s"].tolist() == [0, 0.5, 0, -1]
    chosen = recording.exchanges[np.array([1, 2])]
    assert chosen.stream_rows()["events"].tolist() == [3, 0]
    assert recording.missing == 0


def test_without_a_stream_there_is_no_file(tmp_path: Path) -> None:
    path = recorded(tmp_path, None)
    assert not path.with_suffix(STREAMS).exists()
    assert len(read(path).exchanges.streams) == 0


def test_the_rows_of_a_killed_generator_are_those_that_it_wrote(tmp_path: Path) -> None:
    recorder = begun(tmp_path, STREAM, STREAM)
    recording = read(recorder.path)
    recorder.close()
    assert recording.exchanges.stream_rows()["events"].tolist() == [3, 3]
    assert recording.missing == 0


@pytest.mark.parametrize("cut", [1, STREAM_BYTES - 1, STREAM_BYTES])
def test_a_row_that_was_torn_off_is_missing(tmp_path: Path, cut: int) -> None:
    path = recorded(tmp_path, STREAM, STREAM)
    file = path.with_suffix(STREAMS)
    file.write_bytes(file.read_bytes()[:-cut])
    assert read(path).missing == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [("end", 9), ("sequence", 0), ("events", 10_001), ("first_s", np.nan),
     ("longest_gap_s", np.inf)],
)  # fmt: skip
def test_a_row_that_no_recorder_writes_is_missing(
    tmp_path: Path, column: str, value: float
) -> None:
    path = recorded(tmp_path, STREAM, STREAM)
    rows = np.fromfile(path.with_suffix(STREAMS), STREAM_ROW)
    rows[column][0] = value
    path.with_suffix(STREAMS).write_bytes(rows.tobytes())
    recording = read(path)
    assert recording.missing == 1
    assert recording.exchanges.stream_rows()["events"].tolist() == [0, 3]


def test_the_file_grows_by_chunks(tmp_path: Path) -> None:
    file = StreamFile(tmp_path / "a.streams")
    for sequence in range(1, CHUNK_ROWS + 3):
        file.append(sequence, NO_EVENT)
    file.close()
    rows, lost = read_streams(file.path)
    assert (len(rows), lost) == (CHUNK_ROWS + 2, 0)
    assert rows["sequence"].tolist() == list(range(1, CHUNK_ROWS + 3))


def test_a_missing_file_has_no_streams(tmp_path: Path) -> None:
    rows, lost = read_streams(tmp_path / "none.streams")
    assert (len(rows), lost, rows.dtype) == (0, 0, NO_STREAMS.dtype)
