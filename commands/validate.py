"""Read scenarios and an environment, and report every mistake. Nothing is sent."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from commands.shared.interrupts import INTERRUPTS
from commands.shared.run_setup import plan_of
from config.environment import find_environment
from config.errors import ConfigError, Problem
from config.project import find_project
from scenarios.driver.plan import EVERY_PROFILE


def validate(
    scenario: str,
    env: str,
    as_json: bool,
    profiles: Sequence[str] = (),
    *,
    allow_unset: bool = False,
) -> None:
    """Print the files that are valid: one scenario, or all of them. Raises ConfigError.

    Every profile is compared with the limits of the environment, unless some are named. With
    `allow_unset`, variables without a value are accepted: the secrets of an environment need not be
    where its file is validated. The option is not called offline: the command never sends anything.
    """
    names = [scenario] if scenario else sorted(map(str, find_project().scenarios.glob("*.yaml")))
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
    if problems:
        raise ConfigError(*problems)
    valid = [os.path.relpath(path) for path in (*files, find_environment(env))]
    lines = "\n".join(f"valid: {path}" for path in valid)
    INTERRUPTS.print_document(json.dumps({"valid": valid}) if as_json else lines)
