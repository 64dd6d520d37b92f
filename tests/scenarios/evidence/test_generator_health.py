import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest

from scenarios.evidence.generator_health import (
    HEALTH,
    HEALTH_BYTES,
    HEALTH_ROW,
    HealthFile,
    HealthPeriods,
    HealthRow,
    read_health,
)
from scenarios.evidence.recording import Recorder, RecordingEnd
from scenarios.evidence.recording_reader import read_recording

ROWS = [HealthRow(0.0, 1.0, 0.25, 0.004, 7), HealthRow(1.0, 2.5, 1.5, 0.75, 90)]


def written(path: Path) -> Path:
    file = HealthFile(path)
    for row in ROWS:
        file.append(row)
    file.close()
    return path


def test_a_period_is_a_second_with_the_largest_values_seen_in_it() -> None:
    periods = HealthPeriods(10.0, 4.0)
    assert periods.observe(10.4, 4.1, 0.3, 5) is None
    assert periods.observe(10.9, 4.2, 0.0, 9) is None
    assert periods.observe(11.0, 4.5, 0.1, 2) == HealthRow(10.0, 11.0, 0.5, 0.3, 9)
    assert periods.observe(12.5, 4.75, 0.0, 1) == HealthRow(11.0, 12.5, 0.25, 0.0, 1)


def test_a_stall_of_the_loop_is_one_long_period() -> None:
    periods = HealthPeriods(0.0, 0.0)
    assert periods.observe(7.5, 7.4, 6.5, 3) == HealthRow(0.0, 7.5, 7.4, 6.5, 3)


@pytest.mark.parametrize(("hours", "most"), [(1, 3_600), (24, 16_000), (30 * 24, 28_000)])
def test_the_periods_of_a_long_load_grow_with_it(hours: int, most: int) -> None:
    periods, rows = HealthPeriods(0.0, 0.0), []
    now_s, end_s = 0.0, 3_600.0 * hours
    while now_s < end_s:
        now_s += max(1.0, now_s / 3_600)
        rows += [row] if (row := periods.observe(now_s, 0.0, 0.0, 0)) else []
    assert 1_000 < len(rows) <= most
    assert rows[-1].to_s > end_s - end_s / 1_000


def test_the_last_period_is_kept_unless_it_is_too_short() -> None:
    periods = HealthPeriods(0.0, 0.0)
    assert periods.end(0.05, 0.05) is None
    assert periods.end(0.3, 0.1) == HealthRow(0.0, 0.3, 0.1, 0.0, 0)


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = read_health(written(tmp_path / "load.health"))
    assert rows.tolist() == [tuple(getattr(each, name) for name in HEALTH_ROW.names or ())
                             for each in ROWS]  # fmt: skip


def test_of_a_torn_file_the_whole_rows_are_read(tmp_path: Path) -> None:
    path = written(tmp_path / "load.health")
    os.truncate(path, 2 * HEALTH_BYTES - 1)
    assert read_health(path)["to_s"].tolist() == [1.0]


@pytest.mark.parametrize(
    "row",
    [(np.nan, 3.0, 0.1, 0.0, 0), (2.0, 1e300, 0.1, 0.0, 0), (2.0, 3.0, 1e300, 0.0, 0),
     (2.0, np.inf, 0.1, 0.0, 0), (2.0, 2.0, 0.1, 0.0, 0),
     (2.0, 3.0, -1.0, 0.0, 0), (2.0, 3.0, 0.1, np.nan, 0)],
)  # fmt: skip
def test_a_row_that_no_generator_writes_is_left_out(tmp_path: Path, row: tuple[float, ...]) -> None:
    path = written(tmp_path / "load.health")
    with path.open("ab") as file:
        file.write(np.array([row], HEALTH_ROW).tobytes())
    assert len(read_health(path)) == len(ROWS)


def test_there_is_no_health_without_a_file_and_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.health").symlink_to(written(tmp_path / "load.health"))
    assert [len(read_health(tmp_path / name)) for name in ("none", "link.health")] == [0, 0]


def test_a_full_disk_ends_the_health_with_the_reason_in_the_log_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HEALTH_BYTES + 5, hard))
    try:
        path = written(tmp_path / "load.health")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert read_health(path)["to_s"].tolist() == [1.0]
    assert [each.message for each in caplog.records] == [
        "the health of the generator is recorded no more: the disk is full: make room where runs "
        "are kept, and run again"
    ]


def test_a_health_that_cannot_be_created_has_its_reason(tmp_path: Path) -> None:
    file = HealthFile(tmp_path / "gone" / "load.health")
    file.append(ROWS[0])
    assert (file.written, file.error) == (
        0, f"{tmp_path / 'gone' / 'load.health'}: No such file or directory",
    )  # fmt: skip


def test_a_recording_has_the_health_of_its_generator(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "load.jsonl", "load", "load", 1, None, ("a",))
    for row in ROWS:
        recorder.health.append(row)
    recorder.end(RecordingEnd(1, 0, 0.1, 1.0))
    recording = read_recording(tmp_path / "load.jsonl")
    assert recording
    assert recording.health["in_flight"].tolist() == [7, 90]


def test_a_recording_of_one_user_has_no_health(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "e2e.jsonl", "e2e", "e2e", 1, 1, ("a",))
    recorder.end(RecordingEnd(1, 0, 0.1, 1.0))
    recording = read_recording(tmp_path / "e2e.jsonl")
    assert recording
    assert len(recording.health) == 0
    assert not (tmp_path / "e2e").with_suffix(HEALTH).exists()
