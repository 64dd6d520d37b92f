"""Which watch is resumed, and the lock that keeps a second watch out."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.errors import ConfigError
from scenarios.driver.watch import find_unfinished_watch, lock_watch, write_pointer
from scenarios.evidence.run_folder import Watch
from tests.evidence_factory import RUN_ID, write_run

WATCH = Watch(datetime(2026, 11, 23, tzinfo=UTC), 0.5, 60.0, 0.999)
DIGEST = "51d0" * 16


def begun(folder: Path, watch: Watch | None = WATCH, finished: bool = False) -> Path:
    """Write a watch, and the link to it."""
    made = write_run(folder, finished=finished)
    made.write_run(replace(made.read_run(), watch=watch))
    write_pointer(folder / "runs", "test", RUN_ID)
    return folder / "runs"


def test_a_watch_that_was_cut_off_is_found(tmp_path: Path) -> None:
    found = find_unfinished_watch(begun(tmp_path), "test", DIGEST)
    assert found is not None
    assert found.run.run_id == RUN_ID
    assert found.watch == WATCH
    assert found.folder.path.name == RUN_ID


def test_no_watch_is_found_where_none_was_started(tmp_path: Path) -> None:
    assert find_unfinished_watch(tmp_path, "test", DIGEST) is None


def test_neither_a_finished_watch_nor_one_of_another_scenario_is_resumed(
    tmp_path: Path,
) -> None:
    ended, run, other = (tmp_path / name for name in ("ended", "run", "other"))
    for folder in (ended, run, other):
        folder.mkdir()
    assert find_unfinished_watch(begun(ended, finished=True), "test", DIGEST) is None
    assert find_unfinished_watch(begun(run, watch=None), "test", DIGEST) is None
    assert find_unfinished_watch(begun(other), "test", "another scenario") is None
    assert find_unfinished_watch(other / "runs", "another environment", DIGEST) is None


def test_the_link_moves_to_a_new_watch(tmp_path: Path) -> None:
    runs = begun(tmp_path)
    write_pointer(runs, "test", "20261124-000000-abcd")
    assert (runs / "watch-test").readlink() == Path("20261124-000000-abcd")
    assert find_unfinished_watch(runs, "test", DIGEST) is None


def test_a_damaged_record_is_an_error(tmp_path: Path) -> None:
    runs = begun(tmp_path)
    (runs / RUN_ID / "evidence" / "run.json").write_text("{")
    with pytest.raises(ConfigError, match="the record is damaged"):
        find_unfinished_watch(runs, "test", DIGEST)


def test_only_one_watch_of_an_environment_runs_at_a_time(
    tmp_path: Path,
) -> None:
    entered: list[str] = []
    with lock_watch(tmp_path, "one"):
        with lock_watch(tmp_path, "two"):
            entered.append("two")
        with pytest.raises(ConfigError, match="watched already"), lock_watch(tmp_path, "one"):
            entered.append("one")
    with lock_watch(tmp_path, "one"):
        entered.append("one")
    assert entered == ["two", "one"]
