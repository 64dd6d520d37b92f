"""How this program is called, for hints and repeated commands: as it was, so that it works again.

`python run.py` in a checkout, `trial-balance` where it is installed.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

COMMAND = "trial-balance"
# Of the checkout; the folder `trial_balance` of site-packages where the program is installed.
ROOT = Path(__file__).resolve().parents[1]
IS_INSTALLED = (ROOT / "__init__.py").is_file()
# What sentences call the program.
NAME = COMMAND if IS_INSTALLED else "run.py"
_SCRIPTS = (ROOT / "run.py", ROOT / "__main__.py")


def program() -> str:
    """Return how one calls this program from the current folder."""
    return shlex.join(words_of_program(sys.argv[0], sys.orig_argv))


def check_command(folder: object) -> str:
    """Return the command that judges the run in a folder again."""
    return f"{program()} check {shlex.quote(str(folder))}"


def typed_command() -> str:
    """Return the command of this process with its arguments, secrets of variables as `${NAME}`."""
    from config.shell import command_line  # it needs all that knows secrets; `--help` does not

    words = words_of_program(sys.argv[0], sys.orig_argv)
    return command_line([*words, *sys.argv[1:]], os.environ)


def words_of_program(started: str, typed: Sequence[str]) -> list[str]:
    """Return how one calls this program from the current folder.

    `started` is the script of this process, `typed` its whole command line. A process that was
    not started as this program, such as one of Locust, has the usual call.
    """
    path = Path(started)
    if path.name == COMMAND and path.is_file():
        found = shutil.which(COMMAND, path=_path_of_user())
        return [COMMAND if found and path.samefile(found) else started]
    if path.name in ("run.py", "__main__.py") and path.resolve() in _SCRIPTS:
        return _words_before_arguments(typed, path.name)
    return usual_words(Path.cwd())


def _path_of_user() -> str:
    """Return the PATH, without the folder that `uvx` and `uv run` put first for this process."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(folders[1:] if "UV" in os.environ else folders)


def _words_before_arguments(typed: Sequence[str], script: str) -> list[str]:
    """Return the interpreter, its options and what it runs: a script, or a module by `-m`.

    >>> _words_before_arguments(["python", "-P", "../shop/run.py", "load", "run.py"], "run.py")
    ['python', '-P', '../shop/run.py']
    >>> _words_before_arguments(["python3", "-m", "trial_balance", "e2e"], "__main__.py")
    ['python3', '-m', 'trial_balance']
    """
    is_module = script == "__main__.py"
    ends = (
        number
        for number, word in enumerate(typed)
        if (typed[number - 1] == "-m" if is_module else Path(word).name == script)
    )
    return list(typed[: next(ends) + 1])


def usual_words(folder: Path) -> list[str]:
    """Return how one calls this program from a folder, however it was called here."""
    interpreter = Path(sys.executable)
    if IS_INSTALLED:
        command = interpreter.with_name(COMMAND)
        return [str(command)] if command.is_file() else [str(interpreter), "-m", ROOT.name]
    if folder != ROOT:
        return [str(interpreter), str(ROOT / "run.py")]
    is_here = interpreter.is_relative_to(ROOT)
    return [str(interpreter.relative_to(ROOT)) if is_here else "python", "run.py"]


def program_version() -> str:
    """Return the version of this program: a checkout is no distribution, and has it in its file."""
    if IS_INSTALLED:
        from importlib.metadata import version

        return version(COMMAND)
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])
