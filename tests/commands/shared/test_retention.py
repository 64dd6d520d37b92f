"""Which folders of runs are deleted, and which are kept."""

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.shared.retention import apply_retention, delete_old_runs
from config.project import Keep
from reports.progress import Progress

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
KEEP = Keep(days=30, at_least=2)


def _made(runs: Path, *names: str, written: datetime = NOW - timedelta(days=60)) -> None:
    for name in names:
        file = runs / name / "evidence" / "run.json"
        file.parent.mkdir(parents=True)
        file.touch()
        for path in (file, file.parent):
            os.utime(path, (written.timestamp(), written.timestamp()))


def _kept(runs: Path) -> set[str]:
    return {path.name for path in runs.iterdir()}


def test_what_is_old_is_deleted_but_for_the_newest_of_each_kind(tmp_path: Path) -> None:
    old = [f"2026010{day}-120000-00ff" for day in range(1, 6)]
    audits = [f"audit-2026010{day}-120000-00ff" for day in range(1, 4)]
    _made(tmp_path, *old, *audits)
    assert delete_old_runs(tmp_path, KEEP, NOW) == 4
    assert _kept(tmp_path) == {*old[-2:], *audits[-2:]}


def test_what_is_not_old_is_kept_however_many_there_are(tmp_path: Path) -> None:
    _made(tmp_path, *(f"202611{day}-120000-00ff" for day in range(10, 20)))
    assert delete_old_runs(tmp_path, KEEP, NOW) == 0


def test_other_folders_what_is_linked_and_what_was_written_lately_are_kept(
    tmp_path: Path,
) -> None:
    _made(tmp_path, *(f"2026020{day}-120000-00ff" for day in (1, 2)))
    _made(tmp_path, "20260101-120000-00ff", "history", "20260101-120000-mine", "keep")
    _made(tmp_path, "20260102-120000-00ff")
    _made(tmp_path, "20260103-120000-00ff", written=NOW - timedelta(days=1))
    (tmp_path / "keep-this").symlink_to("20260101-120000-00ff")
    before = _kept(tmp_path)
    assert delete_old_runs(tmp_path, KEEP, NOW) == 1
    assert before - _kept(tmp_path) == {"20260102-120000-00ff"}


@pytest.mark.parametrize(
    ("text", "folder", "is_deleted"),
    [
        ("keep: {days: 30, at_least: 1}\n", "runs", True),
        ("keep: {days: 30, at_least: 1}\n", "elsewhere", False),
        ("scenario: uses\n", "runs", False),
        ("keep: soon\n", "runs", False),
    ],
)
def test_only_the_runs_of_a_project_that_says_so_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, folder: str, is_deleted: bool
) -> None:
    (tmp_path / "trial-balance.yaml").write_text(text)
    runs = tmp_path / folder
    written = NOW.replace(year=2020)
    _made(runs, "20200101-120000-00ff", "20200102-120000-00ff", written=written)
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    apply_retention(Path(folder), Progress(printed))
    assert (runs / "20200101-120000-00ff").exists() is not is_deleted
    assert (printed.getvalue() == "retention: 1 old run folder deleted\n") is is_deleted
