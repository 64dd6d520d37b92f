"""Run a command as a black box: its exit code and output, and no way for it to outlive us."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_KERNEL = ctypes.CDLL(None) if sys.platform == "linux" else None


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

    It is stopped after `timeout_s` seconds, and when this is interrupted: politely, and by force
    `stop_s` seconds later.
    """
    began, parent = time.monotonic(), os.getpid()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            env=dict(environ),
            start_new_session=True,  # Ctrl-C in a terminal reaches it once only, through us
            preexec_fn=lambda: _end_with(parent),  # noqa: PLW1509 - there is no other thread here
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
    """End a process, if it has not: politely, with an ear for its last words, then by force."""
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


def _end_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends, or end it if that is so already."""
    if _KERNEL is None:
        return
    _KERNEL.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    # A parent that ended before the call above sends no signal any more.
    if os.getppid() != parent:
        os._exit(1)
