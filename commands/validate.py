"""Read scenarios and an environment, and report every mistake. Nothing is sent."""

import json
import os
from pathlib import Path

from commands.shared.interrupts import INTERRUPTS
from commands.shared.run_setup import ROOT, plan_of
from config.environment import find_environment


def validate(scenario: str, env: str, as_json: bool) -> None:
    """Print the files that are valid: one scenario, or all of them. Raises ConfigError."""
    names = [scenario] if scenario else sorted(map(str, (ROOT / "scenarios").glob("*.yaml")))
    plans = [plan_of("validate", env, name, (), Path("runs"), "") for name in names]
    files = [*(plan.scenario_path for plan in plans), find_environment(env)]
    valid = [os.path.relpath(path) for path in files]
    lines = "\n".join(f"valid: {path}" for path in valid)
    INTERRUPTS.print_document(json.dumps({"valid": valid}) if as_json else lines)
