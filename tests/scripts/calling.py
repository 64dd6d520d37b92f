"""What the tests of the scripts share: a call of the real script, with a fake run.py or none."""

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


def call(
    script: Path, *arguments: str | Path, cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Call a script as cron would: with next to no environment."""
    return subprocess.run(
        [script, *arguments], env={**CRON, "HARNESS": HARNESS, **variables}, cwd=cwd,
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=240, check=False,
    )  # fmt: skip


def told(runs: Path) -> list[str]:
    """Return the arguments that the fake run.py was called with."""
    content: dict[str, list[str]] = json.loads((runs / NAME / "told.json").read_text())
    return content["arguments"]


class Waiting:
    """A script whose fake run.py has said that it is there, and waits for a signal."""

    def __init__(
        self, command: list[str | Path], variables: dict[str, str], stdin: int = subprocess.DEVNULL
    ) -> None:
        reads, pipe = os.pipe()
        writes = fcntl.fcntl(pipe, fcntl.F_DUPFD, 50)  # above those that the scripts use
        self.process = subprocess.Popen(
            command, env={**CRON, "HARNESS": HARNESS, "FAKE_PIPE": str(writes), **variables},
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            pass_fds=[writes],
        )  # fmt: skip
        os.close(pipe)
        os.close(writes)
        self.said = os.fdopen(reads)
        pid = self.said.readline()  # empty where the script has ended without its run.py
        if not pid:
            self.said.close()
            raise AssertionError(self.process.communicate())
        self.harness = psutil.Process(int(pid))

    def end(self) -> tuple[int, str, str]:
        """Wait for the script's end; return its exit code, stdout and stderr."""
        stdout, stderr = self.process.communicate(timeout=240)
        return self.process.returncode, stdout, stderr

    def kill(self) -> None:
        """Leave neither the script nor its fake run.py behind."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.harness.kill()
        self.said.close()
        self.process.kill()
        self.process.communicate()
