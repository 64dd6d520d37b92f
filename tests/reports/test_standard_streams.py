import os
import subprocess
import sys
from pathlib import Path

import pytest

from reports.standard_streams import PipeFile
from tests.paths import ROOT


def test_what_nobody_reads_any_more_is_discarded() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with PipeFile(writing, "w") as file:
        assert file.write(b"one") == 3
        assert file.write(b"two") == 3


def test_what_is_read_arrives(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with PipeFile(os.open(path, os.O_WRONLY | os.O_CREAT), "w") as file:
        file.write(b"one")
    assert path.read_bytes() == b"one"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["schema"], 0),
        (["--help"], 0),
        (["validate"], 0),
        (["validate", "--json"], 0),
        (["validate", "--scenario", "no such file"], 2),
        (["no-such-command"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_keeps_its_exit_code_when_the_reader_of_its_output_is_gone(
    arguments: list[str], code: int
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, ROOT / "run.py", *arguments], stdout=writing, stderr=writing,
            cwd=ROOT, timeout=120, check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert ended.returncode == code
