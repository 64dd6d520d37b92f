"""A full disk and too few open files: one sentence, an inconclusive run, nothing half-written."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.tiny_server import Canned, serving

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="its limits are those of Linux"),
]

_INCONCLUSIVE = 3
_ENVIRONMENT = """\
environment: shop
services: {{shop: {{url: "{url}", health: /health, metrics: none}}}}
load: {{allowed: true}}
"""
_SCENARIO = """\
scenario: visits
flow: [{step: visit, request: GET shop /visit, timeout: 5s, expect: {json: {state: done}}}]
profiles:
  e2e: {users: 1, iterations: 1}
  many: {users: 60, iterations: 300}
checks: {success_rate: 100%}
"""
_COMMANDS = {"e2e": ("e2e",), "load": ("load", "--profile", "many")}


@pytest.fixture
def files(tmp_path: Path) -> Iterator[list[str]]:
    with serving(
        {"/visit": Canned(json.dumps({"state": "done"})), "/health": Canned("{}")}
    ) as server:
        (tmp_path / "e.yaml").write_text(_ENVIRONMENT.format(url=server.url))
        (tmp_path / "s.yaml").write_text(_SCENARIO)
        yield ["--env", str(tmp_path / "e.yaml"), "--scenario", str(tmp_path / "s.yaml")]


def _run(
    command: str, files: list[str], runs: Path, limit: Callable[[], None] | None = None
) -> str:
    """Run a command that cannot have what it needs; return what it printed."""
    ended = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *_COMMANDS[command], *files, "--runs", str(runs)],
        capture_output=True, text=True, timeout=200, check=False, cwd=ROOT, preexec_fn=limit,
        env={**os.environ, "COLUMNS": "400"},
    )  # fmt: skip
    printed = " ".join((ended.stdout + ended.stderr).split())
    assert ended.returncode == _INCONCLUSIVE, printed
    assert not any(each in printed for each in ("Traceback", "Errno", "OSError")), printed
    _assert_nothing_half_written(runs)
    return printed


def _assert_nothing_half_written(runs: Path) -> None:
    for path in runs.rglob("*"):
        assert not path.name.endswith((".tmp", ".new", ".part")), path
        if path.suffix == ".json" and path.is_file():
            json.loads(path.read_bytes())


@contextmanager
def _small_disk(place: Path, size_kb: int) -> Iterator[Path]:
    place.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(place)]
    if subprocess.run(["mount", *options], check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        yield place / "runs"
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("size_kb", [16, 40, 200])
@pytest.mark.parametrize("command", _COMMANDS)
def test_a_full_disk_is_named_with_the_remedy(
    files: list[str], tmp_path: Path, command: str, size_kb: int
) -> None:
    with _small_disk(tmp_path / "disk", size_kb) as runs:
        assert "the disk is full: make room where runs are kept" in _run(command, files, runs)


@pytest.mark.parametrize("size_kb", [1, 8, 64])
@pytest.mark.parametrize("command", _COMMANDS)
def test_a_limit_on_the_size_of_files_is_named_with_the_remedy(
    files: list[str], tmp_path: Path, command: str, size_kb: int
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_kb * 1024, size_kb * 1024))

    printed = _run(command, files, tmp_path / "runs", limit)
    assert "a file may not grow any further: raise the limit (ulimit -f)" in printed


@pytest.mark.parametrize("number", [24, 40])
def test_too_few_open_files_for_the_users_of_a_load_are_no_fault_of_the_service(
    files: list[str], tmp_path: Path, number: int
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))

    printed = _run("load", files, tmp_path / "runs", limit)
    assert "too many files are open: raise the limit (ulimit -n)" in printed
