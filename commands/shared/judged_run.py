"""Read the result of a run that was judged before."""

from checks.result import Result
from checks.result_document import read_result
from commands.shared.run_setup import run_py
from config.errors import ConfigError, Problem
from scenarios.evidence.run_folder import RunFolder


def read_judged(folder: RunFolder, name: object) -> Result:
    """Read a run's result; `name` is what a user calls the run. Raises ConfigError."""
    try:
        return read_result(folder.result)
    except (OSError, ValueError) as error:
        message = f"it has no readable result; run: {run_py()} check {name}"
        raise ConfigError(Problem(folder.result, None, message)) from error
