"""Find a YAML file that a command names: by its path, or by its name in a folder of the project."""

from pathlib import Path

from config.errors import ConfigError, Problem
from config.suggestions import nearest

SUFFIXES = (".yaml", ".yml")


def find_named_file(name: str, file_name: str, folder: Path, kind: str) -> Path:
    """Return the file of a scenario or an environment: a path, or `file_name` in a folder.

    Raises ConfigError with what is near, and what is known.
    """
    given = Path(name)
    path = given if given.suffix in SUFFIXES else folder / file_name
    if path.is_file():
        return path
    reason = _reason(given, folder, kind)
    if name and given.is_dir():
        reason = f"this is a folder; name the YAML file of the {kind} in it"
    raise ConfigError(Problem(given if name else path, None, reason))


def _reason(given: Path, folder: Path, kind: str) -> str:
    if given.is_file():
        return f"this is not the name of a YAML file; rename the {kind} so that it ends in .yaml"
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    files = (file for suffix in SUFFIXES for file in given.parent.glob(f"*{suffix}"))
    shown = {**dict(zip(known, known, strict=True)), **{file.stem: str(file) for file in files}}
    near = nearest(given.stem, list(shown))
    hint = f"; did you mean {shown[near]}?" if near else ""
    return f"no such {kind}; known: {', '.join(known)}, or the path of a YAML file{hint}"
