"""Find a YAML file that a command names: by its path, or by its name in a folder of the project."""

from collections.abc import Sequence
from pathlib import Path

from config.errors import ConfigError, Problem
from config.suggestions import nearest

SUFFIXES = (".yaml", ".yml")


def find_named_file(
    name: str, file_names: Sequence[str], folders: Sequence[Path], kind: str
) -> Path:
    """Return the file of a scenario or an environment: a path, or one of `file_names` in a folder.

    Raises ConfigError with what is near, and what is known in the first folder.
    """
    given = Path(name)
    is_path = given.suffix in SUFFIXES
    paths = [given] if is_path else [folder / each for folder in folders for each in file_names]
    path = next(filter(Path.is_file, paths), None)
    if path:
        return path
    path, reason = paths[0], _reason(given, folders[0], kind)
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
    if not known:
        return f"no such {kind}, and none in {folder}; name the path of a YAML file{hint}"
    return f"no such {kind}; known: {', '.join(known)}, or the path of a YAML file{hint}"
