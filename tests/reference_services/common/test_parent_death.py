"""A process that asks for it is killed with its parent."""

import subprocess
import sys

import psutil
import pytest

from tests.paths import ROOT

PARENT = """
import os, subprocess, sys, time
child = "import os, sys, time; from reference_services.common.parent_death import die_with_parent;"
child += "die_with_parent(int(sys.argv[1])); print(os.getpid(), flush=True); time.sleep(3600)"
subprocess.Popen([sys.executable, "-c", child, {parent}])
time.sleep(3600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the signal")
def test_a_process_is_killed_with_its_parent() -> None:
    command = [sys.executable, "-c", PARENT.format(parent="str(os.getpid())")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        child.wait(60)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the signal")
def test_a_process_whose_parent_is_gone_ends_at_once() -> None:
    script = "from reference_services.common.parent_death import die_with_parent as d; d(1 << 22)"
    ended = subprocess.run([sys.executable, "-c", f"{script}; print('survived')"], cwd=ROOT,
                           capture_output=True, check=False)  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, b"")
