"""Read scenarios and an environment, and report every mistake. Nothing is sent."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from commands.shared.interrupts import INTERRUPTS
from commands.shared.run_setup import plan_of
from config.environment import find_environment
from config.errors import ConfigError, Problem
from config.preview import preview_environment
from config.project import Project, find_project
from scenarios.driver.plan import EVERY_PROFILE


def validate(
    scenario: str,
    env: str,
    as_json: bool,
    profiles: Sequence[str] = (),
    *,
    allow_unset: bool = False,
) -> None:
    """Print the files that are valid: one scenario, or all of the project. Raises ConfigError.

    Every profile is compared with the limits of the environment, unless some are named. With
    `allow_unset`, variables without a value are accepted: the secrets of an environment need not be
    where its file is validated. The option is not called offline: the command never sends anything.
    """
    project = find_project()
    names = [scenario] if scenario else _scenarios_of(project)
    files: list[Path] = []
    problems: dict[Problem, None] = {}
    for name in names:
        try:
            plan = plan_of(
                "validate", env, name, tuple(profiles) or EVERY_PROFILE, Path("runs"), "",
                allow_unset=allow_unset,
            )  # fmt: skip
            files.append(plan.scenario_path)
        except ConfigError as error:
            problems |= dict.fromkeys(error.problems)
    for path in () if scenario else _other_environments(project, env):
        try:
            preview_environment(path, lambda name: name not in os.environ)
            files.append(path)
        except ConfigError as error:
            problems |= dict.fromkeys(error.problems)
    if problems:
        raise ConfigError(*problems)
    valid = [os.path.relpath(path) for path in (*files, find_environment(env))]
    lines = "\n".join(f"valid: {path}" for path in valid)
    INTERRUPTS.print_document(json.dumps({"valid": valid}) if as_json else lines)


def _scenarios_of(project: Project) -> list[str]:
    names = sorted(map(str, project.scenarios.glob("*.yaml")))
    if not names:
        message = "there is no scenario in this folder: add one, or name a file with --scenario"
        raise ConfigError(Problem(project.scenarios, None, message))
    return names


def _other_environments(project: Project, env: str) -> list[Path]:
    """Return the environments of a project file beside `env`; their variables need not be set."""
    found = sorted(project.environments.glob("*.yaml")) if project.file else ()
    return [path for path in found if path.stem != Path(env).stem]
