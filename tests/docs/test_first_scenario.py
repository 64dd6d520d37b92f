"""What docs/first-scenario.md describes works as it is written there."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from config.environment import read_environment
from scenarios.language.reader import read_scenario
from tests.paths import ROOT
from tests.patience import HANGS_S
from tests.secured_servers import free_port

TEXT = (ROOT / "docs/first-scenario.md").read_text(encoding="utf-8")
FILES = ("meter.py", "laptop.yaml", "uses.yaml")
BLOCKS = re.findall(r"```(?:python|yaml)\n(.*?)```", TEXT, re.DOTALL)
OPTIONS = ("--scenario", "uses.yaml", "--env", "laptop.yaml")


def written(folder: Path, port: int) -> Path:
    """Write the files of the document, with another port."""
    for name, block in zip(FILES, BLOCKS, strict=True):
        (folder / name).write_text(block.replace(":8000", f":{port}"), encoding="utf-8")
    return folder


@contextmanager
def serving(folder: Path, port: int, fault: str = "") -> Iterator[None]:
    command = [sys.executable, "-m", "uvicorn", "meter:app", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, "FAULT": fault})
    try:
        while not _responds(port):
            assert process.poll() is None
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(HANGS_S)


def _responds(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health") as response:
            return bool(response.status)
    except URLError:
        return False


def run(folder: Path, command: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code of a command in a folder of the stranger's own, and its document."""
    words = [sys.executable, str(ROOT / "run.py"), command, *OPTIONS, "--json"]
    done = subprocess.run(words, cwd=folder, capture_output=True, check=False, timeout=HANGS_S)
    return done.returncode, json.loads(done.stdout)


def test_its_files_have_no_mistake(tmp_path: Path) -> None:
    folder = written(tmp_path, 8000)
    scenario = read_scenario(folder / "uses.yaml")
    environment = read_environment(folder / "laptop.yaml")
    assert list(scenario.quantities) == ["uses"]
    assert list(environment.services) == ["meter"]


@pytest.mark.long
def test_its_service_counts_once_and_with_the_fault_twice(tmp_path: Path) -> None:
    port = free_port()
    folder = written(tmp_path, port)
    with serving(folder, port):
        assert run(folder, "validate")[0] == 0
        assert run(folder, "doctor")[0] == 0
        _, document = run(folder, "load")
        assert {row["verdict"] for row in document["usage"]} == {"pass"}
    with serving(folder, port, "double"):
        code, document = run(folder, "load")
    assert code == 1
    assert "DOUBLE_COUNT" in {row["code"] for row in document["usage"]}
