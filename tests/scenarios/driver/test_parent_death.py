"""A child ends with its parent, however that ends, and whatever state the child is in."""

import signal
import subprocess
import sys
import threading

import psutil
import pytest

from scenarios.driver.parent_death import dies_with_parent
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the signal")

PARENT = """
import signal, subprocess, sys, time
from scenarios.driver.parent_death import dies_with_parent
child = subprocess.Popen(
    [sys.executable, "-c", {child!r}], stdin=subprocess.DEVNULL, start_new_session=True,
    preexec_fn=dies_with_parent(),
)
print(child.pid, flush=True)
time.sleep(3600)
"""
CHILDREN = {
    "asleep": "import time; time.sleep(3600)",
    "ignores SIGTERM": "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(3600)",
    "suspended": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
}


@pytest.mark.parametrize("child", CHILDREN.values(), ids=CHILDREN)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_ends_with_its_parent(child: str, number: signal.Signals) -> None:
    command = [sys.executable, "-c", PARENT.format(child=child)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        own = psutil.Process(int(parent.stdout.readline()))
        if "SIGSTOP" in child:
            while own.status() != psutil.STATUS_STOPPED:
                assert own.is_running()
        parent.send_signal(number)
        own.wait(60)


def test_a_child_of_another_thread_outlives_the_thread() -> None:
    children: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        command = [sys.executable, "-S", "-c", "import sys; sys.stdin.read(); sys.exit(7)"]
        children.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, preexec_fn=dies_with_parent())  # noqa: PLW1509
        )

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    children[0].communicate(timeout=60)
    assert children[0].returncode == 7


# In a process of its own: this one has threads, and a fork of it would go on testing.
ORPHAN = """
import os
from scenarios.driver.parent_death import dies_with_parent

end_with_parent = dies_with_parent()
parent = os.getpid()
if os.fork() == 0:
    while os.getppid() == parent:
        pass
    end_with_parent()
    os.write(1, b"survived")
os._exit(0)
"""


def test_a_child_whose_parent_has_ended_before_it_asks_ends_at_once() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ORPHAN], cwd=ROOT, capture_output=True, check=True, timeout=60
    )
    assert ended.stdout == b""
