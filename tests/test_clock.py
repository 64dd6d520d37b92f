"""Is a halt of the machine told apart from work that takes long? A stopped process stands still."""

import os
import signal
import subprocess
import sys
import time

from tests.paths import ROOT

HALT_S = 0.6
_WORK = """
import time
from tests.clock import ticking
with ticking() as measured:
    print("begun", flush=True)
    time.sleep(2)
    print(measured.lasted_s(), measured.took_s())
"""


def test_a_halt_is_not_held_against_the_work_and_slow_work_is() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WORK], cwd=ROOT, text=True, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(HALT_S)
    os.kill(process.pid, signal.SIGCONT)
    said, _ = process.communicate(timeout=60)
    lasted_s, took_s = map(float, said.split())
    assert lasted_s - took_s >= HALT_S - 0.02
    assert took_s > 0.2
