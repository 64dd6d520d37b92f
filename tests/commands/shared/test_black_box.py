"""Tests of commands as black boxes: their end, exit code and output."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from commands.shared.black_box import BlackBox, CompletedCommand
from tests.paths import ROOT

SLEEP = "time.sleep(3600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(3600)"
PARENT = """
import sys
from pathlib import Path
from commands.shared.black_box import BlackBox
log = Path(sys.argv[1])
BlackBox([sys.executable, "-c", {child!r}], log.with_name("output"), log).wait(3600)
"""
CHILD = "import os, sys, time; print(os.getpid(), file=sys.stderr, flush=True); time.sleep(3600)"

INTERRUPT = "os.kill(os.getppid(), signal.SIGINT); time.sleep"


def ran(
    program: str, folder: Path, timeout_s: float = 120, stop_s: float = 120, **more: str
) -> CompletedCommand:
    command = [sys.executable, "-c", program]
    environ = {**os.environ, **more}
    box = BlackBox(command, folder / "output", folder / "log", environ, stop_s)
    return box.wait(timeout_s)


def test_exit_code_and_output_are_those_of_the_command(tmp_path: Path) -> None:
    ended = ran("import sys; print('{}', end=''); print('why', file=sys.stderr); sys.exit(3)",
                tmp_path)  # fmt: skip
    assert (ended.code, ended.stdout, ended.is_late) == (3, b"{}", False)
    assert (tmp_path / "log").read_text() == "why\n"


def test_an_output_of_megabytes_is_heard_whole(tmp_path: Path) -> None:
    assert len(ran("print('x' * 3_000_000, end='')", tmp_path).stdout) == 3_000_000


def test_the_command_sees_the_variables_that_it_is_given(tmp_path: Path) -> None:
    ended = ran("import os; print(os.environ['COLOUR'])", tmp_path, COLOUR="blue")
    assert ended.stdout == b"blue\n"


def test_a_command_that_takes_too_long_is_stopped_politely(tmp_path: Path) -> None:
    ended = ran(f"import time; print('half a result', flush=True); {SLEEP}", tmp_path, 3)
    assert (ended.is_late, ended.stdout) == (True, b"")
    assert "KeyboardInterrupt" in (tmp_path / "log").read_text()


def test_a_command_that_does_not_listen_is_ended_by_force(tmp_path: Path) -> None:
    ended = ran(STUBBORN, tmp_path, timeout_s=3, stop_s=0.2)
    assert (ended.code, ended.is_late) == (-signal.SIGKILL, True)


def test_an_interrupt_ends_the_command_first(tmp_path: Path) -> None:
    """In a process of its own: an interrupt of the test runner could arrive outside of the test."""
    log = tmp_path / "log"
    child = f"import signal; {CHILD.replace('time.sleep', INTERRUPT)}"
    program = PARENT.format(child=child)
    command = [sys.executable, "-c", program, str(log)]
    parent = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=120)
    assert parent.returncode == -signal.SIGINT
    assert not psutil.pid_exists(int(log.read_text().split()[0]))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel must tell of a parent's end")
def test_a_command_does_not_outlive_who_runs_it_even_if_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = PARENT.format(child=CHILD)
    with subprocess.Popen([sys.executable, "-c", program, str(log)], cwd=ROOT) as parent:
        own = psutil.Process(parent.pid)
        while not (log.exists() and log.read_text().endswith("\n")):
            assert parent.poll() is None
        children = own.children()
        parent.kill()
    assert len(children) == 1
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []


def test_a_command_runs_beside_others_until_it_is_waited_for_or_stopped(tmp_path: Path) -> None:
    boxes = [
        BlackBox([sys.executable, "-c", program], tmp_path / f"output{number}", tmp_path / "log")
        for number, program in enumerate(["print(7)", f"import time; {SLEEP}"])
    ]
    assert boxes[0].wait(120).stdout == b"7\n"
    assert (boxes[0].has_ended, boxes[1].has_ended) == (True, False)
    boxes[1].stop()
    assert boxes[1].has_ended
    assert boxes[1].wait(120).code == -signal.SIGINT
