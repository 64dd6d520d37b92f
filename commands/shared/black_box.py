"""Run commands as black boxes: their exit code and output, and no way for them to outlive us."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scenarios.driver.parent_death import dies_with_parent


@dataclass(frozen=True)
class CompletedCommand:
    """A command that has ended; `is_late` where it had to be stopped."""

    code: int
    stdout: bytes
    duration_s: float
    is_late: bool


class BlackBox:
    """A command that runs. Its output goes to a file, so that several can run at the same time."""

    def __init__(
        self,
        command: Sequence[str],
        output: Path,
        log: Path,
        environ: Mapping[str, str] = os.environ,
        stop_s: float = 20.0,
    ) -> None:
        """Start the command; stderr goes to the log. `stop_s` is how long it may take to stop."""
        self._output, self._stop_s = output, stop_s
        self._begun_s = time.monotonic()
        with output.open("wb") as stdout, log.open("wb") as stderr:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=dict(environ),
                start_new_session=True,  # Ctrl-C in a terminal reaches it once only, through us
                preexec_fn=dies_with_parent(),  # noqa: PLW1509 - it takes no lock
            )

    @property
    def has_ended(self) -> bool:
        """Whether the command has ended by itself."""
        return self._process.poll() is not None

    def wait(self, timeout_s: float) -> CompletedCommand:
        """Return how it ended; it is stopped `timeout_s` seconds after its start.

        What it had written until then is no output.
        """
        is_late, duration_s = False, time.monotonic() - self._begun_s
        try:
            self._process.wait(max(0.0, timeout_s - duration_s))
        except subprocess.TimeoutExpired:
            is_late = True
        finally:
            self.stop()
        stdout = b"" if is_late else self._output.read_bytes()
        duration_s = time.monotonic() - self._begun_s
        return CompletedCommand(self._process.returncode, stdout, duration_s, is_late)

    def stop(self) -> None:
        """End the command if it still runs: with SIGINT, then with SIGKILL."""
        if self.has_ended:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(self._stop_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
