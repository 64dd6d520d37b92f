"""Run a command as a black box: its exit code and output, and no way for it to outlive us."""

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


def run_black_box(
    command: Sequence[str],
    log: Path,
    timeout_s: float,
    environ: Mapping[str, str] = os.environ,
    stop_s: float = 20.0,
) -> CompletedCommand:
    """Run a command to its end and return its output; stderr goes to the log.

    It is stopped after `timeout_s` seconds, and when this is interrupted: with SIGINT, and with
    SIGKILL `stop_s` seconds later.
    """
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            env=dict(environ),
            start_new_session=True,  # Ctrl-C in a terminal reaches it once only, through us
            preexec_fn=dies_with_parent(),  # noqa: PLW1509 - it takes no lock
        )
    stdout, is_late = b"", False
    try:
        stdout = process.communicate(timeout=timeout_s)[0]
    except subprocess.TimeoutExpired:
        is_late = True
    finally:
        _stop(process, stop_s)
    return CompletedCommand(process.returncode, stdout, time.monotonic() - began, is_late)


def _stop(process: subprocess.Popen[bytes], stop_s: float) -> None:
    """End a process that still runs: with SIGINT, reading its remaining output, then SIGKILL."""
    try:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=stop_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        if process.stdout:
            process.stdout.close()
