import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from checks.result_document import read_result
from checks.verdict import Verdict
from commands.check import check
from config.errors import ConfigError
from run import main
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import Load, write_agreeing_witnesses, write_rows, write_run


def _run(place: Path) -> RunFolder:
    folder = write_run(place, Load())
    write_agreeing_witnesses(folder)
    return folder


def test_a_run_is_judged_again_by_its_evidence_and_its_reports_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _run(tmp_path)
    with pytest.raises(typer.Exit) as first:
        check(str(folder.path), tmp_path, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(folder.result.read_text())
    names = {"result.json", "report.html", "junit.xml", "summary.md"}
    assert names <= {path.name for path in folder.path.iterdir()}
    write_rows(folder, "after", {"uses": {"rows": [["tea", 3], ["coffee", 8]]}})
    with pytest.raises(typer.Exit) as second:
        check(str(folder.path), tmp_path, as_json=True)
    verdicts = {each.id: each.verdict for each in read_result(folder.result).findings}
    assert verdicts["usage/uses"] is Verdict.FAIL
    assert (first.value.exit_code, second.value.exit_code) == (0, 1)


def test_a_run_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no-such-run"):
        check("no-such-run", tmp_path, as_json=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 8 MB, which takes root."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place],
        check=False, capture_output=True,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("a disk can be mounted by root only")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(disk: Path) -> None:
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(b"0" * 4096)


def test_a_full_disk_is_named_and_no_part_of_a_file_is_left(
    small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _run(small_disk)
    fill(small_disk)
    assert main(["check", str(folder.path)]) == 3
    printed = capsys.readouterr().err.splitlines()
    assert printed == [
        "the disk is full: make room where runs are kept, and run again; nothing is proven"
    ]
    assert {path.name for path in folder.path.iterdir()} == {"evidence", "run.log"}


def test_a_disk_that_is_read_only_is_named(
    small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _run(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert main(["check", str(folder.path)]) == 3
    (printed,) = capsys.readouterr().err.splitlines()
    assert f"{folder.path} cannot be written: Read-only file system" in printed


def test_a_log_that_is_something_else_is_not_written_through(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _run(tmp_path)
    (tmp_path / "outside").write_text("mine")
    (folder.path / "run.log").symlink_to(tmp_path / "outside")
    assert main(["check", str(folder.path)]) == 3
    assert "run.log: it is a symbolic link, not a file" in capsys.readouterr().err
    assert (tmp_path / "outside").read_text() == "mine"
