"""Child processes that interrupt themselves, at an instant of their own choice."""

import signal
import subprocess
import sys

import pytest

from tests.paths import ROOT

HANGS_S = 120

_IMPORTS = """\
import os, signal
import gevent
from scenarios.engine.interrupts import end_on_interrupt, stop_on_interrupt

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    [None for _ in range(1000)]  # Python's own handler would run in here

"""
_LOAD = """\
def request():
    interrupt()
    print("the request is whole", flush=True)
    gevent.sleep(0)
    print("the next one is not started", flush=True)

stop_on_interrupt()
user = gevent.spawn(request)
try:
    gevent.sleep(3600)
except KeyboardInterrupt:
    user.kill()
"""


def child(program: str) -> tuple[int, list[str], str]:
    """Run a program; return its exit code, lines of output, and stderr."""
    ended = subprocess.run(
        [sys.executable, "-c", _IMPORTS + program], cwd=ROOT, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=HANGS_S,
    )  # fmt: skip
    return ended.returncode, ended.stdout.splitlines(), ended.stderr


@pytest.mark.parametrize(
    "program",
    [
        "end_on_interrupt(); interrupt(); print('goes on')",
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]); interrupt();"
        "print('held', flush=True); end_on_interrupt(); print('goes on')",
    ],
    ids=["now", "held"],
)
def test_before_a_load_an_interrupt_ends_the_process_in_silence(program: str) -> None:
    code, lines, stderr = child(program)
    assert (code, stderr) == (-signal.SIGINT, "")
    assert "goes on" not in lines
    assert lines == ["held"] * ("held" in program)


def test_in_a_load_an_interrupt_tears_no_request_and_reaches_the_main_greenlet() -> None:
    code, lines, stderr = child(_LOAD + 'print("stopped in order")')
    assert (code, stderr) == (0, "")
    assert lines[0] == "the request is whole"
    assert lines[-1] == "stopped in order"


@pytest.mark.parametrize("wait", ["pass", "gevent.sleep(0)"])
def test_a_second_interrupt_ends_the_process_while_it_stops(wait: str) -> None:
    program = f"print('stopping', flush=True); {wait}; interrupt(); print('stopped')"
    code, lines, stderr = child(_LOAD + program)
    assert (code, stderr) == (-signal.SIGINT, "")
    assert lines[-1] == "stopping"
