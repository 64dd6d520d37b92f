"""The project file `trial-balance.yaml`: where a project has its files, and what it runs.

It is found in the current folder or one above it. Without one, a checkout has the scenarios and
environments of the reference services.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from config.documents import Document, read_document
from config.errors import ConfigError, Problem
from config.models import StrictModel, read_model
from config.other_names import OF_KEEP, OF_PROJECT
from config.program import IS_INSTALLED, ROOT

FILE_NAME = "trial-balance.yaml"
SCENARIOS, ENVIRONMENTS = ROOT / "scenarios", ROOT / "config"

Text = Annotated[str, Field(min_length=1)]


class Keep(StrictModel):
    """How long runs are kept: those of the last `days`, and at least so many of the newest."""

    other_names = OF_KEEP

    days: Annotated[int, Field(ge=1, le=100_000)] = 30
    at_least: Annotated[int, Field(ge=1)] = 10


class ProjectFile(StrictModel):
    """A project: its folders, relative to this file, and what a command runs that names nothing.

    `scenario` and `environment` are names of files in the folders, without .yaml.
    """

    other_names = OF_PROJECT

    scenarios: Text = "scenarios"
    environments: Text = "environments"
    runs: Text = "runs"
    scenario: Text | None = None
    environment: Text | None = None
    keep: Keep | None = None


@dataclass(frozen=True)
class Project:
    """A project: its file, if it has one, its folders, and the defaults of commands."""

    file: Path | None
    scenarios: Path
    environments: Path
    runs: Path
    scenario: str | None
    environment: str | None
    watched: str | None = None
    keep: Keep | None = None

    def default_scenario(self) -> str:
        """Return the scenario of a command that names none. Raises ConfigError."""
        return self.scenario or self._refuse("scenario", "--scenario")

    def default_environment(self) -> str:
        """Return the environment of a command that names none. Raises ConfigError."""
        return self.environment or self._refuse("environment", "--env")

    def watched_environment(self) -> str:
        """Return the environment of a watch, which must outlast it. Raises ConfigError."""
        return self.watched or self.default_environment()

    def _refuse(self, kind: str, option: str) -> str:
        place = self.file or f"a file {FILE_NAME}, which is neither here nor in a folder above"
        message = f"no {kind} is named: add {option}, or write {kind}: … to {place}"
        raise ConfigError(Problem(None, None, message))


def find_project(folder: Path | None = None, *, is_installed: bool = IS_INSTALLED) -> Project:
    """Return the project of a folder (default: the current one). Raises ConfigError."""
    folder = folder or Path.cwd()
    for each in (folder, *folder.parents):
        if (path := each / FILE_NAME).is_file():
            return read_project(path, folder)
    if is_installed:
        return Project(None, SCENARIOS, ENVIRONMENTS, Path("runs"), None, None)
    return Project(
        None, SCENARIOS, ENVIRONMENTS, Path("runs"), "usage_tracking", "local", "staging"
    )


def read_project(path: Path, folder: Path) -> Project:
    """Read a project file; its folders are relative to `folder`. Raises ConfigError."""
    document = read_document(path)
    file = read_model(document, ProjectFile)
    if missing := list(_missing_folders(document, file)):
        raise ConfigError(*missing)

    def placed(name: str) -> Path:
        return Path(os.path.relpath(path.parent / name, folder))

    return Project(
        Path(os.path.relpath(path, folder)), placed(file.scenarios), placed(file.environments),
        placed(file.runs), file.scenario, file.environment, keep=file.keep,
    )  # fmt: skip


def _missing_folders(document: Document, file: ProjectFile) -> list[Problem]:
    """Return the folders that the file names, and that do not exist; runs/ is made when needed."""
    named = {key: getattr(file, key) for key in ("scenarios", "environments")}
    return [
        document.problem((key,), f"there is no folder {name}; make it, or correct the name")
        for key, name in named.items()
        if key in file.model_fields_set and not (document.path.parent / name).is_dir()
    ]
