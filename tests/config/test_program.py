"""How the program is called, in a checkout."""

import shlex
import sys
from pathlib import Path

import pytest

from config.program import NAME, ROOT, program, program_version, usual_words, words_of_program

PYTHON = Path(sys.executable)
SCRIPT = str(ROOT / "run.py")


@pytest.mark.parametrize(
    "start",
    [
        ["python", "run.py"],
        [".venv/bin/python", "-W", "error", "./run.py"],
        ["/usr/bin/python3.11", SCRIPT],
    ],
)
def test_a_script_is_called_as_it_was(start: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    typed = [*start, "load", "--scenario", "run.py", "--env", "-m"]
    assert words_of_program(start[-1], typed) == start


def test_a_script_of_another_project_is_not_this_program(tmp_path: Path) -> None:
    other = tmp_path / "run.py"
    other.touch()
    assert words_of_program(str(other), ["python", str(other)]) == usual_words(Path.cwd())


def test_a_command_on_the_path_is_called_by_its_name_and_another_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = [tmp_path / folder / "trial-balance" for folder in ("first", "second")]
    for command in commands:
        command.parent.mkdir()
        command.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "first"))
    monkeypatch.delenv("UV", raising=False)
    first, second = map(str, commands)
    assert words_of_program(first, ["python", first, "e2e"]) == ["trial-balance"]
    assert words_of_program(second, ["python", second, "e2e"]) == [second]
    monkeypatch.setenv("UV", "/usr/bin/uv")  # which put the first folder on the PATH
    assert words_of_program(first, ["python", first, "e2e"]) == [first]


def test_any_other_process_knows_the_usual_call() -> None:
    assert words_of_program("/usr/bin/locust", ["python", "/usr/bin/locust"]) == usual_words(
        Path.cwd()
    )
    assert shlex.split(program()) == usual_words(Path.cwd())


def test_the_interpreter_is_one_that_can_be_typed_in_the_projects_folder() -> None:
    python, script = usual_words(ROOT)
    assert script == NAME == "run.py"
    assert (ROOT / python if "/" in python else PYTHON) == PYTHON


def test_in_another_folder_interpreter_and_script_are_full_paths(tmp_path: Path) -> None:
    python, script = usual_words(tmp_path)
    assert Path(python).is_file()
    assert script == SCRIPT


def test_the_version_is_that_of_the_checkout() -> None:
    assert f'\nversion = "{program_version()}"\n' in (ROOT / "pyproject.toml").read_text()
