"""A temporary folder outlives neither its block nor, for long, a process that was killed."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from reference_services.common.temporary_folder import temporary_folder
from tests.paths import ROOT

PREFIX = "of-a-test-"
HOLDER = """
import sys, time
from reference_services.common.temporary_folder import temporary_folder
with temporary_folder(sys.argv[1]) as folder:
    (folder / "file").write_text("x")
    print(folder, flush=True)
    time.sleep(3600)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have temporary folders made in a folder of the test, by its child processes, too."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def _hold() -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, PREFIX], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, SystemExit, ValueError])
def test_a_folder_is_gone_however_its_block_ends(
    place: Path, error: type[BaseException] | None
) -> None:
    try:
        with temporary_folder(PREFIX) as folder:
            (folder / "deep").mkdir()
            assert folder.parent == place
            if error:
                raise error
    except BaseException as raised:
        assert type(raised) is error
    assert list(place.iterdir()) == []


def test_the_folder_of_a_killed_process_is_gone_when_the_next_one_is_made(place: Path) -> None:
    process, killed = _hold()
    process.kill()
    process.communicate()
    assert (killed / "file").exists()
    with temporary_folder(PREFIX) as folder:
        assert list(place.iterdir()) == [folder]


def test_a_folder_that_another_process_holds_is_left_alone(place: Path) -> None:
    process, held = _hold()
    try:
        with temporary_folder(PREFIX) as folder:
            assert set(place.iterdir()) == {held, folder}
        assert (held / "file").read_text() == "x"
    finally:
        process.kill()
        process.communicate()


def test_a_link_in_the_place_of_a_folder_is_not_followed(place: Path) -> None:
    mine = place / "mine"
    mine.mkdir()
    (mine / "file").write_text("x")
    (place / f"{PREFIX}abcdefgh").symlink_to(mine)
    with temporary_folder(PREFIX):
        pass
    assert (mine / "file").read_text() == "x"


@pytest.mark.parametrize("name", ["notes", "abcdefgh.txt", "ABCDEFGH", "abcdefghi"])
def test_a_folder_whose_name_is_of_another_kind_is_left_alone(place: Path, name: str) -> None:
    (place / f"{PREFIX}{name}").mkdir()
    with temporary_folder(PREFIX):
        pass
    assert (place / f"{PREFIX}{name}").is_dir()


def test_a_file_in_the_place_of_a_folder_is_left_alone(place: Path) -> None:
    (place / f"{PREFIX}abcdefgh").write_text("mine")
    with temporary_folder(PREFIX):
        pass
    assert (place / f"{PREFIX}abcdefgh").read_text() == "mine"


def test_logs_stay_after_an_error_and_until_the_next_folder_is_made(place: Path) -> None:
    with pytest.raises(ValueError, match="no start"), temporary_folder(PREFIX, keep_on_error=True):
        raise ValueError("no start")
    (kept,) = place.iterdir()
    with temporary_folder(PREFIX):
        assert not kept.exists()


def test_an_interruption_is_no_error_whose_logs_anyone_reads(place: Path) -> None:
    with pytest.raises(KeyboardInterrupt), temporary_folder(PREFIX, keep_on_error=True):
        raise KeyboardInterrupt
    assert list(place.iterdir()) == []
