"""Run the shell scripts in tests, with `fake_run.py` in place of run.py."""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

from tests.paths import ROOT
from tests.scripts.fake_run import NAME

NIGHTLY = ROOT / "scripts" / "nightly.sh"
LOAD_TEST = ROOT / "scripts" / "load_test_onboarding.sh"
FAKE = Path(__file__).with_name("fake_run.py")
HARNESS = f"{sys.executable} {FAKE}"
CRON = {"PATH": "/usr/bin:/bin"}


def run_script(
    script: Path, *arguments: str | Path, cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a script to its end with a minimal environment, as cron does."""
    return subprocess.run(
        [script, *arguments], env={**CRON, "HARNESS": HARNESS, **variables}, cwd=cwd,
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=240, check=False,
    )  # fmt: skip


def harness_arguments(runs: Path) -> list[str]:
    """Return the arguments that the fake run.py received."""
    content: dict[str, list[str]] = json.loads((runs / NAME / "arguments.json").read_text())
    return content["arguments"]


class WaitingScript:
    """A running script whose fake run.py has started and waits for a signal."""

    def __init__(
        self, command: list[str | Path], variables: dict[str, str], stdin: int = subprocess.DEVNULL
    ) -> None:
        reads, pipe = os.pipe()
        writes = fcntl.fcntl(pipe, fcntl.F_DUPFD, 50)  # above the descriptors that the scripts use
        self.process = subprocess.Popen(
            command, env={**CRON, "HARNESS": HARNESS, "FAKE_PIPE": str(writes), **variables},
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            pass_fds=[writes],
        )  # fmt: skip
        os.close(pipe)
        os.close(writes)
        self.messages = os.fdopen(reads)
        pid = self.messages.readline()  # empty if the script ended before it started run.py
        if not pid:
            self.messages.close()
            raise AssertionError(self.process.communicate())
        self.harness = psutil.Process(int(pid))

    def end(self) -> tuple[int, str, str]:
        """Wait until the script ends; return its exit code, stdout and stderr."""
        stdout, stderr = self.process.communicate(timeout=240)
        return self.process.returncode, stdout, stderr

    def kill(self) -> None:
        """Kill the script and its fake run.py."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.harness.kill()
        self.messages.close()
        self.process.kill()
        self.process.communicate()
