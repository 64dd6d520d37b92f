"""Tests of scripts/setup in a copied clone, with an empty requirements.lock and a fake pip."""

import fcntl
import hashlib
import importlib.machinery
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.paths import ROOT

SCRIPTS = ROOT / "scripts"


def read_script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("setup_script", str(SCRIPTS / "setup"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    if spec is None:
        raise FileNotFoundError(loader.path)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


setup = read_script()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    shutil.copytree(SCRIPTS, tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "requirements.lock").write_text("# nothing\n")
    prometheus = tmp_path / "prometheus"
    prometheus.write_text("#!/bin/sh\necho 'prometheus, version 2.1.0'\n")
    prometheus.chmod(0o755)
    return tmp_path


def command(clone: Path) -> list[str]:
    return [
        "env",
        f"PROMETHEUS={clone / 'prometheus'}",
        sys.executable,
        str(clone / "scripts/setup"),
    ]


def set_up(clone: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(clone), capture_output=True, text=True, timeout=60, check=False)


def pretend_finished(clone: Path, pip: str = "exit 0") -> None:
    """Create the files of a finished set-up that the next one checks, with a fake pip."""
    version = ".".join(map(str, sys.version_info[:2]))
    digest = hashlib.sha256((clone / "requirements.lock").read_bytes()).hexdigest()
    for folder in (".venv/bin", ".cache"):
        (clone / folder).mkdir(parents=True)
    (clone / ".venv/set-up").write_text(f"{digest} Python {version} {clone.resolve()}\n")
    (clone / ".venv/bin/pip").write_text(f"#!{clone.resolve()}/.venv/bin/python\n")
    python = clone / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\ncase "$1" in -c) echo {version} ;; *) {pip} ;; esac\n')
    python.chmod(0o755)


def change_lock(clone: Path) -> None:
    (clone / "requirements.lock").write_text("# another nothing\n")


@pytest.mark.core
@pytest.mark.long
def test_after_an_interrupted_set_up_the_environment_is_created_again_once(clone: Path) -> None:
    pretend_finished(clone)
    (clone / ".cache/venv-unfinished").touch()
    (clone / ".venv/half-a-package").touch()

    first = set_up(clone)
    second = set_up(clone)

    assert first.returncode == 0, first.stderr
    assert "venv        installed in" in first.stdout
    assert f"prometheus  2.1.0 from $PROMETHEUS ({clone / 'prometheus'})" in first.stdout
    assert not (clone / ".venv/half-a-package").exists()
    assert not (clone / ".cache/venv-unfinished").exists()
    assert all("up to date" in line for line in second.stdout.splitlines())


def test_a_second_set_up_changes_nothing(clone: Path) -> None:
    pretend_finished(clone)

    assert "venv        up to date" in set_up(clone).stdout


def test_a_changed_lock_is_installed_with_hashes_into_the_same_environment(clone: Path) -> None:
    pretend_finished(clone, pip='echo "$@"')
    change_lock(clone)

    assert "venv        installed in" in set_up(clone).stdout
    assert "--require-hashes" in (clone / ".cache/pip.log").read_text()
    assert "venv        up to date" in set_up(clone).stdout


def test_a_pip_that_failed_before_installing_leaves_the_environment_usable(clone: Path) -> None:
    pretend_finished(clone, pip="echo 'Max retries exceeded'; exit 1")
    change_lock(clone)

    done = set_up(clone)

    assert done.returncode == 1
    assert done.stderr.startswith("setup: no package index answers: check the network")
    assert len(done.stderr.splitlines()) == 1
    assert not (clone / ".venv/set-up").exists()
    assert not (clone / ".cache/venv-unfinished").exists()


def test_a_pip_that_failed_while_installing_marks_the_environment_unfinished(clone: Path) -> None:
    pretend_finished(clone, pip="echo 'Installing collected packages: a'; exit 1")
    change_lock(clone)

    assert set_up(clone).returncode == 1
    assert (clone / ".cache/venv-unfinished").exists()


def test_an_environment_is_sound_only_at_its_path_and_with_its_python(
    clone: Path,
) -> None:
    pretend_finished(clone)
    version, venv = ".".join(map(str, sys.version_info[:2])), clone.resolve() / ".venv"
    moved = shutil.copytree(venv, clone / "moved")

    assert setup.is_sound(venv, version)
    assert not setup.is_sound(venv, "3.10")
    assert not setup.is_sound(moved, version)
    (venv / "bin/python").unlink()
    assert not setup.is_sound(venv, version)


def test_a_second_set_up_waits_for_the_first(clone: Path) -> None:
    pretend_finished(clone)
    with (clone / ".cache/setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(command(clone), stdout=subprocess.PIPE, text=True) as second:
            assert second.stdout is not None
            assert "waiting for another set-up" in second.stdout.readline()
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert "up to date" in second.stdout.read()
    assert second.returncode == 0


def test_a_python_that_is_too_old_is_refused_with_the_remedy() -> None:
    with pytest.raises(setup.SetUpError, match="make setup PYTHON=python3"):
        setup.check_python((3, 10))


@pytest.mark.parametrize(
    ("output", "meaning"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "distrust the index"),
        ("broken by NewConnectionError(...)", "check the network"),
        ("ERROR: first\nERROR: No space left on device", "No space left on device"),
    ],
)
def test_an_error_of_pip_is_explained(output: str, meaning: str) -> None:
    assert meaning in setup.explain(output)
