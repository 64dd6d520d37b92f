"""Start the local stack, and keep it up until stopped."""

import contextlib
import json
import signal
from collections.abc import Mapping
from pathlib import Path

from commands.shared.interrupts import INTERRUPTS
from commands.shared.run_setup import LOCAL, started_stack
from config.clock import CLOCK
from config.environment import read_environment_file
from config.program import program
from config.project import ENVIRONMENTS
from scenarios.driver.plan import refuse_fault
from scenarios.evidence.files import write_atomically
from scenarios.evidence.run_folder import new_run_id


def up(runs: Path, fault: str, as_json: bool) -> None:
    """Print the stack's addresses as variables, and wait for a signal. Raises ConfigError."""
    refuse_fault(fault, read_environment_file(ENVIRONMENTS / "local.yaml"), LOCAL.faults)
    INTERRUPTS.raise_on_signal()
    folder = runs / f"up-{new_run_id(CLOCK.now())}"
    with started_stack(folder, fault) as variables:
        file = write_environment(folder, variables)
        lines = [f"{name}={value}" for name, value in variables.items()]
        lines += [
            f"in another terminal: {program()} e2e --env {file}",
            "Ctrl-C stops it",
        ]
        document = json.dumps({**variables, "environment": str(file)})
        INTERRUPTS.print_document(document if as_json else "\n".join(lines))
        with contextlib.suppress(KeyboardInterrupt):
            INTERRUPTS.raise_on_signal()
            signal.pause()


def write_environment(folder: Path, variables: Mapping[str, str]) -> Path:
    """Write an environment file for a stack that stays up, its addresses put in."""
    text = (ENVIRONMENTS / "local.yaml").read_text(encoding="utf-8")
    for name, value in variables.items():
        text = text.replace(f"${{{name}}}", value)
    file = folder / "environment.yaml"
    lines = [line for line in text.splitlines() if not line.startswith("stack:")]
    write_atomically(file, "\n".join([*lines, ""]).encode())
    return file
