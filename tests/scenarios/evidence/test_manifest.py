import os
from collections.abc import Callable
from pathlib import Path

import pytest

from config.errors import ConfigError
from scenarios.evidence.manifest import NAME, changed_files
from tests.evidence_factory import Load, sealed, write_run


def test_evidence_is_unchanged_until_it_changes(tmp_path: Path) -> None:
    folder = sealed(tmp_path)
    assert changed_files(folder, folder.read_run()) == ()


def a_digit(evidence: Path) -> None:
    path = evidence / "exchanges" / "load.rows"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")


CHANGES: dict[str, Callable[[Path], object]] = {
    "exchanges/load.rows": a_digit,
    "exchanges/load.jsonl": lambda path: (path / "exchanges" / "load.jsonl").unlink(),
    "exchanges/load-w1.jsonl": lambda path: (path / "exchanges" / "load-w1.jsonl").touch(),
    "witnesses/database/after.json": lambda path: os.truncate(
        path / "witnesses" / "database" / "after.json", 7
    ),
    "manifest.json": lambda path: (path / NAME).unlink(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_file_that_changed_is_named(tmp_path: Path, name: str) -> None:
    folder = sealed(tmp_path)
    CHANGES[name](folder.evidence)
    assert changed_files(folder, folder.read_run()) == (name,)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"run.json": 1}', b"[" * 10_000, b"\xff"])
def test_a_manifest_that_cannot_be_read_is_a_change(tmp_path: Path, content: bytes) -> None:
    folder = sealed(tmp_path)
    (folder.evidence / NAME).write_bytes(content)
    assert changed_files(folder, folder.read_run()) == (NAME,)


def test_a_name_outside_the_evidence_is_a_change_and_is_not_opened(tmp_path: Path) -> None:
    folder = sealed(tmp_path)
    (folder.evidence / NAME).write_bytes(b'{"../../../fifo": "0"}')
    os.mkfifo(tmp_path / "fifo")
    assert "../../../fifo" in changed_files(folder, folder.read_run())


def test_a_link_is_refused(tmp_path: Path) -> None:
    folder = sealed(tmp_path)
    (folder.evidence / "more").symlink_to("/etc")
    with pytest.raises(ConfigError, match="symbolic link"):
        changed_files(folder, folder.read_run())


def test_of_a_run_that_is_not_at_its_end_nothing_is_known(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load())
    assert changed_files(folder, folder.read_run()) == ()
