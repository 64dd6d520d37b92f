"""Report that a service went down or came up again: in one line, and to a command of the user."""

import os
import shlex
import subprocess
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from config.errors import ConfigError, Problem
from reports.formatting import render_seconds, render_utc
from reports.progress import Progress
from scenarios.driver.prober import StateChange

_TIMEOUT_S = 60.0


class StateReporter:
    """Prints each change, and calls the command beside the watch; an error of it is a line too."""

    def __init__(self, progress: Progress, command: Sequence[str]) -> None:
        """Call nothing if the command is empty."""
        self._progress = progress
        self._command = command

    def __call__(self, change: StateChange) -> None:
        """Report a change; it is called in the thread of a prober, which must go on."""
        self._progress.note(change_sentence(change))
        if self._command:
            threading.Thread(target=self._call, args=(change,), daemon=True).start()

    def _call(self, change: StateChange) -> None:
        try:
            ended = subprocess.run(
                self._command, env={**os.environ, **change_variables(change)}, timeout=_TIMEOUT_S,
                check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            self._progress.note(f"--on-change {self._command[0]}: {error}")
            return
        if ended.returncode:
            self._progress.note(f"--on-change {self._command[0]} exited with {ended.returncode}")


def read_command(text: str) -> list[str]:
    """Split a command as a shell would. Raises ConfigError."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ConfigError(Problem(None, None, f"--on-change {text!r}: {error}")) from error


def change_sentence(change: StateChange) -> str:
    """Return a change in one line.

    >>> change_sentence(StateChange("shop", 1764230400.0, "status 503"))
    '✕ shop is down since 2025-11-27 08:00:00 UTC: status 503'
    >>> change_sentence(StateChange("shop", 1764230412.5, "", 12.5))
    '✓ shop is up again at 2025-11-27 08:00:12 UTC, after 12.500 s'
    """
    at = render_utc(datetime.fromtimestamp(change.at, UTC))
    if change.error:
        return f"✕ {change.service} is down since {at}: {change.error}"
    return f"✓ {change.service} is up again at {at}, after {render_seconds(change.down_s)}"


def change_variables(change: StateChange) -> dict[str, str]:
    """Return the environment variables by which the command knows the change.

    >>> change_variables(StateChange("shop", 0.0, "status 503"))["TRIAL_BALANCE_STATE"]
    'down'
    """
    return {
        "TRIAL_BALANCE_SERVICE": change.service,
        "TRIAL_BALANCE_STATE": "down" if change.error else "up",
        "TRIAL_BALANCE_AT": datetime.fromtimestamp(change.at, UTC).isoformat(),
        "TRIAL_BALANCE_ERROR": change.error,
    }
