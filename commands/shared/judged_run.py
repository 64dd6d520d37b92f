"""Read the result of a run that was judged before."""

from checks.result import Result
from checks.result_document import read_result
from config.errors import ConfigError, Problem
from config.program import check_command
from scenarios.evidence.run_folder import RunFolder


def read_judged(folder: RunFolder) -> Result:
    """Read a run's result. Raises ConfigError."""
    try:
        return read_result(folder.result)
    except (OSError, ValueError) as error:
        message = f"it has no readable result; run: {check_command(folder.path)}"
        raise ConfigError(Problem(folder.result, None, message)) from error
